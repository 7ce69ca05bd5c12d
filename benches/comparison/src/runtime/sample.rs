//! One sample, in a process of its own.

use std::{
    io::Read,
    process::{Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use super::{list, peer::Peer, plan::Plan, row::Row};

/// Runs a sample here. Returns its numbers as JSON.
///
/// # Errors
///
/// There is no such row or peer.
pub(crate) fn run(row: &str, peer: &str, plan: Plan) -> Result<Value, String> {
    let row = Row::by_name(row).ok_or_else(|| format!("no row is called {row}"))?;
    let peer = list::peer(peer).ok_or_else(|| format!("no peer is called {peer}"))?;
    let figures = peer.run(row, plan);
    Ok(json!({
        "row": row.name(),
        "peer": peer.name(),
        "figures": figures.iter().map(|(name, value)| json!([name, value])).collect::<Vec<_>>(),
    }))
}

/// Runs a sample in a new process of this program.
///
/// # Errors
///
/// It failed, gave something else, or took longer than `patience`: then it was ended.
pub(crate) fn spawn(
    row: Row,
    peer: &dyn Peer,
    plan: Plan,
    patience: Duration,
) -> Result<Vec<f64>, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(["--sample", row.name(), peer.name()]);
    command.args(["--cpus", &format!("{},{}", plan.client.0, plan.worker.0)]);
    if plan.quick {
        command.arg("--quick");
    }
    let text = output(&mut command, patience)?;
    let line = text.lines().last().unwrap_or_default();
    read(row, line).ok_or_else(|| format!("not a sample: {line}"))
}

/// The numbers in the order of the row's figures; a peer may lack one, which is NaN.
fn read(row: Row, line: &str) -> Option<Vec<f64>> {
    let sample: Value = serde_json::from_str(line).ok()?;
    let figures = sample["figures"].as_array()?;
    let number = |name: &str| {
        let figure = figures.iter().find(|figure| figure[0] == name);
        figure.and_then(|figure| figure[1].as_f64())
    };
    let numbers = row.figures().iter().map(|figure| number(figure.name));
    let numbers: Vec<f64> = numbers.map(|number| number.unwrap_or(f64::NAN)).collect();
    (!numbers.iter().all(|number| number.is_nan())).then_some(numbers)
}

/// What a process prints, if it ends well and in time.
fn output(command: &mut Command, patience: Duration) -> Result<String, String> {
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let (stdout, stderr) = (read_all(child.stdout.take()), read_all(child.stderr.take()));
    // It closes its end when it ends, whatever way.
    let Ok(text) = stdout.recv_timeout(patience) else {
        let _gone_already = child.kill();
        let _status = child.wait();
        return Err(format!("gave no result in {patience:?}"));
    };
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(text);
    }
    let complaint = stderr.recv().unwrap_or_default();
    let mut lines = complaint.lines().filter(|line| !line.trim().is_empty());
    // A panic says where first, and then what.
    let first = lines.next().unwrap_or("no word");
    Err(format!("{status}: {}", lines.next().unwrap_or(first)))
}

/// Reads a pipe to its end, on a thread of its own.
fn read_all(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (tell, hear) = channel();
    thread::spawn(move || {
        let mut text = String::new();
        if let Some(mut pipe) = pipe {
            let _as_far_as_it_goes = pipe.read_to_string(&mut text);
        }
        let _nobody_waits = tell.send(text);
    });
    hear
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_read_back() {
        let line = r#"{"row":"wake","peer":"a","figures":[["p99",3.0],["p50",2.0]]}"#;
        let read = read(Row::Wake, line).expect("it is one");
        assert_eq!(read[..2], [2.0, 3.0]);
        assert!(read[2].is_nan());
        assert_eq!(super::read(Row::Tell, line), None);
        assert_eq!(super::read(Row::Tell, "no JSON"), None);
    }

    #[test]
    fn a_process_that_hangs_or_fails_is_told_of() {
        let sh = |script: &str, patience| {
            let mut command = Command::new("sh");
            output(
                command.args(["-c", script]),
                Duration::from_millis(patience),
            )
        };
        assert_eq!(sh("echo a", 10_000), Ok("a\n".to_owned()));
        assert!(sh("sleep 60", 50).is_err_and(|error| error.contains("no result")));
        assert!(sh("echo why >&2; exit 3", 10_000).is_err_and(|error| error.contains("why")));
    }
}
