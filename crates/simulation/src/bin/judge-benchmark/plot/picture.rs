//! A picture as SVG: shapes and words that all plots share. Text, lines and dots only, on a ground
//! of their own.

use std::fmt::Write;

use crate::trial::{JUDGES, STRONGER};

/// Judges that are in the plots: Siskin and what tools have. More lines could not be told apart; the
/// tables have all.
pub const PLOTTED: usize = STRONGER;
/// One color per judge, dark enough for lines on white and told apart also by the color-blind
/// (after Okabe & Ito). Siskin with offsets alone has Siskin's, and dashes.
pub const COLORS: [&str; PLOTTED] =
    ["#000000", "#000000", "#c77c00", "#1f83c4", "#00855f", "#8a6d00", "#c9431a", "#a64d86"];
/// The judge whose lines are dashed.
const DASHED: usize = 1;
/// Text, and lines of the grid.
pub const INK: &str = "#222222";
pub const GRID: &str = "#dddddd";
/// Where text begins beside the left edge.
pub const MARGIN: f64 = 16.0;
/// Width of one judge's entry in a legend: its line, and the longest name in a wide font.
pub const ENTRY: f64 = 124.0;

/// A picture under construction.
pub struct Picture(String);

/// Where a text stands.
#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Picture {
    /// An empty one, in pixels, with a title.
    pub fn new(width: f64, height: f64, title: &str) -> Self {
        let mut picture = Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"11\" fill=\"{INK}\">\n<title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
            escaped(title)
        ));
        picture.put(&format!(
            "<text x=\"{MARGIN}\" y=\"24\" font-size=\"15\" font-weight=\"bold\">{}</text>",
            escaped(title)
        ));
        picture
    }

    fn put(&mut self, element: &str) {
        self.0.push_str(element);
        self.0.push('\n');
    }

    pub fn text(&mut self, at: (f64, f64), anchor: Anchor, words: &str) {
        let (x, y) = at;
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        self.put(&format!("<text x=\"{x:.1}\" y=\"{y:.1}\"{anchor}>{}</text>", escaped(words)));
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), color: &str, width: f64) {
        self.put(&format!(
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{color}\" stroke-width=\"{width}\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    pub fn dot(&mut self, at: (f64, f64), judge: usize) {
        let (x, y) = at;
        let (color, inside) = (COLORS[judge], fill(judge));
        self.put(&format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{inside}\" stroke=\"{color}\" stroke-width=\"1.2\"/>"
        ));
    }

    pub fn curve(&mut self, path: &str, judge: usize) {
        let (color, width) = (COLORS[judge], stroke(judge));
        let dashes = if judge == DASHED { " stroke-dasharray=\"4 3\"" } else { "" };
        self.put(&format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\"{dashes}/>"
        ));
    }

    /// The judges, side by side, with their lines.
    pub fn legend(&mut self, y: f64) {
        for (judge, name) in JUDGES[..PLOTTED].iter().enumerate() {
            let x = MARGIN + ENTRY * judge as f64;
            self.curve(&format!("M{x:.1} {:.1}h22", y - 4.0), judge);
            self.text((x + 27.0, y), Anchor::Start, name);
        }
    }

    pub fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}

/// Siskin's are drawn stronger: the page is about it.
fn stroke(judge: usize) -> f64 {
    if judge <= DASHED { 2.0 } else { 1.3 }
}

/// Dots of the dashed judge are hollow.
fn fill(judge: usize) -> &'static str {
    if judge == DASHED { "white" } else { COLORS[judge] }
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A path through points.
pub fn through(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.enumerate() {
        let step = if index == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{step}{x:.1} {y:.1}");
    }
    path
}
