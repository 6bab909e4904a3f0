//! Texts that strangers wrote: brokers, and who names a client. Cut and cleaned in this one place.
//! What a text means is not looked at.

/// Longest detail in characters: details end up in status fields and Events.
pub(crate) const LONGEST_DETAIL: usize = 240;
/// The text without control characters, of so many characters at most.
pub(crate) fn cleaned(text: &str, longest: usize) -> String {
    let shown = |it: char| if it.is_control() { '\u{fffd}' } else { it };
    text.chars().take(longest).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_hold_no_control_characters() {
        assert_eq!(cleaned("a\u{1b}[31m\r\nb", 99), "a\u{fffd}[31m\u{fffd}\u{fffd}b");
        assert_eq!(cleaned(&"é".repeat(1_000), 7), "é".repeat(7));
    }
}
