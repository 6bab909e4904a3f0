//! How often each judge rolls back a healthy canary: a dot and its interval, by scenario.
//! The scale is that of square roots, so that 1 % is seen beside 100 %.

use crate::figures::{Figures, interval, share};
use crate::ours::ALPHA;
use crate::plot::picture::{Anchor, COLORS, GRID, INK, MARGIN, PLOTTED, Picture};
use crate::trial::JUDGES;

/// Room for the names of scenarios; width of a judge's column and of its plot; height of a row.
const NAMES: f64 = 200.0;
const COLUMN: f64 = 116.0;
const PLOT: f64 = 94.0;
const ROW: f64 = 19.0;
/// Where the first row begins.
const TOP: f64 = 92.0;
/// Percent at which there is a line.
const TICKS: [f64; 5] = [0.0, 0.01, 0.1, 0.4, 1.0];

/// The plot of all healthy scenarios, and of all of them together.
pub fn rollbacks(figures: &[Figures]) -> String {
    let good: Vec<&Figures> = figures.iter().filter(|one| !one.bad).collect();
    let rows = good.len() + 1;
    let bottom = TOP + ROW * rows as f64;
    let width = MARGIN * 2.0 + NAMES + COLUMN * PLOTTED as f64;
    let mut picture = Picture::new(width, bottom + 34.0, "Healthy canaries rolled back");
    picture.text(
        (MARGIN, 44.0),
        Anchor::Start,
        &format!(
            "Percent of runs with the 95 % interval (Clopper–Pearson), on a scale of square roots. The dark line is at {} %, the chance that Siskin is given.",
            100.0 * ALPHA
        ),
    );
    for (judge, name) in JUDGES[..PLOTTED].iter().enumerate() {
        columns(&mut picture, judge, name, bottom);
    }
    let mut pooled = [0; PLOTTED];
    let mut runs = 0;
    for (index, one) in good.iter().enumerate() {
        let y = TOP + ROW * (index as f64 + 0.5);
        picture.text((MARGIN + NAMES - 12.0, y + 4.0), Anchor::End, one.scenario);
        runs += one.runs;
        for (judge, score) in one.judges[..PLOTTED].iter().enumerate() {
            pooled[judge] += score.all();
            point(&mut picture, y, judge, score.all(), one.runs);
        }
    }
    let y = TOP + ROW * (good.len() as f64 + 0.5);
    picture.line((MARGIN, y - ROW / 2.0), (width - MARGIN, y - ROW / 2.0), INK, 1.0);
    picture.text((MARGIN + NAMES - 12.0, y + 4.0), Anchor::End, "all together");
    for (judge, events) in pooled.into_iter().enumerate() {
        point(&mut picture, y, judge, events, runs);
    }
    picture.finish()
}

fn columns(picture: &mut Picture, judge: usize, name: &str, bottom: f64) {
    let middle = left(judge) + PLOT / 2.0;
    picture.text((middle, TOP - 24.0), Anchor::Middle, name);
    for tick in TICKS {
        let x = left(judge) + x(tick);
        let color = if (tick - ALPHA).abs() < 1e-9 { "#888888" } else { GRID };
        picture.line((x, TOP), (x, bottom), color, 1.0);
        let words = format!("{}", 100.0 * tick);
        picture.text((x, TOP - 6.0), Anchor::Middle, &words);
        picture.text((x, bottom + 15.0), Anchor::Middle, &words);
    }
    picture.text((left(judge) + PLOT / 2.0, bottom + 28.0), Anchor::Middle, "%");
}

fn point(picture: &mut Picture, y: f64, judge: usize, events: usize, runs: usize) {
    let (low, high) = interval(events, runs);
    let at = |part: f64| (left(judge) + x(part), y);
    picture.line(at(low), at(high), COLORS[judge], 1.6);
    picture.dot(at(share(events, runs)), judge);
}

fn left(judge: usize) -> f64 {
    MARGIN + NAMES + COLUMN * judge as f64 + (COLUMN - PLOT) / 2.0
}

/// Pixels from the left of a column.
fn x(part: f64) -> f64 {
    PLOT * part.clamp(0.0, 1.0).sqrt()
}
