//! Puts tables into a document, between two lines that mark their place, and leaves the rest of it alone.

use std::fmt;

const BEGIN: &str = "<!-- rings-compare: begin -->";
const END: &str = "<!-- rings-compare: end -->";

/// The document does not say where the tables go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoPlace;

impl fmt::Display for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the document needs the lines {BEGIN} and {END}, in this order"
        )
    }
}

impl std::error::Error for NoPlace {}

/// The document with `tables` in their place.
pub(crate) fn with_tables(document: &str, tables: &str) -> Result<String, NoPlace> {
    let (before, rest) = document.split_once(BEGIN).ok_or(NoPlace)?;
    let (_, after) = rest.split_once(END).ok_or(NoPlace)?;
    Ok(format!(
        "{before}{BEGIN}\n\n{}\n\n{END}{after}",
        tables.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let document = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let once = with_tables(&document, "new\n").expect("it has both marks");
        assert_eq!(once, format!("a\n{BEGIN}\n\nnew\n\n{END}\nb\n"));
        assert_eq!(with_tables(&once, "new\n").as_ref(), Ok(&once));
    }

    #[test]
    fn a_document_without_marks_is_refused() {
        assert_eq!(with_tables("text", ""), Err(NoPlace));
        assert_eq!(with_tables(&format!("{END}{BEGIN}"), ""), Err(NoPlace));
    }
}
