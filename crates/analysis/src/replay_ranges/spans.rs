//! Sets of offsets as few half-open spans: joined, taken from one another, thinned out.
//! Knows no topic and no canary.

/// Offsets `from` up to, not including, `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// A set of offsets: ascending spans that neither overlap nor touch, none of them empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spans(Vec<Span>);

impl Spans {
    pub(crate) fn iter(&self) -> impl Iterator<Item = Span> + '_ {
        self.0.iter().copied()
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds what lies between the two offsets; nothing, if they are not in order.
    pub(crate) fn add(&mut self, from: i64, to: i64) {
        if to <= from {
            return;
        }
        let first = self.0.partition_point(|it| it.to < from);
        let behind = self.0.partition_point(|it| it.from <= to);
        let joined = match self.0.get(first..behind) {
            Some([only]) => Span { from: from.min(only.from), to: to.max(only.to) },
            Some([left, .., right]) => Span { from: from.min(left.from), to: to.max(right.to) },
            Some([]) | None => Span { from, to },
        };
        self.0.splice(first..behind.max(first), [joined]);
    }

    pub(crate) fn add_all(&mut self, others: &Self) {
        for span in others.iter() {
            self.add(span.from, span.to);
        }
    }

    /// Those of these offsets that are not among the others.
    pub(crate) fn without(&self, others: &Self) -> Self {
        let mut left = Vec::new();
        let mut others = others.0.iter().peekable();
        for span in &self.0 {
            let mut from = span.from;
            while let Some(other) = others.peek().filter(|it| it.from < span.to) {
                if from < other.from {
                    left.push(Span { from, to: other.from });
                }
                from = from.max(other.to);
                if span.to < other.to {
                    break;
                }
                others.next();
            }
            if from < span.to {
                left.push(Span { from, to: span.to });
            }
        }
        Self(left)
    }

    /// Joins those that lie nearest to each other until no more than `most` are left.
    pub(crate) fn thin(&mut self, most: usize) {
        let most = most.max(1);
        if self.0.len() <= most {
            return;
        }
        let mut gaps: Vec<(i64, usize)> = self
            .0
            .windows(2)
            .enumerate()
            .map(|(place, it)| (it[1].from - it[0].to, place))
            .collect();
        gaps.sort_unstable();
        gaps.truncate(self.0.len() - most);
        let mut closed: Vec<usize> = gaps.into_iter().map(|(_, place)| place + 1).collect();
        closed.sort_unstable_by(|a, b| b.cmp(a));
        for place in closed {
            let right = self.0.remove(place);
            self.0[place - 1].to = right.to;
        }
    }
}
