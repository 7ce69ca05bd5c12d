//! An example as a program: what a test of the whole of it runs.

use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
};

/// The built example, beside the test: `target/<profile>/deps/<test>` and `target/<profile>/examples/<name>`. It reads
/// nothing.
pub(crate) fn command(example: &str) -> Command {
    let mut command = Command::new(program(example));
    command.stdin(Stdio::null());
    command
}

pub(crate) fn program(example: &str) -> PathBuf {
    let here = std::env::current_exe().expect("this program has a path");
    let profile = here
        .ancestors()
        .nth(2)
        .expect("tests are built two folders down");
    let name = format!("{example}{}", std::env::consts::EXE_SUFFIX);
    let program = profile.join("examples").join(name);
    assert!(
        program.is_file(),
        "{} is not built: run `cargo build --example {example}` with this test's profile and target directory",
        program.display()
    );
    program
}

/// What it complained of.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
