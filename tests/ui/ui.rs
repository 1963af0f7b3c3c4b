//! What does not compile, and says so well; and what compiles although it looks odd.
//!
//! A case a rule, named after the rule. Each `.stderr` holds one error for each mistake and nothing else:
//! `every_mistake_is_one_error` counts them, so that a follow-on error cannot slip in with an update.

use std::fs;
use std::path::Path;

// All at once: trybuild compiles them so where none has to run.
#[test]
#[cfg_attr(target_family = "wasm", ignore = "WebAssembly starts no processes")]
fn compile_errors() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}

#[test]
#[cfg_attr(target_family = "wasm", ignore = "WebAssembly starts no processes")]
fn odd_but_right() {
    trybuild::TestCases::new().pass("pass/*.rs");
}

/// Each case ends with a comment that states how many mistakes it has, if it is not one.
fn mistakes(source: &str) -> usize {
    source.lines().find_map(|line| line.strip_prefix("// mistakes: ")?.parse().ok()).unwrap_or(1)
}

#[test]
fn every_mistake_is_one_error() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fail");
    let mut cases = 0;
    for entry in fs::read_dir(folder).expect("the cases are there") {
        let path = entry.expect("a case").path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = fs::read_to_string(&path).expect("a case is text");
        let stderr = fs::read_to_string(path.with_extension("stderr")).expect("a case has its errors");
        let errors = stderr.lines().filter(|line| line.starts_with("error")).count();
        let warnings = stderr.lines().filter(|line| line.starts_with("warning")).count();
        assert_eq!((errors, warnings), (mistakes(&source), 0), "{}:\n{stderr}", path.display());
        cases += 1;
    }
    assert!(cases >= 60, "a case for each rule, not just {cases}");
}
