//! Public types by name, so that a test can say that none is forgotten.

use std::{fs, path::Path};

/// Panics if a type of `folder` is not a word of `text`, or if there are fewer than `types_min`.
pub(crate) fn all_named_in(text: &str, folders: &[&str], types_min: usize) {
    let mut types = Vec::new();
    for folder in folders {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        public_types(&folder, &mut types);
    }
    assert!(types.len() >= types_min, "{types:?}");
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
    for name in types {
        assert!(words.contains(&name.as_str()), "{name} has no assertion");
    }
}

/// The names of types that begin a line as public.
fn public_types(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the sources lie beside the tests") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            public_types(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source is text");
        let types = text.lines().filter_map(|line| {
            let rest = line
                .strip_prefix("pub struct ")
                .or(line.strip_prefix("pub enum "))?;
            rest.split(|c: char| !c.is_alphanumeric()).next()
        });
        found.extend(types.map(str::to_owned));
    }
}
