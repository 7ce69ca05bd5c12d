//! The example `topology`, as a user runs it: the built example as a process, on the machine at hand.

// Parts of the example, so that their unit tests run here; the program as a whole is run as a process.
#[allow(dead_code, reason = "the program uses all of it")]
#[path = "../docs/examples/topology/heat.rs"]
mod heat;
#[allow(dead_code, reason = "the program uses all of it")]
#[path = "../docs/examples/topology/matrix.rs"]
mod matrix;
#[allow(dead_code, reason = "the program uses all of it")]
#[path = "../docs/examples/topology/measure.rs"]
mod measure;
#[allow(dead_code, reason = "the program uses all of it")]
#[path = "../docs/examples/topology/tree.rs"]
mod tree;

mod built_example;

use std::fs;
use std::process::{Command, Output, Stdio};

use built_example::stderr;
use serde_json::{Value, json};
use shared_nothing::affinity::{CpuSet, Machine, usable_cpus};

fn topology() -> Command {
    quick(built_example::command("topology"))
}

/// With as little to measure as shows that it works, and the CPU budget of nobody's environment.
fn quick(mut command: Command) -> Command {
    command.args(["--trips", "20"]).stdin(Stdio::null());
    command.env_remove(shared_nothing::affinity::CPUS_VARIABLE);
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Runs to the end, which is a good one.
fn output(mut command: Command) -> Output {
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{}", stderr(&output));
    output
}

fn report(mut command: Command) -> Value {
    command.arg("--json");
    serde_json::from_slice(&output(command).stdout).expect("valid JSON")
}

#[test]
fn the_report_is_this_machine_and_measures_every_pair() {
    let machine = Machine::read().expect("a budget");
    let report = report(topology());
    assert_eq!(report["cores"], json!(machine.topology.cores()));
    assert_eq!(
        report["online"],
        json!(machine.topology.online().to_string())
    );
    assert_eq!(
        report["cpus"].as_array().map(Vec::len),
        Some(machine.topology.cpus().len())
    );
    assert_eq!(
        report["budget"]["cpus"],
        json!(machine.budget.cpus.to_string())
    );
    let cpus = machine.budget.cpus.len();
    let pairs = report["round_trips"].as_array().expect("a list");
    assert_eq!(pairs.len(), cpus * (cpus - 1) / 2);
    for pair in pairs {
        let ns = |key: &str| pair[key].as_f64().expect("a number");
        assert!(
            0.0 < ns("ns_min") && ns("ns_min") <= ns("ns_median"),
            "{pair}"
        );
        assert!(pair["error"].is_null(), "{pair}");
    }
}

#[test]
fn the_text_has_the_tree_the_reason_and_the_table() {
    let output = output(topology());
    let text = stdout(&output);
    assert!(text.starts_with("machine: "), "{text}");
    let cpus = usable_cpus().expect("a mask");
    let reason = Machine::read().expect("a budget").budget.to_string();
    assert!(text.contains(&reason), "{text}");
    let cpu = cpus.first().expect("a running thread has a CPU");
    assert!(text.contains(&format!("core {cpu}")), "{text}");
    assert_eq!(text.contains("round trip in ns"), cpus.len() > 1, "{text}");
    assert!(stderr(&output).starts_with("measuring "));
}

#[test]
fn one_cpu_is_drawn_and_said_to_be_alone() {
    let last = usable_cpus().expect("a mask").last().expect("a CPU");
    let mut command = topology();
    command.args(["--cpus", &last.to_string()]);
    let text = stdout(&output(command));
    let says = format!("CPU {last} alone: there is no other to measure to\n");
    assert!(text.ends_with(&says), "{text}");

    let mut command = topology();
    command.args(["--cpus", &last.to_string(), "--svg", "-"]);
    let picture = stdout(&output(command));
    assert!(picture.starts_with("<svg ") && picture.contains("nothing was measured"));
}

#[cfg(target_os = "linux")]
#[test]
fn h27_a_mask_given_by_taskset_is_obeyed() {
    let last = usable_cpus().expect("a mask").last().expect("a CPU");
    let mut taskset = Command::new("taskset");
    taskset
        .args(["-c", &last.to_string()])
        .arg(built_example::program("topology"));
    let report = report(quick(taskset));
    assert_eq!(report["budget"]["cpus"], json!(last.to_string()));
    assert_eq!(report["budget"]["workers"], json!(1));
    assert_eq!(report["round_trips"], json!([]));
    let usable = report["cpus"].as_array().expect("a list").iter();
    let usable: Vec<_> = usable.filter(|cpu| cpu["usable"] == json!(true)).collect();
    assert_eq!(usable.len(), 1);
    assert_eq!(usable[0]["cpu"], json!(last.0));
}

#[test]
fn the_picture_goes_to_a_file_or_to_standard_output() {
    let name = format!("shared-nothing-topology-{}.svg", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut command = topology();
    command.arg("--svg").arg(&path);
    let text = stdout(&output(command));
    let picture = fs::read_to_string(&path).expect("it was written");
    fs::remove_file(&path).expect("ours");
    assert!(text.starts_with("machine: "));
    let cpus = Machine::read().expect("a budget").budget.cpus.len();
    assert_eq!(picture.matches("<g>").count(), cpus * cpus);

    let mut command = topology();
    command.args(["--svg", "-"]);
    let picture = stdout(&output(command));
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
}

#[test]
fn a_picture_that_cannot_be_written_is_an_error_and_the_report_comes_all_the_same() {
    let mut command = topology();
    command.args(["--svg", "/no/such/folder/map.svg"]);
    let output = command.output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).starts_with("machine: "));
    let message = stderr(&output);
    assert!(
        message.contains("topology: /no/such/folder/map.svg: "),
        "{message}"
    );
}

#[test]
fn without_the_matrix_nothing_is_measured() {
    let mut command = topology();
    command.arg("--no-matrix");
    let output = output(command);
    assert!(!stdout(&output).contains("round trip") && stderr(&output).is_empty());
    let mut command = topology();
    command.arg("--no-matrix");
    assert_eq!(report(command)["round_trips"], Value::Null);
}

#[test]
fn a_cpu_that_was_not_given_is_a_clear_error() {
    let output = topology().args(["--cpus", "0-5000"]).output();
    let output = output.expect("runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let usable = usable_cpus().expect("a mask");
    let all: CpuSet = "0-5000".parse().expect("a list");
    let message = format!(
        "topology: cannot use CPUs {}: this process may use {usable} only\n",
        &all - &usable
    );
    assert_eq!(stderr(&output), message);
}

#[test]
fn a_bad_option_is_a_clear_error() {
    for (args, says) in [
        (&["--trips=0"][..], "not a number from 1 to"),
        (&["--trips", "99999999999999999999"], "not a number from 1"),
        (&["--trips"], "--trips"),
        (&["--cpus", "3-1"], "counts backward"),
        (&["--cpus", ""], "no CPU is listed"),
        (&["--cpus", "x"], "not a cpu number"),
        (&["--svg"], "--svg"),
        (&["--svg", "-", "--json"], "standard output"),
        (&["--svg", "a", "--no-matrix"], "--no-matrix"),
        (&["--colour"], "--colour"),
        (&["-x"], "-x"),
        (&["path"], "path"),
        (&["--json=yes"], "--json"),
    ] {
        let output = topology().args(args).output().expect("runs");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        let message = stderr(&output);
        assert!(message.contains(says), "{args:?}: {message}");
    }
}

#[test]
fn an_environment_that_makes_no_sense_is_a_clear_error() {
    let mut command = topology();
    command.env(shared_nothing::affinity::CPUS_VARIABLE, "many");
    let output = command.output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(message.contains("SHARED_NOTHING_CPUS"), "{message}");
}

#[test]
fn help_lists_every_option() {
    let mut command = topology();
    command.arg("--help");
    let help = stdout(&output(command));
    for option in [
        "--cpus",
        "--trips",
        "--no-matrix",
        "--svg",
        "--json",
        "--help",
    ] {
        assert!(help.contains(option), "{option}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = topology()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stderr(&output).lines().count(), 1);
}
