//! Each link in a Markdown file of this repository leads to a file that is there, and to a heading in it. Links to other
//! hosts are not followed; links in documentation comments are for rustdoc.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Every Markdown file below `dir` that is not hidden and not built.
fn markdown_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            markdown_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// The lines outside blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// What links lead to: `[text](target)` and `[name]: target`, outside code.
fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for line in prose(text) {
        // Every second part lies between backticks.
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
        for part in plain.split("](").skip(1) {
            let target = part.split(')').next().expect("split gives one");
            targets.push(target.split(' ').next().expect("split gives one").into());
        }
        if let Some((name, target)) = plain.split_once("]: ") {
            if name.starts_with('[') && !name.starts_with("[^") {
                targets.push(target.trim().into());
            }
        }
    }
    targets
}

/// The anchors of the headings, as they are made where Markdown is shown: lower case, words joined by hyphens, without
/// punctuation; the second of a kind has `-1`.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in prose(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let slug: String = title
            .trim()
            .to_lowercase()
            .chars()
            .filter(|&char| char.is_alphanumeric() || " -_".contains(char))
            .map(|char| if char == ' ' { '-' } else { char })
            .collect();
        let again = (1..).map(|count| format!("{slug}-{count}"));
        let free = std::iter::once(slug.clone())
            .chain(again)
            .find(|name| !anchors.contains(name));
        anchors.insert(free.expect("endless"));
    }
    anchors
}

/// What is wrong with `target` in the file at `path`, if anything.
fn fault(path: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if file.is_empty() {
        path.to_path_buf()
    } else {
        path.parent().expect("in a directory").join(file)
    };
    if !file.exists() {
        return Some(format!("{}: no {target}", path.display()));
    }
    if !anchor.is_empty() {
        let text = fs::read_to_string(&file).expect("an anchor is in a text");
        if !anchors(&text).contains(anchor) {
            return Some(format!("{}: no heading {target}", path.display()));
        }
    }
    None
}

#[test]
fn every_link_leads_somewhere() {
    let mut files = Vec::new();
    markdown_files(Path::new(env!("CARGO_MANIFEST_DIR")), &mut files);
    let (mut links, mut faults) = (0, Vec::new());
    for path in &files {
        let text = fs::read_to_string(path).expect("Markdown is text");
        for target in targets(&text) {
            links += 1;
            faults.extend(fault(path, &target));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(links >= 10, "only {links} links in {files:?}");
}

#[test]
fn links_and_headings_are_read_as_they_are_shown() {
    let text = "# What *this* is, and `why`\n## Twice\n[a](b.md#c) `[no](no)` [d](<e> \"f\")\n## Twice\n\
        [g]: h/i.md\n```text\n# code\n[no](no)\n```\n#no heading\n";
    assert_eq!(targets(text), ["b.md#c", "<e>", "h/i.md"]);
    let expected = ["twice", "twice-1", "what-this-is-and-why"];
    assert!(anchors(text).iter().eq(expected));
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    assert_eq!(fault(&here, "https://example.org/nothing#here"), None);
    assert_eq!(fault(&here, "LICENSE-MIT"), None);
    assert_eq!(fault(&here, "#which-ring"), None);
    for bad in [
        "LICENSE-BSD",
        "#which-wing",
        "README.md#",
        "CHANGELOG.md#nowhere",
    ] {
        assert_eq!(fault(&here, bad).is_some(), bad != "README.md#", "{bad}");
    }
}
