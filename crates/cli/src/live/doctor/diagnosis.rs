//! One line of the doctor: what was found of one thing, how grave it is, and what to do.
//! Plain data with its text; looks at nothing.

use std::fmt::Write as _;

use crate::live::paint::{Hue, Paint};

/// How grave a diagnosis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// In the way, or about to be.
    Wrong,
    /// Works, and whoever runs it should know.
    Note,
    /// Could not be looked at.
    Unchecked,
    /// As it should be.
    Fine,
}

/// What was found of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    pub(crate) severity: Severity,
    pub(crate) text: String,
    /// What to do; empty where nothing is to be done.
    pub(crate) remedy: String,
}

impl Diagnosis {
    pub(crate) fn wrong(text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Wrong, text: text.into(), remedy: remedy.into() }
    }

    pub(crate) fn note(text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Note, text: text.into(), remedy: remedy.into() }
    }

    pub(crate) fn fine(text: impl Into<String>) -> Self {
        Self { severity: Severity::Fine, text: text.into(), remedy: String::new() }
    }

    /// A check that was not made, for want of a right.
    pub(crate) fn unchecked(what: &str, why: &str) -> Self {
        let text = format!("{what}, since {why}");
        Self { severity: Severity::Unchecked, text, remedy: String::new() }
    }
}

/// All lines with a headline, the gravest first, and how many of each there are.
pub(crate) fn text(about: &str, found: &[Diagnosis], paint: Paint) -> String {
    let mut out = format!("{about}\n");
    for severity in [Severity::Wrong, Severity::Note, Severity::Unchecked, Severity::Fine] {
        for it in found.iter().filter(|it| it.severity == severity) {
            let (word, hue) = match severity {
                Severity::Wrong => ("WRONG", Hue::Red),
                Severity::Note => ("note", Hue::Yellow),
                Severity::Unchecked => ("not checked", Hue::Yellow),
                Severity::Fine => ("fine", Hue::Green),
            };
            let word = paint.over(hue, &format!("{word:11}"));
            let _ = writeln!(out, "  {word}  {}", it.text);
            if !it.remedy.is_empty() {
                let _ = writeln!(out, "  {:11}  -> {}", "", it.remedy);
            }
        }
    }
    let count = |severity| found.iter().filter(|it| it.severity == severity).count();
    let wrong = match count(Severity::Wrong) {
        0 => "nothing is wrong of what was checked".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        many => format!("{many} things are wrong"),
    };
    let unchecked = match count(Severity::Unchecked) {
        0 => String::new(),
        1 => "; 1 check could not be made".to_owned(),
        many => format!("; {many} checks could not be made"),
    };
    let _ = writeln!(out, "{wrong}{unchecked}");
    out
}
