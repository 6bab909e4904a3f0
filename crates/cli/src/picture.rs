//! The evidence of a trial over time as SVG, on a logarithmic scale.
//! Draws what it is given; no figure is reckoned here but places on the paper.

use std::fmt::Write;
use std::ops::RangeInclusive;

use crate::judged::{JudgedTrace, Point, TimelineEvent};

/// Width of the paper in pixels.
const WIDTH: f64 = 960.0;
/// Height of the paper in pixels.
const HEIGHT: f64 = 420.0;
/// Space around the axes in pixels.
const MARGIN: f64 = 60.0;
/// Decades of evidence shown: below 1/100 and beyond a millionfold nothing is decided any more.
const DECADES: RangeInclusive<i32> = -2..=6;

/// One kind of evidence over time, and the value from which it decides.
struct Curve {
    color: &'static str,
    /// What follows from the evidence once it is there.
    decides: &'static str,
    needed: f64,
    value: fn(&Point) -> f64,
}

/// Draws a judged trace as an SVG document.
pub(crate) fn draw(it: &JudgedTrace) -> String {
    let last = it.points.last().map_or(1, |point| point.second.max(1));
    let scale = Scale { seconds: number(last) };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"15\">{}</text>\n",
        escaped(&format!("{}: {}", it.rollout, it.last))
    );
    axes(&mut out, &scale);
    let curves = [
        Curve {
            color: "#c0392b",
            decides: "rolls back",
            needed: it.last.against.needed,
            value: |point| point.against,
        },
        Curve {
            color: "#1e8449",
            decides: "keeps up",
            needed: it.last.proof.needed,
            value: |point| point.proof,
        },
    ];
    for curve in &curves {
        level(&mut out, curve);
    }
    for curve in &curves {
        line(&mut out, &scale, &it.points, curve);
    }
    for entry in &it.timeline {
        let (x, foot) = (scale.x(entry.second), HEIGHT - MARGIN);
        let name = match &entry.event {
            TimelineEvent::Found(finding) => finding.name(),
            TimelineEvent::Marked(_) => "mark",
        };
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{MARGIN}\" x2=\"{x:.1}\" y2=\"{foot}\" stroke=\"#bbb\" \
             stroke-dasharray=\"2 4\"><title>{} s: {name}</title></line>",
            entry.second
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
        MARGIN + part * (WIDTH - 2.0 * MARGIN)
    }

    fn y(value: f64) -> f64 {
        let (low, high) = (f64::from(*DECADES.start()), f64::from(*DECADES.end()));
        let part = (value.max(f64::MIN_POSITIVE).log10().clamp(low, high) - low) / (high - low);
        HEIGHT - MARGIN - part * (HEIGHT - 2.0 * MARGIN)
    }
}

/// A second as a float; a trial of more than 68 years is cut short.
fn number(second: i64) -> f64 {
    f64::from(i32::try_from(second).unwrap_or(i32::MAX))
}

fn axes(out: &mut String, scale: &Scale) {
    let (left, right, foot) = (MARGIN, WIDTH - MARGIN, HEIGHT - MARGIN);
    for decade in DECADES {
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
fn level(out: &mut String, curve: &Curve) {
    let Curve { color, decides, needed, .. } = curve;
    let (y, right) = (Scale::y(*needed), WIDTH - MARGIN);
    let _ = writeln!(
        out,
        "<line x1=\"{MARGIN}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"{color}\" \
         stroke-dasharray=\"6 4\"/><text x=\"{:.1}\" y=\"{:.1}\" fill=\"{color}\">{decides} from {needed:.0}</text>",
        MARGIN + 6.0,
        y - 5.0
    );
}

fn line(out: &mut String, scale: &Scale, points: &[Point], curve: &Curve) {
    let places = points
        .iter()
        .map(|point| format!("{:.1},{:.1}", scale.x(point.second), Scale::y((curve.value)(point))));
    let places = places.collect::<Vec<_>>().join(" ");
    let _ = writeln!(
        out,
        "<polyline points=\"{places}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>",
        curve.color
    );
}

/// A foreign text, escaped for XML.
fn escaped(text: &str) -> String {
    let plain: String = text.chars().filter(|it| !it.is_control()).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
