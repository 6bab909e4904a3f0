//! A row of the table of targets: met, or missed and why.
//! It knows no target.

use std::fmt::Write;

/// What keeps a judge from being faster: said where a target is missed.
#[derive(Clone, Copy)]
pub enum Limit {
    Progress,
    Window,
    InFlight,
    Margin,
    Kubelet,
    Standing,
    Luck,
    Phase,
}

impl Limit {
    const fn words(self) -> &'static str {
        match self {
            Self::Progress => "silence is a stall after two of the longest healthy commit gaps",
            Self::Window => {
                "one window may multiply an account only so much, so that one burst decides nothing"
            }
            Self::InFlight => {
                "a message in flight looks lost until the next poll, and one window decides nothing"
            }
            Self::Margin => {
                "the effect is close to the margin within which healthy pods differ; a finer one would roll those back"
            }
            Self::Kubelet => "a crash loop is what the kubelet calls one",
            Self::Standing => {
                "lag is bet on only where it stands above what the primary had, which takes its time to reach; and healthy pods differ in speed"
            }
            Self::Luck => {
                "of healthy canaries at this load one in eleven falls behind as fast: pods differ in speed, and partitions in traffic"
            }
            Self::Phase => {
                "a window of yield holds two commit gaps, and one window decides nothing"
            }
        }
    }
}

/// Whether it is met, and what keeps the judge from it.
pub fn met(is_met: bool, limit: Option<Limit>) -> String {
    match limit {
        _ if is_met => "met".to_owned(),
        None => "**missed**".to_owned(),
        Some(limit) => format!("**missed**: {}", limit.words()),
    }
}

/// Adds a row.
pub fn row(text: &mut String, target: &str, reached: &str, met: &str) {
    let _ = writeln!(text, "| {target} | {reached} | {met} |");
}
