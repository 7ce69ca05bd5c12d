//! Puts tables into a document, between two lines that mark their place, and leaves the rest of it alone.

use std::{
    error::Error,
    fmt, fs,
    path::{Path, PathBuf},
};

fn marks(program: &str) -> [String; 2] {
    ["begin", "end"].map(|place| format!("<!-- {program}: {place} -->"))
}

/// The document does not say where the tables go.
#[derive(Debug, PartialEq, Eq)]
pub struct NoPlace {
    begin: String,
    end: String,
}

impl fmt::Display for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { begin, end } = self;
        write!(
            f,
            "the document needs the lines {begin} and {end}, in this order"
        )
    }
}

impl Error for NoPlace {}

/// The document with the `tables` of `program` in their place.
///
/// # Errors
///
/// It does not have both lines.
pub fn with_tables(document: &str, program: &str, tables: &str) -> Result<String, NoPlace> {
    let [begin, end] = marks(program);
    let parts = || {
        let (before, rest) = document.split_once(&begin)?;
        Some((before, rest.split_once(&end)?.1))
    };
    match parts() {
        Some((before, after)) => Ok(format!(
            "{before}{begin}\n\n{}\n\n{end}{after}",
            tables.trim()
        )),
        None => Err(NoPlace { begin, end }),
    }
}

/// Puts the tables of `program` into the file `path`. `tables` makes them, given the name of the folder of pictures, which
/// is called as the document and lies beside it. Returns that folder.
///
/// # Errors
///
/// The file cannot be read or written, or does not say where the tables go.
pub fn rewrite(
    path: &Path,
    program: &str,
    tables: impl FnOnce(&str) -> String,
) -> Result<PathBuf, Box<dyn Error>> {
    let dir = path.with_extension("");
    let name = dir.file_name().and_then(|name| name.to_str());
    let text = tables(name.ok_or("a document has a name")?);
    let document = with_tables(&fs::read_to_string(path)?, program, &text)?;
    fs::write(path, document)?;
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let [begin, end] = marks("program");
        let document = format!("a\n{begin}\nold\n{end}\nb\n");
        let once = with_tables(&document, "program", "new\n").expect("it has both marks");
        assert_eq!(once, format!("a\n{begin}\n\nnew\n\n{end}\nb\n"));
        assert_eq!(with_tables(&once, "program", "new\n").as_ref(), Ok(&once));
    }

    #[test]
    fn a_document_without_marks_is_refused() {
        let [begin, end] = marks("program");
        assert!(with_tables("text", "program", "").is_err());
        assert!(with_tables(&format!("{end}{begin}"), "program", "").is_err());
        assert!(with_tables(&format!("{begin}{end}"), "another", "").is_err());
    }
}
