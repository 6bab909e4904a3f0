//! The text formats of metrics endpoints: Prometheus 0.0.4 and OpenMetrics 1.0, line by line.
//! Own code, because no maintained crate reads both as exporters write them: see
//! `docs/metrics-sources.md`. Never panics, allocates only for lines that are wanted.

use crate::cursor::Cursor;

/// One sample line that was wanted.
#[derive(Debug, PartialEq)]
pub(crate) struct SampleLine<'a> {
    pub(crate) name: &'a str,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

/// Hands each sample whose metric is wanted to `take`. Timestamps and exemplars are passed over:
/// a scraped value is of the moment of the scrape.
///
/// # Errors
/// Number of the first line, from 1, that is no line of either format.
pub(crate) fn read<'a>(
    text: &'a str,
    wanted: impl Fn(&str) -> bool,
    mut take: impl FnMut(SampleLine<'a>),
) -> Result<(), usize> {
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        // `# EOF` too: where registries are written one after the other, it is in the midst of them.
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // `{"a.b", ...} 1`: names beyond the classic ones, which no selector can name.
        if line.starts_with("{\"") {
            ends_in_a_value(line).ok_or(number + 1)?;
            continue;
        }
        let mut cursor = Cursor::new(line);
        let name = cursor.metric_name();
        if name.is_empty() {
            return Err(number + 1);
        }
        if wanted(name) {
            take(sample(name, &mut cursor).ok_or(number + 1)?);
        }
    }
    Ok(())
}

/// Whether a number follows the last brace: JSON has none there.
fn ends_in_a_value(line: &str) -> Option<f64> {
    line.rsplit('}').next()?.split_ascii_whitespace().next()?.parse().ok()
}

fn sample<'a>(name: &'a str, cursor: &mut Cursor<'a>) -> Option<SampleLine<'a>> {
    cursor.skip_blanks();
    let labels = if cursor.take("{") { labels(cursor)? } else { Vec::new() };
    let mut fields = cursor.rest().split_ascii_whitespace();
    let value = fields.next()?.parse().ok()?;
    match fields.next() {
        // A timestamp, an exemplar, or the end.
        Some(next) if next != "#" => next.parse::<f64>().is_ok().then_some(())?,
        Some(_) | None => {}
    }
    Some(SampleLine { name, labels, value })
}

fn labels(cursor: &mut Cursor<'_>) -> Option<Vec<(String, String)>> {
    let mut labels = Vec::new();
    loop {
        cursor.skip_blanks();
        if cursor.take("}") {
            return Some(labels);
        }
        let name = match cursor.peek() {
            Some('"') => string(cursor)?,
            Some(_) => cursor.label_name().to_owned(),
            None => return None,
        };
        cursor.skip_blanks();
        if name.is_empty() || !cursor.take("=") {
            return None;
        }
        cursor.skip_blanks();
        labels.push((name, string(cursor)?));
        cursor.skip_blanks();
        if !cursor.take(",") && cursor.peek() != Some('}') {
            return None;
        }
    }
}

/// Reads a string in double quotes, with the three escapes of the formats. Other escapes stay as
/// they are, as in Prometheus.
fn string(cursor: &mut Cursor<'_>) -> Option<String> {
    if !cursor.take("\"") {
        return None;
    }
    let mut value = String::new();
    loop {
        match cursor.next()? {
            '"' => return Some(value),
            '\\' => match cursor.next()? {
                'n' => value.push('\n'),
                same @ ('\\' | '"') => value.push(same),
                other => value.extend(['\\', other]),
            },
            character => value.push(character),
        }
    }
}

#[cfg(test)]
mod tests;
