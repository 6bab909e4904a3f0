//! A table of text: columns as wide as their widest cell, two blanks apart.
//! Knows nothing of what the cells mean.

/// The rows as lines; every row has as many cells as the first one.
pub(crate) fn text(rows: &[impl AsRef<[String]>]) -> String {
    let width = |column: usize| {
        rows.iter().map(|row| row.as_ref()[column].chars().count()).max().unwrap_or(0)
    };
    let columns = rows.first().map_or(0, |row| row.as_ref().len());
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(|row| line(row.as_ref())).collect()
}
