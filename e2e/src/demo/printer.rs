//! The demo's printer: while the scenario goes on, the audience sees what its event log brings.
//! It shows; it waits for nothing and changes nothing in the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::screen::Screen;
use super::view::Happening;
use crate::scenario::event_log::EventLog;
use crate::scenario::history::{Change, Entry};
use crate::scenario::seen::Seen;

/// Pause between two redraws that nothing but the clock asks for.
const TICK: Duration = Duration::from_secs(1);

/// What goes on, shown.
pub struct Printer {
    log: EventLog,
    page: Mutex<Page>,
}

struct Page {
    screen: Screen,
    title: String,
    /// Time from the start of the screen's clock to that of the log.
    offset: Duration,
    /// How many entries of the log have been looked at.
    read: usize,
    /// Events that were told already: a new listing brings them again.
    told: BTreeSet<String>,
    /// How often the container of each canary pod had ended.
    crashes: BTreeMap<String, i64>,
}

impl Printer {
    /// A printer of this log on this screen, from now on.
    pub fn new(log: EventLog, screen: Screen) -> Self {
        let offset = screen.elapsed().saturating_sub(log.elapsed());
        let page = Page {
            screen,
            title: String::new(),
            offset,
            read: 0,
            told: BTreeSet::new(),
            crashes: BTreeMap::new(),
        };
        Self { log, page: Mutex::new(page) }
    }

    /// What comes next.
    pub fn title(&self, title: &str) {
        self.draw();
        let mut page = self.page();
        title.clone_into(&mut page.title);
        page.screen.say(title);
    }

    /// Shows what goes on, until this is dropped.
    pub async fn follow(&self) -> Infallible {
        let mut changes = self.log.changes();
        loop {
            changes.borrow_and_update();
            self.draw();
            tokio::time::timeout(TICK, changes.changed()).await.ok();
        }
    }

    /// The screen, with what is on it left there.
    pub fn into_screen(self) -> Screen {
        self.draw();
        let mut screen = self.page.into_inner().unwrap_or_else(PoisonError::into_inner).screen;
        screen.leave();
        screen
    }

    fn draw(&self) {
        let mut page = self.page();
        self.log.look(|view| {
            for entry in &view.history[page.read..] {
                if let Some(happening) = page.news(entry) {
                    let at = page.offset + entry.at;
                    page.screen.happened(at, &happening);
                }
            }
            page.read = view.history.len();
            let Page { screen, title, .. } = &mut *page;
            screen.show(view.state, title);
        });
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    /// What is worth a line of an entry, if it is not told already.
    fn news(&mut self, entry: &Entry) -> Option<Happening> {
        match &entry.change {
            Change::Put(name, Seen::Event(event)) => {
                let new = self.told.insert(name.clone());
                new.then(|| Happening::Told(event.clone()))
            }
            Change::Put(name, Seen::Pod(_)) => {
                let times = entry.change.canary_crashes();
                let before = self.crashes.insert(name.clone(), times).unwrap_or(0);
                (before < times).then_some(Happening::Crashed(times))
            }
            Change::Stalled(place) => Some(Happening::Stalled(place.clone())),
            Change::Put(..) | Change::Gone(..) | Change::Action { .. } => None,
        }
    }
}
