//! What the sources promise: no `unsafe` outside `sys/` and `memory/`, and a manual page for each call to the system.

use std::fs;
use std::path::{Path, PathBuf};

/// Every source file and its text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("text");
                sources.push((path, text));
            }
        }
    }
    sources
}

/// The line without its comment.
fn code(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

#[test]
fn nothing_outside_sys_and_memory_is_unsafe() {
    let mut unsafe_files = 0;
    for (path, text) in sources("src") {
        let is_unsafe = text.lines().any(|line| {
            ["unsafe {", "unsafe fn", "unsafe impl"]
                .iter()
                .any(|it| code(line).contains(it))
        });
        let may_be = path
            .components()
            .any(|part| part.as_os_str() == "sys" || part.as_os_str() == "memory");
        assert!(!is_unsafe || may_be, "{} has unsafe code", path.display());
        unsafe_files += usize::from(is_unsafe);
    }
    assert!(unsafe_files >= 3, "the test does not see unsafe code");
}

/// `mbind(2)`: a name, and a section of the manual.
fn names_a_page(line: &str) -> bool {
    line.match_indices('(').any(|(at, _)| {
        let is_section = line[at + 1..]
            .strip_prefix(|section: char| ('2'..='7').contains(&section))
            .is_some_and(|rest| rest.starts_with(')'));
        is_section && line[..at].ends_with(|end: char| end.is_ascii_alphanumeric())
    })
}

#[test]
fn each_function_that_calls_the_system_names_its_manual_page() {
    let mut functions = 0;
    for (path, text) in sources("src/sys/linux") {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            if !line.starts_with("pub(crate) fn") && !line.starts_with("pub(crate) unsafe fn") {
                continue;
            }
            functions += 1;
            let above = lines[..number].iter().rev();
            let mut docs =
                above.take_while(|line| line.starts_with("///") || line.starts_with("#["));
            assert!(
                docs.any(|line| names_a_page(line)),
                "{}: {line}",
                path.display()
            );
        }
    }
    assert!(functions >= 12, "the test sees {functions} functions");
}

#[test]
fn a_page_is_a_name_and_a_section() {
    for page in ["/// mbind(2)", "see sysfs(5), or move_pages(2)."] {
        assert!(names_a_page(page), "{page}");
    }
    for none in ["mbind", "(2)", "mbind (2)", "mbind(9)", "f(22)", "mbind()"] {
        assert!(!names_a_page(none), "{none}");
    }
}
