//! kill -9 of the process that holds the proxy: what its file says afterwards is at least what the server sold.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use swarm::proxy::{Grant, Proxy, read_calls};

use crate::common::until_true;
use crate::model::{ModelServer, Reply, Usage};
use crate::programs::PROGRAMS;
use crate::stage::{PLENTY, RATE, config, sold_picos};

/// Set in the process that plays the holder: its folder, and the upstream.
const PLAY: &str = "PROXY_TEST_HOLDER";

/// Not a test but the holder of the others, in a process of its own: a proxy, and programs that call without end.
#[test]
fn holder() {
    let Some(play) = std::env::var_os(PLAY) else { return };
    let (dir, upstream) = play.to_str().unwrap().split_once(' ').unwrap();
    let config = config(upstream, Path::new(dir), Arc::new(Grant::new(PLENTY)), RATE);
    let proxy = Proxy::start(config).unwrap();
    thread::scope(|scope| {
        for program in &PROGRAMS {
            for streamed in [false, true] {
                let url = proxy.url();
                scope.spawn(move || {
                    loop {
                        program.call(&url, "Go on.", "bash", 0, streamed);
                    }
                });
            }
        }
    });
}

#[test]
fn a_killed_proxy_has_told_of_all_that_was_sold() {
    for calls in [1, 8, 9, 25, 60, 100] {
        let (model, dir) = (ModelServer::start(), tempfile::tempdir().unwrap());
        // Within what is estimated for a small request, as a provider's figures are.
        let used = Usage { input: 400, cache_read: 200, cache_write: 300, output: 90, reasoning: 0 };
        model.script("sells", move |_| Reply::says("Done.").using(used));
        let mut play = Command::new(std::env::current_exe().unwrap());
        let told = format!("{} {}", dir.path().display(), model.url("sells"));
        play.args(["--exact", "killed::holder", "--nocapture"]).env(PLAY, told);
        let mut holder = play.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until_true("calls", || model.calls().len() >= calls);
        holder.kill().unwrap();
        holder.wait().unwrap();
        until_true("a server that is left alone", || model.open() == 0);

        let totals = read_calls(dir.path()).unwrap();
        let (told, sold) = (u128::from(totals.most_micros()) * 1_000_000, sold_picos(&model, RATE));
        assert!(told >= sold && sold > 0, "{totals:?} for {sold}");
        assert!(totals.calls >= model.calls().len() as u64, "{totals:?}");
    }
}
