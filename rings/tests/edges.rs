//! Reads the sources: every ordering says in a comment right above it what it is for.
//!
//! A release or acquire names its edge and which end of it this is; a relaxed access has a `RELAXED:` note. Every
//! edge occurs at both ends in its module, and in the table of the module's docs, and no other does.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const STRONG: [&str; 4] = ["Acquire", "Release", "AcqRel", "SeqCst"];

#[derive(Clone)]
struct Source {
    name: String,
    text: String,
}

fn sources_under(path: &Path, found: &mut Vec<Source>) {
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("the sources lie beside the tests");
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.expect("readable").path())
            .collect();
        paths.sort();
        paths.iter().for_each(|path| sources_under(path, found));
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        found.push(Source {
            name: path.to_string_lossy().into_owned(),
            text: fs::read_to_string(path).expect("a source is text"),
        });
    }
}

/// The same lines, those of imports empty.
fn without_imports(text: &str) -> String {
    let mut importing = false;
    let lines = text.lines().map(|line| {
        let code = line.trim_start();
        importing |= code.starts_with("use ") || code.starts_with("pub(crate) use ");
        let kept = if importing { "" } else { line };
        importing &= !line.ends_with(';');
        kept
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn sources(names: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for name in names {
        sources_under(&root.join(name), &mut found);
    }
    assert!(!found.is_empty(), "no source among {names:?}");
    found
}

/// The folders with a table of edges. `share.rs` serves several rings and has its edge in each of their tables.
fn modules() -> Vec<(String, Vec<Source>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let entries = fs::read_dir(root).expect("the sources lie beside the tests");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("readable"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let modules = names.into_iter().filter_map(|name| {
        let mut sources = sources(&[&name]);
        let edges = edges_of_tables(&sources);
        if edges.contains("LEAVE") {
            sources.extend(self::sources(&["share.rs"]));
        }
        (!edges.is_empty()).then_some((name, sources))
    });
    modules.collect()
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// Whether the line is code that names an ordering of `kinds`. The facade's own fence is for the compiler: it orders
/// nothing between threads.
fn names_one_of(line: &str, kinds: &[&str]) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    !code.contains("atomic::compiler_fence(") && words(code).any(|word| kinds.contains(&word))
}

/// The comment above the statement that line `at` belongs to. One comment may stand above a run of statements that
/// all name an ordering, and above a name that is given to the atomic first.
fn comment_above(lines: &[&str], at: usize) -> String {
    let mut first = at;
    while first > 0 {
        let above = lines[first - 1].trim();
        let ends_another = above.is_empty() || above.ends_with([';', '{', '}']);
        let names_atomic = above.starts_with("let ") && above.contains(" = &");
        let same_run = above.ends_with(';') && (names_one_of(above, &["Relaxed"]) || names_atomic);
        if above.starts_with("//") || (ends_another && !same_run) {
            break;
        }
        first -= 1;
    }
    let comment = lines[..first].iter().rev();
    let mut comment: Vec<&str> = comment
        .map_while(|line| line.trim().strip_prefix("// "))
        .collect();
    comment.reverse();
    comment.join(" ")
}

/// The edges of the tables in the docs of a module: words in capitals that begin a cell. The tables are in its front
/// file, or in the one that waits.
fn edges_of_tables(module: &[Source]) -> BTreeSet<String> {
    let has_table = |source: &&Source| {
        let name = Path::new(&source.name).file_name();
        name.is_some_and(|name| name == "mod.rs" || name == "doorbell.rs")
    };
    let rows = module.iter().filter(has_table).flat_map(|source| {
        let lines = source.text.lines();
        lines.filter_map(|line| line.strip_prefix("//! |"))
    });
    let first_words = rows
        .flat_map(|row| row.split('|'))
        .map(|cell| words(cell.trim()).next().unwrap_or_default());
    first_words
        .filter(|word| word.len() > 3 && word.chars().all(|c| c.is_ascii_uppercase()))
        .map(str::to_owned)
        .collect()
}

/// What is wrong with the orderings of one module.
fn problems(module: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    let edges = edges_of_tables(module);
    // Which ends of an edge were met: release, acquire.
    let mut ends: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for source in module {
        let text = without_imports(&source.text);
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let strong = names_one_of(line, &STRONG);
            if !strong && !names_one_of(line, &["Relaxed"]) {
                continue;
            }
            let place = format!("{}:{}", source.name, at + 1);
            let comment = comment_above(&lines, at);
            let named: Vec<&String> = edges
                .iter()
                .filter(|edge| words(&comment).any(|word| word == edge.as_str()))
                .collect();
            if !strong {
                if !comment.contains("RELAXED") {
                    problems.push(format!("{place}: a relaxed access without a note"));
                }
                continue;
            }
            let is = |kinds: &[&str]| names_one_of(line, kinds);
            let (mut release, mut acquire) = (false, false);
            for edge in &named {
                let says = |end: &str| comment.contains(&format!("{edge}, {end}"));
                // A fence stands between two steps and is both ends of what it names.
                let both = says("both ends") || is(&["SeqCst"]);
                let met = ends.entry(edge.to_string()).or_default();
                met.0 |= both || says("release end");
                met.1 |= both || says("acquire end");
                release |= both || says("release end");
                acquire |= both || says("acquire end");
            }
            if named.is_empty() {
                problems.push(format!("{place}: an ordering without an edge"));
            }
            if is(&["Release", "AcqRel"]) && !release {
                problems.push(format!("{place}: no edge has its release end here"));
            }
            if is(&["Acquire", "AcqRel"]) && !acquire {
                problems.push(format!("{place}: no edge has its acquire end here"));
            }
        }
    }
    for edge in &edges {
        // What a step looks at again is no access of its own.
        let mentioned = module.iter().any(|source| {
            let mut comments = source
                .text
                .lines()
                .map(str::trim)
                .filter(|line| line.starts_with("// "));
            comments.any(|line| words(line).any(|word| word == edge))
        });
        match ends.get(edge) {
            Some((true, true)) => {}
            None if mentioned && edge == "RECHECK" => {}
            _ => problems.push(format!(
                "{edge}: of the table, and not at both ends in the code"
            )),
        }
    }
    problems
}

#[test]
fn every_ordering_names_its_edge() {
    let modules = modules();
    for name in ["spsc", "stamped", "wait"] {
        assert!(
            modules.iter().any(|(module, _)| module == name),
            "{name} has a table"
        );
    }
    for (module, sources) in modules {
        assert_eq!(problems(&sources), [""; 0], "in {module}");
    }
}

#[test]
fn outside_the_modules_with_a_table_nothing_is_ordered() {
    let with_table = modules().into_iter().flat_map(|(_, sources)| sources);
    let with_table: BTreeSet<String> = with_table.map(|source| source.name).collect();
    for source in sources(&[""]) {
        if !with_table.contains(&source.name) {
            assert_eq!(problems(&[source]), [""; 0]);
        }
    }
}

#[test]
fn only_the_facade_names_atomics_and_locks() {
    for source in sources(&[""]) {
        let code = source
            .text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let code: String = code.map(|line| format!("{line}\n")).collect();
        for name in [
            "sync::atomic",
            "loom::",
            "std::sync::Mutex",
            "std::sync::Condvar",
            "std::sync::{",
        ] {
            let allowed = source.name.ends_with("sync.rs") || !code.contains(name);
            assert!(allowed, "{} names {name}", source.name);
        }
    }
}

#[test]
fn a_missing_tag_or_note_is_noticed() {
    for (module, sources) in modules() {
        let edges = edges_of_tables(&sources);
        assert!(edges.len() >= 3, "in {module}: {edges:?}");
        let tags = edges.iter().flat_map(|edge| {
            ["release end", "acquire end", "both ends"].map(|end| format!("// {edge}, {end}"))
        });
        let marks: Vec<String> = tags.chain(["// RELAXED:".to_owned()]).collect();
        let mut removed = 0;
        for file in 0..sources.len() {
            for (at, mark) in marks
                .iter()
                .flat_map(|mark| sources[file].text.match_indices(mark))
            {
                let mut changed = sources.clone();
                changed[file]
                    .text
                    .replace_range(at..at + mark.len(), "// Nothing");
                assert_ne!(
                    problems(&changed),
                    [""; 0],
                    "{}: {mark}",
                    sources[file].name
                );
                removed += 1;
            }
        }
        assert!(removed >= 2, "in {module}");
    }
}

#[test]
fn a_table_that_names_an_edge_too_many_is_noticed() {
    let mut module = sources(&["spsc", "share.rs"]);
    let front = module
        .iter_mut()
        .find(|source| source.name.ends_with("mod.rs"));
    let docs = &mut front.expect("a module has a front file").text;
    docs.insert_str(0, "//! | GHOST | nobody | nobody | nothing |\n");
    assert_eq!(problems(&module).len(), 1);
}
