//! Plots as SVG: the share of runs rolled back over time, one line per judge.
//! Text and lines only; opens in any browser, differs only where a figure does.

use std::fmt::Write;

use crate::figures::{Figures, share};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 46.0;
const BOTTOM: f64 = 34.0;
const TOP: f64 = 28.0;
/// Room for the names of the judges.
const LEGEND: f64 = 130.0;
/// Seconds shown.
const SPAN: i64 = 1_800;
/// One colour per judge, told apart also by the colour-blind (Okabe & Ito).
const COLOURS: [&str; 8] =
    ["#000000", "#666666", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7"];

/// The plot of one scenario.
pub fn plot(figures: &Figures) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"16\" font-size=\"13\">{}: share of runs rolled back</text>\n",
        figures.scenario.replace('&', "&amp;")
    );
    for percent in [0, 25, 50, 75, 100] {
        let y = y(f64::from(percent) / 100.0);
        let right = WIDTH - LEGEND;
        line(
            &mut svg,
            &format!(
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{percent} %</text>",
                LEFT - 5.0,
                y + 4.0
            ),
        );
    }
    for minutes in [0, 5, 10, 15, 20, 25, 30] {
        line(
            &mut svg,
            &format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{minutes} min</text>",
                x(minutes * 60),
                HEIGHT - BOTTOM + 16.0
            ),
        );
    }
    for (index, (score, colour)) in figures.judges.iter().zip(COLOURS).enumerate() {
        let mut points = format!("{:.1},{:.1}", x(0), y(share(score.early, figures.runs)));
        for (k, after) in score.seconds.iter().enumerate() {
            let before = share(score.early + k, figures.runs);
            let now = share(score.early + k + 1, figures.runs);
            let _ = write!(points, " {0:.1},{1:.1} {0:.1},{2:.1}", x(*after), y(before), y(now));
        }
        let _ = write!(points, " {:.1},{:.1}", x(SPAN), y(share(score.all(), figures.runs)));
        let width = if index == 0 { 2.5 } else { 1.2 };
        line(
            &mut svg,
            &format!(
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"
            ),
        );
        let row = TOP + 14.0 + 16.0 * f64::from(u8::try_from(index).unwrap_or(0));
        line(
            &mut svg,
            &format!(
                "<text x=\"{:.1}\" y=\"{row}\" fill=\"{colour}\">{}</text>",
                WIDTH - LEGEND + 10.0,
                score.judge
            ),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn line(svg: &mut String, text: &str) {
    svg.push_str(text);
    svg.push('\n');
}

fn x(second: i64) -> f64 {
    let part = f64::from(i32::try_from(second.clamp(0, SPAN)).unwrap_or(0)) / 1_800.0;
    LEFT + part * (WIDTH - LEFT - LEGEND)
}

fn y(share: f64) -> f64 {
    HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
}
