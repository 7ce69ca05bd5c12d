//! Reads the sources of the executor and of the pool: every ordering says in a comment right above it what it is for, and every edge
//! of the module's table is met at both ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const STRONG: [&str; 4] = ["Acquire", "Release", "AcqRel", "SeqCst"];

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources lie beside the tests") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            files_under(&path, found);
        } else if !path.ends_with("models.rs") {
            found.push(path);
        }
    }
}

/// The code of a file that is no test, without its imports.
fn code_of(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a source is text");
    let mut importing = false;
    let lines = text
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(all(test"));
    lines
        .map(|line| {
            let start = line.trim_start();
            importing |= start.starts_with("use ") || start.starts_with("pub(crate) use ");
            let kept = if importing {
                String::new()
            } else {
                line.to_owned()
            };
            importing &= !line.ends_with(';');
            kept
        })
        .collect()
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric())
}

/// The comment above the statement of line `at`.
fn comment_above(lines: &[String], at: usize) -> String {
    let is_comment = |line: &String| line.trim_start().starts_with("// ");
    let ends = |line: &String| line.trim().is_empty() || line.trim().ends_with([';', '{', '}']);
    let code = lines[..at].iter().rev();
    let skipped = code
        .take_while(|line| !is_comment(line) && !ends(line))
        .count();
    let above = lines[..at - skipped].iter().rev();
    above
        .take_while(|line| is_comment(line))
        .map(|line| line.trim().to_owned() + " ")
        .collect()
}

#[test]
fn every_ordering_of_the_executor_names_its_edge() {
    check(&["src/executor"], 10);
}

#[test]
fn every_ordering_of_the_pool_names_its_edge() {
    check(&["src/pool", "src/worker"], 8);
}

/// The first folder's front file has the table, of so many edges.
fn check(folders: &[&str], count: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let front = root.join(folders[0]).join("mod.rs");
    let front = fs::read_to_string(front).expect("the module has a front file");
    let rows = front.lines().filter_map(|line| line.strip_prefix("//! | "));
    let edges: BTreeSet<&str> = rows
        .filter_map(|row| row.split(' ').next())
        .filter(|word| word.len() > 3 && word.chars().all(|c| c.is_ascii_uppercase()))
        .collect();
    assert_eq!(edges.len(), count, "{edges:?}");
    let mut met: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    let mut files = Vec::new();
    for folder in folders {
        files_under(&root.join(folder), &mut files);
    }
    for file in files {
        let lines = code_of(&file);
        for (at, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let is_strong = words(code).any(|word| STRONG.contains(&word));
            if !is_strong && !words(code).any(|word| word == "Relaxed") {
                continue;
            }
            let (comment, place) = (
                comment_above(&lines, at),
                format!("{}:{}", file.display(), at + 1),
            );
            if !is_strong {
                assert!(
                    comment.contains("RELAXED"),
                    "{place}: a relaxed access without a note"
                );
                continue;
            }
            let mut named = edges
                .iter()
                .filter(|edge| comment.contains(&format!("{edge}, ")))
                .peekable();
            assert!(
                named.peek().is_some(),
                "{place}: an ordering without an edge"
            );
            for edge in named {
                let says = |end: &str| comment.contains(&format!("{edge}, {end}"));
                let ends = met.entry(edge).or_default();
                ends.0 |= says("release end") || says("both ends");
                ends.1 |= says("acquire end") || says("both ends");
            }
        }
    }
    for edge in edges {
        assert_eq!(
            met.get(edge),
            Some(&(true, true)),
            "{edge} is met at both ends"
        );
    }
}
