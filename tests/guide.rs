//! The pages of `docs/` hold together: all are in the table of contents and in the guide, and the
//! table of edges is that of the modules' docs.
//!
//! `GUIDE=write cargo test --test guide` makes that table anew.

use std::{collections::BTreeSet, env, fs, path::Path};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The chapters, by their files' names.
fn chapters() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("docs")).expect("there is a folder of docs");
    let names = entries.map(|entry| entry.expect("readable").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    names
        .filter(|name| name.ends_with(".md") && name != "SUMMARY.md")
        .collect()
}

#[test]
fn every_chapter_is_in_the_summary_and_in_the_guide() {
    let (summary, guide) = (read("docs/SUMMARY.md"), read("src/guide.rs"));
    let chapters = chapters();
    assert!(chapters.len() >= 10, "{chapters:?}");
    for chapter in &chapters {
        assert!(
            summary.contains(&format!("({chapter})")),
            "{chapter} is not in the summary"
        );
        assert!(
            guide.contains(&format!("docs/{chapter}\"")),
            "{chapter} is not in the guide"
        );
    }
    assert_eq!(
        summary.matches("](").count(),
        chapters.len(),
        "the summary names others"
    );
}

#[test]
fn every_name_that_is_used_as_a_link_is_defined() {
    for chapter in chapters() {
        let text = read(&format!("docs/{chapter}"));
        let mut is_code = false;
        let prose = text.lines().filter(|line| {
            let fence = line.starts_with("```");
            is_code ^= fence;
            !fence && !is_code && !line.starts_with('[')
        });
        for line in prose {
            // A name in brackets that is neither followed by its target nor by another name.
            for (at, _) in line.match_indices("[`") {
                let Some(end) = line[at..].find("`]") else {
                    continue;
                };
                let name = &line[at..at + end + 2];
                let is_inline = line[at + end + 2..].starts_with('(');
                let is_defined = text.contains(&format!("\n{name}: "));
                assert!(is_inline || is_defined, "{chapter}: {name} is not defined");
            }
        }
    }
}

/// Modules with a table of edges, and their files.
const MODULES: [(&str, &str); 9] = [
    ("spsc", "rings/src/spsc/mod.rs"),
    ("stamped", "rings/src/stamped/mod.rs"),
    ("lanes", "rings/src/lanes/mod.rs"),
    ("shared", "rings/src/shared/mod.rs"),
    ("unbounded::spsc", "rings/src/unbounded/spsc/mod.rs"),
    ("unbounded::mpsc", "rings/src/unbounded/mpsc/mod.rs"),
    ("doorbell", "rings/src/wait/doorbell.rs"),
    ("executor", "src/executor/mod.rs"),
    ("pool", "src/pool/mod.rs"),
];

/// The rows of a module's table of edges.
fn rows(file: &str) -> Vec<String> {
    let text = read(file);
    let lines = text.lines().filter_map(|line| line.strip_prefix("//! | "));
    let is_edge = |row: &&str| {
        let name = row.split(' ').next().unwrap_or_default();
        name.len() > 3 && name.chars().all(|c| c.is_ascii_uppercase())
    };
    lines.filter(is_edge).map(str::to_owned).collect()
}

fn table() -> String {
    let mut table = String::from("| module | edge | release end | acquire end | carries |\n");
    table += "|---|---|---|---|---|\n";
    for (module, file) in MODULES {
        for row in rows(file) {
            table += &format!("| [`{module}`] | {row}\n");
        }
    }
    table
}

#[test]
fn the_table_of_edges_is_that_of_the_modules() {
    const PAGE: &str = "docs/edges.md";
    let (begin, end) = ("<!-- edges: begin -->\n", "<!-- edges: end -->");
    let text = read(PAGE);
    let (before, rest) = text.split_once(begin).expect("the mark of its begin");
    let (now, after) = rest.split_once(end).expect("the mark of its end");
    let made = format!("\n{}\n", table());
    if env::var_os("GUIDE").is_some_and(|value| value == "write") {
        let text = format!("{before}{begin}{made}{end}{after}");
        fs::write(root().join(PAGE), text).expect("the page can be written");
        return;
    }
    assert!(
        now == made,
        "{PAGE} is not what the modules say; GUIDE=write makes it anew"
    );
}

#[test]
fn no_module_with_edges_is_left_out() {
    fn files_under(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("the sources lie beside the tests") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                files_under(&path, found);
            } else {
                let path = path.strip_prefix(root()).expect("a file of ours");
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    let mut files = Vec::new();
    files_under(&root().join("rings/src"), &mut files);
    files_under(&root().join("src"), &mut files);
    let has_table =
        |file: &String| read(file).contains("//! | edge | release end | acquire end | carries |");
    let name = |row: &String| row.split(' ').next().unwrap_or_default().to_owned();
    let named = |file: &str| -> BTreeSet<String> { rows(file).iter().map(name).collect() };
    let folders =
        ["src/executor/", "src/pool/"].map(|folder| (folder, named(&format!("{folder}mod.rs"))));
    let listed = MODULES.map(|(_, file)| file);
    let mut met = 0;
    for file in files.iter().filter(|file| has_table(file)) {
        // A private module tells more of edges that are in the table of its folder.
        let private = folders.iter().any(|(folder, edges)| {
            file.starts_with(folder) && rows(file).iter().all(|row| edges.contains(&name(row)))
        });
        assert!(
            listed.contains(&file.as_str()) || private,
            "{file} is not in the guide's table"
        );
        met += 1;
    }
    assert!(met >= listed.len(), "{met} files with a table");
}
