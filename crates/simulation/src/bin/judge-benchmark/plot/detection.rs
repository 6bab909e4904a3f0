//! How long each judge takes to find each fault: the share of runs it has found, over time.
//! One panel per fault; time is logarithmic, for judges differ between seconds and half an hour.

use std::fmt::Write;

use crate::figures::{Figures, Score, share};
use crate::plot::picture::{Anchor, GRID, MARGIN, PLOTTED, Picture};
use crate::trial::WATCHED;

/// Panels side by side.
const COLUMNS: usize = 4;
/// The part of a panel that is plotted on, and what is around it, in pixels.
const PLOT: (f64, f64) = (190.0, 96.0);
const PANEL: (f64, f64) = (244.0, 158.0);
/// Where the first panel's plot begins.
const FIRST: (f64, f64) = (54.0, 98.0);
/// The seconds shown: from the first poll to the end of a trial.
const SECONDS: (f64, f64) = (10.0, WATCHED as f64);
const TICKS: [(f64, &str); 6] = [
    (10.0, "10 s"),
    (30.0, "30 s"),
    (60.0, "1 min"),
    (180.0, "3 min"),
    (600.0, "10 min"),
    (1_800.0, "30 min"),
];
/// Pixels below which a step of a curve isn't seen.
const UNSEEN: f64 = 0.4;

/// The plot of all faults.
pub fn detection(figures: &[Figures]) -> String {
    let bad: Vec<&Figures> = figures.iter().filter(|one| one.bad).collect();
    let rows = bad.len().div_ceil(COLUMNS) as f64;
    let width = MARGIN * 2.0 + PANEL.0 * COLUMNS as f64;
    let height = FIRST.1 + rows * PANEL.1;
    let mut picture = Picture::new(width, height, "Time to detection, by fault");
    picture.text(
        (MARGIN, 44.0),
        Anchor::Start,
        "Share of all runs in which the judge had rolled back, over seconds since the onset of the fault (logarithmic). A line that stays below 100 % missed the rest.",
    );
    picture.legend(66.0);
    for (index, one) in bad.iter().enumerate() {
        let left = FIRST.0 + PANEL.0 * (index % COLUMNS) as f64;
        let top = FIRST.1 + PANEL.1 * (index / COLUMNS) as f64;
        panel(&mut picture, (left, top), one);
    }
    picture.finish()
}

fn panel(picture: &mut Picture, corner: (f64, f64), figures: &Figures) {
    let (left, top) = corner;
    let bottom = top + PLOT.1;
    picture.text((left, top - 7.0), Anchor::Start, figures.scenario);
    for percent in [0.0, 50.0, 100.0] {
        let y = bottom - PLOT.1 * percent / 100.0;
        picture.line((left, y), (left + PLOT.0, y), GRID, 1.0);
        picture.text((left - 5.0, y + 4.0), Anchor::End, &format!("{percent} %"));
    }
    for (index, (seconds, words)) in TICKS.iter().enumerate() {
        let x = left + x(*seconds);
        picture.line((x, top), (x, bottom), GRID, 1.0);
        // Every second tick has its words a line lower, so that none touch.
        let lower = if index % 2 == 1 { 12.0 } else { 0.0 };
        picture.text((x, bottom + 14.0 + lower), Anchor::Middle, words);
    }
    for (judge, score) in figures.judges[..PLOTTED].iter().enumerate().rev() {
        picture.curve(&steps((left, bottom), score, figures.runs), judge);
    }
}

/// The share found as a staircase. Steps that can't be seen are drawn with the next one.
fn steps(begin: (f64, f64), score: &Score, runs: usize) -> String {
    let (left, bottom) = begin;
    let y = |found: usize| bottom - PLOT.1 * share(found, runs);
    let mut path = format!("M{left:.1} {bottom:.1}");
    let mut drawn = bottom;
    for (index, seconds) in score.seconds.iter().enumerate() {
        let now = y(index + 1);
        let is_last = index + 1 == score.seconds.len();
        // Runs that were found in the same second are one step.
        if !is_last && (score.seconds[index + 1] == *seconds || drawn - now < UNSEEN) {
            continue;
        }
        let _ = write!(path, "H{:.1}V{now:.1}", left + x(*seconds as f64));
        drawn = now;
    }
    let _ = write!(path, "H{:.1}", left + PLOT.0);
    path
}

/// Pixels from the left.
fn x(seconds: f64) -> f64 {
    let (first, last) = SECONDS;
    PLOT.0 * (seconds.clamp(first, last) / first).ln() / (last / first).ln()
}
