//! Where the audience looks: a terminal with a block that is redrawn, or anything else, line by line.
//! Without a terminal there is no escape code; a line when something has changed, or when nothing has for a while.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use rustix::termios::tcgetwinsize;
use siskin_launch::progress;

use super::view::{self, Happening, Span, Style};
use crate::scenario::history::State;

/// Width of a terminal that does not say how wide it is.
const USUAL_WIDTH: usize = 100;
/// Longest silence where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(8);
/// Beyond this a line is hard to read.
const WIDEST: usize = 120;

/// Standard output.
pub struct Screen {
    begun: Instant,
    terminal: bool,
    colored: bool,
    /// Lines of the block that is on the terminal now.
    drawn: usize,
    last: String,
    spoke: Instant,
}

impl Screen {
    /// Standard output, as it is.
    pub fn of_stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        let colored = terminal && wanted;
        let now = Instant::now();
        Self { begun: now, terminal, colored, drawn: 0, last: String::new(), spoke: now }
    }

    /// A heading: what comes next.
    pub fn say(&mut self, text: &str) {
        self.print(&[Span(Style::Strong, format!("== {text}"))]);
        self.last.clear();
    }

    /// Text as it is, line by line.
    pub fn tell(&mut self, text: &str) {
        for line in text.lines() {
            self.print(&[Span(Style::Plain, line.to_owned())]);
        }
    }

    /// Time on the clock that the audience sees.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Something that happened.
    pub fn happened(&mut self, at: Duration, what: &Happening) {
        let mut line = vec![Span(Style::Faint, stamp(at))];
        line.extend(view::happening(what));
        self.print(&line);
    }

    /// What is there now: the block again, or one line if it differs from the last one.
    pub fn show(&mut self, state: &State, title: &str) {
        if self.terminal {
            let lines = view::block(state, title, self.begun.elapsed(), width());
            let mut frame = self.erased();
            for line in &lines {
                // One that wraps would put the block out of place.
                frame += &self.rendered(line, width());
                frame.push('\n');
            }
            self.drawn = lines.len();
            put(&frame);
            return;
        }
        let view::Line { calm, whole } = view::line(state);
        let silent = LINE_EVERY <= self.spoke.elapsed();
        if (calm != self.last || silent) && !calm.is_empty() {
            self.spoke = Instant::now();
            put(&format!("{}{whole}\n", stamp(self.begun.elapsed())));
            self.last = calm;
        }
    }

    /// Leaves the block where it is: what comes next goes below it.
    pub fn leave(&mut self) {
        self.drawn = 0;
    }

    fn print(&mut self, line: &[Span]) {
        let text = format!("{}{}\n", self.erased(), self.rendered(line, usize::MAX));
        // The next `show` draws the block again, below this line.
        self.drawn = 0;
        self.spoke = Instant::now();
        put(&text);
    }

    /// What takes the block off the terminal.
    fn erased(&self) -> String {
        if self.drawn == 0 { String::new() } else { format!("\x1b[{}A\x1b[J", self.drawn) }
    }

    fn rendered(&self, line: &[Span], mut room: usize) -> String {
        let mut text = Vec::new();
        for Span(style, words) in line {
            let words: String = words.chars().take(room).collect();
            room -= words.chars().count();
            text.push(match code(*style).filter(|_| self.colored) {
                Some(code) => format!("\x1b[{code}m{words}\x1b[0m"),
                None => words,
            });
        }
        text.concat().trim_end().to_owned()
    }
}

fn width() -> usize {
    let columns = tcgetwinsize(std::io::stdout()).map_or(0, |it| usize::from(it.ws_col));
    if columns == 0 { USUAL_WIDTH } else { columns.min(WIDEST) }
}

fn put(text: &str) {
    progress::make_room();
    let mut out = std::io::stdout().lock();
    // If nobody reads any more, what happens goes on, and the exit code tells how it ended.
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}

fn stamp(at: Duration) -> String {
    format!("{:>6.1} s  ", at.as_secs_f64())
}

const fn code(style: Style) -> Option<&'static str> {
    match style {
        Style::Plain => None,
        Style::Strong => Some("1"),
        Style::Faint => Some("90"),
        Style::Good => Some("32"),
        Style::Doubtful => Some("33"),
        Style::Bad => Some("31"),
    }
}
