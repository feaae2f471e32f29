//! What real agent programs printed, as it is kept: redaction changes nothing that their adapters read.

use std::path::Path;
use std::sync::Arc;

use crate::secrets::{Flow, Redactor};

#[test]
fn what_agent_programs_print_is_kept_as_it_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let mut changed = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the captures are there") {
        let path = entry.expect("the captures are there").path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let (mut flow, mut kept) = (Flow::new(Arc::new(Redactor::new([]))), Vec::new());
        flow.take(&bytes, &mut kept);
        flow.finish(&mut kept);
        if kept != bytes {
            let (old, new) =
                (String::from_utf8_lossy(&bytes).into_owned(), String::from_utf8_lossy(&kept).into_owned());
            let pair = old.lines().zip(new.lines()).find(|(old, new)| old != new);
            changed.push(format!("{}: {pair:?}", path.display()));
        }
    }
    assert_eq!(changed, [""; 0]);
}
