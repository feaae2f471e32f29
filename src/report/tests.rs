//! What every run shows, whatever happened in it. Exists only under test.

use std::collections::BTreeSet;

use swarm_domain::{Event, TaskId};

use super::*;

#[test]
fn dump() {
    for (name, sample) in scenes::all() {
        println!("=== {name}: {:?}", sample.state.parts().and_then(status::outcome));
        let mut teller = Teller::new();
        for recorded in &sample.history {
            for line in teller.take(recorded) {
                println!("{line}");
            }
        }
        println!("--- status");
        print!("{}", status_text(&sample.state, &Liveness { owner: None }, sample.now_ms, false, 100));
        println!("--- ending");
        print!("{}", ending(&sample.state, false));
        for task in sample.state.run().tasks.iter() {
            println!("--- why");
            print!("{}", why(&sample.state, &sample.history, &task.spec.id).unwrap().text);
        }
    }
    let kinds: BTreeSet<&str> = scenes::all().iter().flat_map(|(_, s)| s.history.iter().map(|r| r.event.name())).collect();
    println!("missing: {:?}", Event::KINDS.iter().filter(|(_, n)| !kinds.contains(n)).collect::<Vec<_>>());
    let _ = TaskId::new("x");
}
