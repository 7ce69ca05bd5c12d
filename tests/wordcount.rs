//! The word count, as a user runs it: the built example as a process, over trees made for the purpose.

// Parts of the example, so that their unit tests run here; the program as a whole is run as a process.
#[allow(dead_code, reason = "the program uses all of it")]
#[path = "../docs/examples/wordcount/pack.rs"]
mod pack;
#[allow(dead_code, reason = "the test looks at a part of it")]
#[path = "../docs/examples/wordcount/table.rs"]
mod table;
#[allow(dead_code, reason = "the program uses all of it")]
#[path = "../docs/examples/wordcount/token.rs"]
mod token;
#[allow(dead_code, reason = "the program uses all of it")]
#[path = "../docs/examples/wordcount/word.rs"]
mod word;

mod built_example;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use built_example::stderr;
use serde_json::{Value, json};

fn wordcount() -> Command {
    built_example::command("wordcount")
}

/// Runs to the end; the report as JSON where there is one.
fn report(command: &mut Command) -> Value {
    let output = command.arg("--json").output().expect("the program runs");
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).expect("valid JSON")
}

/// A folder of its own for each test, removed when dropped.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Self {
        let folder = format!("shared-nothing-wordcount-{}-{name}", std::process::id());
        let tree = Self(std::env::temp_dir().join(folder));
        fs::create_dir_all(&tree.0).expect("a folder can be made");
        tree
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("inside the tree")).expect("a folder can be made");
        fs::write(&path, content).expect("a file can be written");
        path
    }

    /// Folders, text in several scripts, binary and empty files, and links that lead nowhere, to a file, and in a loop.
    fn fill(&self) {
        for i in 0..200 {
            let text = format!("alpha Beta {i}\nbeta, gamma-{}; naïve ΣΊΓΜΑ 漢字\n", i % 7);
            self.write(&format!("{}/text{i}.txt", i % 5), text.repeat(i));
        }
        self.write("binary", [0xff, 0x00, 0xfe, b'a', b' ']);
        self.write("cut.txt", &"naïve".as_bytes()[..3]);
        self.write("empty", "");
        self.write("deep/er/still/here.txt", "deeper");
        self.write("long.txt", format!("a{} b", "LONG".repeat(250_000)));
        #[cfg(unix)]
        {
            use std::os::unix::fs::symlink;
            symlink(self.0.join("nowhere"), self.0.join("dangling")).expect("a link");
            symlink(
                self.0.join("deep/er/still/here.txt"),
                self.0.join("linked.txt"),
            )
            .expect("a link");
            symlink(&self.0, self.0.join("deep/loop")).expect("a link");
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // Left behind, it is the system's to clean.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn counts_are_right_and_the_check_agrees() {
    let tree = Tree::new("check");
    tree.fill();
    let lines: u64 = (0..200).sum();
    for (readers, workers) in [("1", "1"), ("1", "2"), ("4", "3"), ("2", "8")] {
        let args = [
            "--check",
            "--top=4",
            "--readers",
            readers,
            "--workers",
            workers,
        ];
        let report = report(wordcount().args(args).arg(&tree.0));
        assert_eq!(report["check"], json!({"agrees": true}));
        assert_eq!(
            report["top"][0],
            json!({"word": "beta", "count": 2 * lines})
        );
        assert_eq!(report["top"][1], json!({"word": "alpha", "count": lines}));
        assert_eq!(report["top"][3], json!({"word": "naïve", "count": lines}));

        // Four numbers and words a line beside the four above, the deep word (linked on unix) and the long line's two.
        let links = u64::from(cfg!(unix));
        assert_eq!(report["words"], json!(9 * lines + 1 + links + 2));
        assert_eq!(report["files"]["counted"], json!(200 + 3 + links));
        let reasons = &report["files"]["reasons"];
        assert_eq!(reasons["not_utf8"]["files"], json!(2));
        assert_eq!(reasons["dangling_link"]["files"], json!(links));
        assert_eq!(reasons["linked_folder"]["files"], json!(links));
    }
}

#[test]
fn every_worker_reports_its_messages() {
    let tree = Tree::new("workers");
    tree.fill();
    let report = report(wordcount().args(["--workers", "3"]).arg(&tree.0));
    let workers = report["workers"].as_array().expect("a list");
    assert_eq!(workers.len(), 3);
    let sum = |key: &str| -> u64 {
        let values = workers.iter().map(|worker| worker[key].as_u64());
        values.sum::<Option<u64>>().expect("a number")
    };
    // A message is a pack of words.
    let words = report["words"].as_u64().expect("a number");
    assert!(
        (3..words / 2).contains(&sum("messages")),
        "{}",
        sum("messages")
    );
    assert_eq!(json!(sum("distinct")), report["distinct"]);
    for worker in workers {
        let wait = |key: &str| worker["wait_ns"][key].as_u64().expect("a number");
        assert!(wait("p50") <= wait("p99") && wait("p99") <= wait("p999"));
    }
}

#[test]
fn a_file_is_as_good_as_a_folder() {
    let tree = Tree::new("file");
    let file = tree.write("one.txt", "One one TWO");
    let report = report(wordcount().args(["--top=9"]).arg(&file).arg(&file));
    let top = json!([{"word": "one", "count": 4}, {"word": "two", "count": 2}]);
    assert_eq!(report["top"], top);
}

#[test]
fn nothing_to_count_is_no_error() {
    let tree = Tree::new("nothing");
    let report = report(wordcount().arg("--check").arg(&tree.0));
    assert_eq!(report["words"], json!(0));
    assert_eq!(report["top"], json!([]));
}

/// A line without a space, of `bytes`, in three files: ASCII, not ASCII, and with a word before and behind it.
fn one_long_line(name: &str, bytes: usize) {
    let tree = Tree::new(name);
    let ascii = "x".repeat(bytes);
    tree.write("ascii", &ascii);
    tree.write("between", format!("one {ascii}\ntwo"));
    tree.write("accents", "é".repeat(bytes / 2));
    let report = report(wordcount().args(["--check", "--workers", "2"]).arg(&tree.0));
    assert_eq!(report["check"], json!({"agrees": true}));
    assert_eq!(report["words"], json!(5));
    assert_eq!(report["top"][0]["count"], json!(2));
    assert_eq!(report["top"][0]["word"].as_str().map(str::len), Some(bytes));
}

#[test]
fn a_line_without_a_space_is_one_word() {
    one_long_line("line", 2_000_001);
}

#[test]
#[ignore = "100 MB lines: most of a minute and 1 GB of memory where nothing is optimised"]
fn a_line_of_100_mb_without_a_space_is_one_word() {
    one_long_line("line100", 100_000_000);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_counted_not_fatal() {
    use std::os::unix::fs::PermissionsExt;
    let tree = Tree::new("unreadable");
    let secret = tree.write("secret", "words");
    tree.write("open", "words");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).expect("ours");
    // Whoever may read everything, like root, reads this as well.
    let refused = u64::from(File::open(&secret).is_err());
    let pipe = tree.0.join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    let pipes = u64::from(made.is_ok_and(|status| status.success()));
    let report = report(wordcount().arg(&tree.0));
    let reasons = &report["files"]["reasons"];
    assert_eq!(reasons["unreadable"]["files"], json!(refused));
    assert_eq!(
        reasons["not_a_file"]["files"],
        json!(pipes),
        "and never waited for"
    );
    assert_eq!(report["words"], json!(2 - refused));
}

#[test]
fn a_missing_path_is_a_clear_error() {
    let tree = Tree::new("missing");
    let missing = tree.0.join("no-such-file");
    let output = wordcount()
        .arg(&tree.0)
        .arg(&missing)
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let message = format!("wordcount: {}: no such file or folder\n", missing.display());
    assert_eq!(stderr(&output), message);
}

#[test]
fn a_bad_option_is_a_clear_error() {
    for (args, says) in [
        (&["--workers=0"][..], "not a number from 1 to"),
        (&["--workers", "many"], "not a number from 1 to"),
        (
            &["--workers", "99999999999999999999"],
            "not a number from 1 to",
        ),
        (&["--workers"], "--workers"),
        (&["--readers", "0"], "not a number from 1 to"),
        (&["--top", "-1"], "-1"),
        (&["--colour"], "--colour"),
        (&["-x"], "-x"),
        (&["--json=yes"], "--json"),
    ] {
        let output = wordcount().args(args).output().expect("runs");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        let message = stderr(&output);
        assert!(message.contains(says), "{args:?}: {message}");
    }
}

#[test]
fn help_lists_every_option() {
    let output = wordcount().arg("--help").output().expect("runs");
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).expect("text");
    for option in [
        "--workers",
        "--readers",
        "--top",
        "--check",
        "--json",
        "--help",
    ] {
        assert!(help.contains(option), "{option}");
    }
}

#[test]
fn no_bar_is_drawn_into_a_pipe() {
    let tree = Tree::new("pipe");
    tree.fill();
    let output = wordcount().arg(&tree.0).output().expect("runs");
    assert!(output.status.success());
    let messages = stderr(&output);
    assert!(messages.starts_with("counting "), "{messages}");
    assert_eq!(messages.lines().count(), 1, "{messages}");
    assert!(!messages.contains(['\r', '\x1b', '#']), "{messages}");
    assert!(
        String::from_utf8(output.stdout)
            .expect("text")
            .contains("words/s")
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let tree = Tree::new("closed");
    let words: String = (0..200_000).map(|i| format!("w{i} ")).collect();
    tree.write("many", words);
    // More than a pipe holds, so that the program meets the closed end.
    let mut child = wordcount()
        .args(["--top", "200000"])
        .arg(&tree.0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut first = [0; 1];
    let mut out = child.stdout.take().expect("piped");
    out.read_exact(&mut first).expect("a report");
    drop(out);
    let output = child.wait_with_output().expect("ends");
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    assert!(output.status.success());
}

/// Ctrl-C, sent when the program says that it is at work, and long before it can be done.
#[cfg(unix)]
fn interrupt(args: &[&str]) {
    let tree = Tree::new(&format!("interrupt{}", args.concat()));
    let text = "some words to be counted, over and over; ".repeat(50_000);
    let file = tree.write("words.txt", text);
    // Two gigabytes, from one file.
    let files = std::iter::repeat_n(&file, 1000);
    let mut child = wordcount()
        .args(args)
        .args(files)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut messages = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    messages.read_line(&mut line).expect("a line");
    assert!(line.starts_with("counting 1000 files in "), "{line}");
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status();
    assert!(sent.expect("kill runs").success());
    let output = child.wait_with_output().expect("ends");
    // A status and not a signal: every thread was told, and joined.
    assert_eq!(output.status.code(), Some(130));
    assert!(output.stdout.is_empty());
    let mut rest = String::new();
    messages.read_to_string(&mut rest).expect("text");
    assert!(rest.starts_with("wordcount: interrupted after "), "{rest}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_count_with_130() {
    interrupt(&["--workers=2"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_count_of_many_workers_with_130() {
    interrupt(&["--workers=16", "--check", "--json"]);
}
