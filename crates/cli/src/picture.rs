//! The evidence of a trial over time as SVG, on a logarithmic scale.
//! Draws what it is given; no figure is reckoned here but places on the paper.

use std::fmt::Write;

use crate::replay::{Event, Point, Replayed};

/// Width and height of the paper, and the margin around the axes, in pixels.
const PAPER: (f64, f64) = (960.0, 420.0);
const MARGIN: f64 = 60.0;
/// Decades of evidence shown: below 1/100 and beyond a millionfold nothing is decided any more.
const DECADES: (f64, f64) = (-2.0, 6.0);

/// An SVG document.
pub(crate) fn draw(it: &Replayed) -> String {
    let last = it.points.last().map_or(1, |point| point.second.max(1));
    let scale = Scale { seconds: number(last) };
    let (width, height) = PAPER;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"15\">{}</text>\n",
        escaped(&format!("{}: {}", it.rollout, it.last))
    );
    axes(&mut out, &scale);
    level(&mut out, it.last.against.needed, ("#c0392b", "rolls back"));
    level(&mut out, it.last.proof.needed, ("#1e8449", "keeps up"));
    line(&mut out, &scale, &it.points, ("#c0392b", |point| point.against));
    line(&mut out, &scale, &it.points, ("#1e8449", |point| point.proof));
    for change in &it.changes {
        let (x, foot) = (scale.x(change.second), height - MARGIN);
        let name = match &change.event {
            Event::Found(finding) => finding.name(),
            Event::Marked(_) => "mark",
        };
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{MARGIN}\" x2=\"{x:.1}\" y2=\"{foot}\" stroke=\"#bbb\" \
             stroke-dasharray=\"2 4\"><title>{} s: {name}</title></line>",
            change.second
        );
    }
    out + "</svg>\n"
}

struct Scale {
    seconds: f64,
}

impl Scale {
    fn x(&self, second: i64) -> f64 {
        let part = (number(second) / self.seconds).clamp(0.0, 1.0);
        MARGIN + part * (PAPER.0 - 2.0 * MARGIN)
    }

    fn y(value: f64) -> f64 {
        let (low, high) = DECADES;
        let part = (value.max(f64::MIN_POSITIVE).log10().clamp(low, high) - low) / (high - low);
        PAPER.1 - MARGIN - part * (PAPER.1 - 2.0 * MARGIN)
    }
}

/// A second as a float; a trial of more than 68 years is cut there.
fn number(second: i64) -> f64 {
    f64::from(i32::try_from(second).unwrap_or(i32::MAX))
}

fn axes(out: &mut String, scale: &Scale) {
    let (left, right, foot) = (MARGIN, PAPER.0 - MARGIN, PAPER.1 - MARGIN);
    for decade in -2..=6 {
        let y = Scale::y(10_f64.powi(decade));
        let _ = writeln!(
            out,
            "<line x1=\"{left}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#eee\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 6.0,
            y + 4.0,
            10_f64.powi(decade)
        );
    }
    for quarter in 0..=4_u32 {
        let part = f64::from(quarter) / 4.0;
        let (x, minutes) = (left + part * (right - left), part * scale.seconds / 60.0);
        let _ = writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{minutes:.1} min</text>",
            foot + 18.0
        );
    }
}

/// A dashed line at an evidence that decides.
fn level(out: &mut String, needed: f64, (colour, name): (&str, &str)) {
    let (y, right) = (Scale::y(needed), PAPER.0 - MARGIN);
    let _ = writeln!(
        out,
        "<line x1=\"{MARGIN}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"{colour}\" \
         stroke-dasharray=\"6 4\"/><text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{name} from {needed:.0}</text>",
        MARGIN + 6.0,
        y - 5.0
    );
}

fn line(
    out: &mut String,
    scale: &Scale,
    points: &[Point],
    (colour, value): (&str, fn(&Point) -> f64),
) {
    let places = points
        .iter()
        .map(|point| format!("{:.1},{:.1}", scale.x(point.second), Scale::y(value(point))));
    let places = places.collect::<Vec<_>>().join(" ");
    let _ = writeln!(
        out,
        "<polyline points=\"{places}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
    );
}

/// Text that comes from a file, fit for XML.
fn escaped(text: &str) -> String {
    let plain: String = text.chars().filter(|it| !it.is_control()).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
