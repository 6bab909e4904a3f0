//! From buckets with `le` to the histogram that the judge takes.
//! A histogram with one bad bucket is none: a gap would look like fast messages.

use siskin_analysis::observation::Histogram;

/// Most edges of a histogram; only the lowest ones are kept, because the judge looks at no more.
const MAX_EDGES: usize = 64;

/// Buckets of one pod, in any order; equal edges of several series add up.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    /// Upper edge and cumulative count.
    found: Vec<(f64, f64)>,
    irregular: bool,
}

impl Buckets {
    /// Adds one bucket, with its `le` as exported.
    pub(crate) fn add(&mut self, le: Option<&str>, count: f64) {
        match le.and_then(|le| le.trim().parse::<f64>().ok()) {
            Some(edge) if !edge.is_nan() && count.is_finite() && count >= 0.0 => {
                self.found.push((edge, count));
            }
            Some(_) | None => self.irregular = true,
        }
    }

    /// The histogram; `None` without an infinite or a finite bucket, with a count that is no number,
    /// or with counts that fall.
    pub(crate) fn histogram(mut self) -> Option<Histogram> {
        self.found.sort_by(|(left, _), (right, _)| left.total_cmp(right));
        let mut merged: Vec<(f64, f64)> = Vec::with_capacity(self.found.len());
        for (edge, count) in self.found {
            match merged.last_mut() {
                // Edges come from text: equal ones are the same number.
                Some((last, sum)) if last.total_cmp(&edge).is_eq() => *sum += count,
                Some(_) | None => merged.push((edge, count)),
            }
        }
        let (last, total) = merged.pop()?;
        let falls = merged.windows(2).any(|pair| pair[1].1 < pair[0].1)
            || merged.last().is_some_and(|(_, count)| total < *count);
        let finite = merged.iter().all(|(edge, _)| edge.is_finite());
        if self.irregular || last != f64::INFINITY || merged.is_empty() || falls || !finite {
            return None;
        }
        merged.truncate(MAX_EDGES);
        let (edges, counts): (Vec<f64>, Vec<f64>) = merged.into_iter().unzip();
        Some(Histogram { edges: edges.into(), counts, total })
    }
}

#[cfg(test)]
mod tests;
