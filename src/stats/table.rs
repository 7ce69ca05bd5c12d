//! Rows of cells, as wide as they must be.
#![forbid(unsafe_code)]

use core::fmt;

/// Writes rows, the first of which is the header. The first cell of each begins at the left, the others end at the right.
pub(super) fn write<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    rows: &[[String; N]],
) -> fmt::Result {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            writeln!(f)?;
        }
        write!(f, "{:<width$}", row[0], width = widths[0])?;
        for (cell, width) in row.iter().zip(widths).skip(1) {
            write!(f, "  {cell:>width$}")?;
        }
    }
    Ok(())
}
