//! Colors of words on a terminal, and none anywhere else.
//! Says what is painted how; no text depends on it.

use std::io::IsTerminal as _;

use siskin_api::{Phase, Verdict};

/// A color of the terminal's own palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hue {
    Red,
    Yellow,
    Green,
}

/// Whether words are painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    On,
    Off,
}

impl Paint {
    /// For standard output: on a terminal that knows colors, unless `NO_COLOR` is set.
    pub(crate) fn of_stdout() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty());
        let dumb = set("TERM").is_none_or(|it| it == "dumb");
        Self::wanted(std::io::stdout().is_terminal() && !dumb, set("NO_COLOR").is_some())
    }

    fn wanted(can: bool, unwanted: bool) -> Self {
        if can && !unwanted { Self::On } else { Self::Off }
    }

    /// A text in a color.
    pub(crate) fn over(self, hue: Hue, text: &str) -> String {
        let code = match hue {
            Hue::Red => 31,
            Hue::Yellow => 33,
            Hue::Green => 32,
        };
        match self {
            Self::On => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Off => text.to_owned(),
        }
    }

    /// A text in a color, if it has one.
    pub(crate) fn maybe(self, hue: Option<Hue>, text: &str) -> String {
        hue.map_or_else(|| text.to_owned(), |hue| self.over(hue, text))
    }
}

/// Color of a verdict.
pub(crate) const fn of_verdict(verdict: Verdict) -> Hue {
    match verdict {
        Verdict::Pass => Hue::Green,
        Verdict::Fail => Hue::Red,
        Verdict::Inconclusive => Hue::Yellow,
    }
}

/// Color of a phase: those that wait for a person or went wrong have one, and all that is stalled.
pub(crate) const fn of_phase(phase: Phase, stalled: bool) -> Option<Hue> {
    if stalled {
        return Some(Hue::Red);
    }
    match phase {
        Phase::Failed | Phase::RollingBack => Some(Hue::Red),
        Phase::Paused => Some(Hue::Yellow),
        Phase::Pending
        | Phase::Adopting
        | Phase::Initialized
        | Phase::Preparing
        | Phase::Progressing
        | Phase::Promoting
        | Phase::Succeeded
        | Phase::Terminating => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_without_no_color_gets_colors() {
        assert_eq!(Paint::wanted(true, false), Paint::On);
        for (can, unwanted) in [(true, true), (false, false), (false, true)] {
            assert_eq!(Paint::wanted(can, unwanted), Paint::Off, "{can} {unwanted}");
        }
        assert_eq!(Paint::On.over(Hue::Red, "Fail"), "\x1b[31mFail\x1b[0m");
        assert_eq!(Paint::Off.over(Hue::Red, "Fail"), "Fail");
        assert_eq!(of_phase(Phase::Preparing, true), Some(Hue::Red), "a person is needed");
    }
}
