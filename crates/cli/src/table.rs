//! A table of text: columns as wide as their widest cell, two blanks apart.
//! Knows nothing of what the cells mean.

/// The rows as lines; every row has as many cells as the first one.
pub(crate) fn text(rows: &[impl AsRef<[String]>]) -> String {
    painted(rows, |_, padded| padded)
}

/// A place in a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) row: usize,
    pub(crate) column: usize,
}

/// The rows as lines, each cell painted once it is as wide as its column.
pub(crate) fn painted(
    rows: &[impl AsRef<[String]>],
    paint: impl Fn(Cell, String) -> String,
) -> String {
    let width = |column: usize| {
        rows.iter().map(|row| row.as_ref()[column].chars().count()).max().unwrap_or(0)
    };
    let columns = rows.first().map_or(0, |row| row.as_ref().len());
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: usize, cells: &[String]| {
        let cells = cells.iter().zip(&widths).enumerate();
        let cells = cells
            .map(|(column, (cell, &width))| paint(Cell { row, column }, format!("{cell:width$}")));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().enumerate().map(|(index, row)| line(index, row.as_ref())).collect()
}
