//! The project's own sources, which hold no secret.

use std::fs;
use std::path::Path;

use crate::secrets::Scanner;

#[test]
fn the_sources_of_swarm_are_silent() {
    let mut findings = Vec::new();
    let files = scan(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut findings);
    assert!(files > 400, "only {files} files");
    // A rule that looks for one fixed text, which is therefore in the rules; and the key of a server that only tests start.
    let own = |finding: &String| {
        finding.starts_with("src/secrets/rules.toml:") && finding.contains("bedrock")
            || finding == "tests/proxy/certs/server.key:1:1: private-key"
    };
    findings.retain(|finding| !own(finding));
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

fn scan(dir: &Path, prefix: &str, findings: &mut Vec<String>) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            files += scan(&entry.path(), &format!("{path}/"), findings);
        } else {
            let text = fs::read(entry.path()).unwrap();
            let found = Scanner::standard().scan(Some(&path), &text);
            findings.extend(found.iter().map(|finding| format!("{path}:{finding}")));
            files += 1;
        }
    }
    files
}
