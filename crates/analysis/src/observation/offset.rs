//! Which numbers are offsets: sources send sentinels where they know none.
//! One rule for everyone who reads an observation; nothing is compared.

/// Beyond this an offset is a sentinel or nonsense: 2⁶² records would take a million years.
const LARGEST_OFFSET: i64 = 1 << 62;

/// An offset as far as it can be one: −1 and its like mean "unknown", neither 0 nor the end.
pub(crate) fn offset(raw: Option<i64>) -> Option<i64> {
    raw.filter(|offset| (0..LARGEST_OFFSET).contains(offset))
}
