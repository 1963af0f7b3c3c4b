//! A test in a process of its own: `CONV_ISA` is read once in a process.

use std::env;
use std::ffi::OsStr;
use std::process::Command;

/// What a test of this file prints with this value of `CONV_ISA`.
///
/// Where tests are run by an emulator, `CONV_TEST_RUNNER` is its command.
///
/// # Panics
/// If it fails.
pub(crate) fn again(test: &str, conv_isa: impl AsRef<OsStr>) -> String {
    let conv_isa = conv_isa.as_ref();
    let runner = env::var("CONV_TEST_RUNNER").unwrap_or_default();
    let this = env::current_exe().expect("a test knows its own path");
    let mut words = runner.split_whitespace().map(Into::into).chain([this.into_os_string()]);
    let mut command = Command::new(words.next().expect("the test itself, if nothing else"));
    command.args(words).args(["--exact", test, "--nocapture"]).env("CONV_ISA", conv_isa);
    let run = command.output().expect("a test can be run again");
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        run.status.success() && said.contains("1 passed"),
        "{test} with CONV_ISA={}: {said}",
        conv_isa.display()
    );
    said
}
