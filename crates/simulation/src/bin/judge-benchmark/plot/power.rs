//! Power against effect size: how often each judge finds an effect, from subtle to gross.
//! Sizes are evenly apart, whatever their value, for they are chosen and not measured.

use crate::figures::{Score, interval, share};
use crate::plot::picture::{Anchor, COLORS, ENTRY, GRID, MARGIN, PLOTTED, Picture, through};
use crate::sweep::Swept;

/// Width and height of a panel's plot, and room to its right.
const PLOT: (f64, f64) = (268.0, 220.0);
const PANEL: f64 = 326.0;
/// Where the first plot begins.
const FIRST: (f64, f64) = (56.0, 110.0);
/// Pixels between two judges' dots of one size, so that their intervals are told apart.
const APART: f64 = 4.0;

/// One panel per kind of effect.
pub fn power(swept: &[Swept]) -> String {
    let width = (MARGIN * 2.0 + PANEL * swept.len() as f64).max(MARGIN + ENTRY * PLOTTED as f64);
    let mut picture = Picture::new(
        width,
        FIRST.1 + PLOT.1 + 54.0,
        "Power: how often an effect of a size is found",
    );
    picture.text(
        (MARGIN, 44.0),
        Anchor::Start,
        "Share of runs rolled back within 30 min, with the 95 % interval (Clopper–Pearson). The dots of one size stand side by side.",
    );
    picture.legend(68.0);
    for (index, family) in swept.iter().enumerate() {
        panel(&mut picture, FIRST.0 + PANEL * index as f64, family);
    }
    picture.finish()
}

fn panel(picture: &mut Picture, left: f64, family: &Swept) {
    let (top, bottom) = (FIRST.1, FIRST.1 + PLOT.1);
    picture.text((left, top - 12.0), Anchor::Start, family.name);
    for percent in [0.0, 25.0, 50.0, 75.0, 100.0] {
        let y = bottom - PLOT.1 * percent / 100.0;
        picture.line((left, y), (left + PLOT.0, y), GRID, 1.0);
        picture.text((left - 6.0, y + 4.0), Anchor::End, &format!("{percent} %"));
    }
    let slot = PLOT.0 / family.points.len() as f64;
    let x = |index: usize| left + slot * (index as f64 + 0.5);
    for (index, point) in family.points.iter().enumerate() {
        picture.text((x(index), bottom + 18.0), Anchor::Middle, &format!("{}", point.size));
    }
    picture.text((left + PLOT.0 / 2.0, bottom + 38.0), Anchor::Middle, family.axis);
    for judge in (0..PLOTTED).rev() {
        let aside = APART * (judge as f64 - (PLOTTED - 1) as f64 / 2.0);
        let at = |index: usize, part: f64| (x(index) + aside, bottom - PLOT.1 * part);
        let found = |index: usize| -> (usize, usize) {
            let figures = &family.points[index].figures;
            let score: &Score = &figures.judges[judge];
            (score.all(), figures.runs)
        };
        let all = 0..family.points.len();
        let level = |index: usize| at(index, share(found(index).0, found(index).1));
        picture.curve(&through(all.clone().map(level)), judge);
        for index in all {
            let (low, high) = interval(found(index).0, found(index).1);
            picture.line(at(index, low), at(index, high), COLORS[judge], 1.0);
            picture.dot(level(index), judge);
        }
    }
}
