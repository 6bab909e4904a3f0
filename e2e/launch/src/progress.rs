//! Progress for a person who waits: what is being done, and how long it has taken so far.
//! It writes to standard error and knows nothing of what is being done.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Silence before an activity is mentioned at all: most end sooner.
const FIRST_AFTER: Duration = Duration::from_secs(1);
/// Longest silence where there is no terminal. With the ticker's own pause it stays below ten seconds.
const LINE_EVERY: Duration = Duration::from_secs(8);
/// Pause between two looks at the clock, and between two versions of the line that a terminal shows.
const TICK: Duration = Duration::from_millis(500);
/// Characters of the line that is rewritten: one that wraps could not be taken back.
const WIDTH: usize = 79;

static TELLER: Mutex<Teller> = Mutex::new(Teller::new());
static TICKER: Once = Once::new();

/// Something under way. Until it is dropped nobody waits in silence.
#[derive(Debug)]
pub struct Activity {
    number: u64,
    begun: Instant,
}

impl Activity {
    /// An activity that begins now, such as `testbed: building etcd`.
    #[must_use]
    pub fn begin(text: impl Into<String>) -> Self {
        TICKER.call_once(|| drop(thread::spawn(tick)));
        let begun = Instant::now();
        let number = teller().begin(text.into(), begun);
        Self { number, begun }
    }

    /// Says more precisely what is being done; the latest word stands.
    pub fn detail(&self, text: &str) {
        teller().detail(self.number, text);
    }

    /// Time since the activity began.
    #[must_use]
    pub fn taken(&self) -> Duration {
        self.begun.elapsed()
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        teller().end(self.number);
    }
}

/// Writes a line.
pub fn say(line: &str) {
    let mut teller = teller();
    let erased = teller.erased();
    teller.spoke = Some(Instant::now());
    put(&format!("{erased}{line}\n"));
}

/// Takes the rewritten line off the terminal: somebody else is about to write there.
pub fn make_room() {
    let mut teller = teller();
    teller.spoke = Some(Instant::now());
    put(teller.erased());
}

fn tick() {
    let terminal = std::io::stderr().is_terminal();
    loop {
        thread::sleep(TICK);
        let mut teller = teller();
        if let Some(text) = teller.due(Instant::now(), terminal) {
            put(&text);
        }
    }
}

/// Nobody may be reading any more; that is no reason to stop half way, as `eprintln!` would.
fn put(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn teller() -> MutexGuard<'static, Teller> {
    TELLER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is under way, and when something was written last.
struct Teller {
    activities: Vec<Running>,
    next: u64,
    spoke: Option<Instant>,
    /// Whether the last line of the terminal is ours to rewrite.
    drawn: bool,
}

struct Running {
    number: u64,
    text: String,
    detail: String,
    begun: Instant,
}

impl Teller {
    const fn new() -> Self {
        Self { activities: Vec::new(), next: 0, spoke: None, drawn: false }
    }

    fn begin(&mut self, text: String, now: Instant) -> u64 {
        self.next += 1;
        let number = self.next;
        self.activities.push(Running { number, text, detail: String::new(), begun: now });
        number
    }

    fn detail(&mut self, number: u64, text: &str) {
        if let Some(running) = self.activities.iter_mut().find(|it| it.number == number) {
            text.trim().clone_into(&mut running.detail);
        }
    }

    fn end(&mut self, number: u64) {
        self.activities.retain(|it| it.number != number);
        put(self.erased());
    }

    fn erased(&mut self) -> &'static str {
        if std::mem::take(&mut self.drawn) { "\r\x1b[K" } else { "" }
    }

    /// The line about the latest activity, if it is time for one.
    fn due(&mut self, now: Instant, terminal: bool) -> Option<String> {
        let running = self.activities.last()?;
        let taken = now.saturating_duration_since(running.begun);
        let silent = self.spoke.map_or(taken, |it| now.saturating_duration_since(it).min(taken));
        let told = self.spoke.is_some_and(|it| running.begun <= it);
        let patience = if told && !terminal { LINE_EVERY } else { FIRST_AFTER };
        if silent < patience && !(terminal && self.drawn) {
            return None;
        }
        let line = running.line(taken);
        if terminal {
            let line: String = line.chars().take(WIDTH).collect();
            self.drawn = true;
            return Some(format!("\r\x1b[K{line}"));
        }
        self.spoke = Some(now);
        Some(format!("{line}\n"))
    }
}

impl Running {
    fn line(&self, taken: Duration) -> String {
        let detail = if self.detail.is_empty() { "" } else { ": " };
        format!("{}, {} s so far{detail}{}", self.text, taken.as_secs(), self.detail)
    }
}

#[cfg(test)]
mod tests;
