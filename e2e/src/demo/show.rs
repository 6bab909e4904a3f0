//! The watch and the screen together: while something is waited for, the audience sees what goes on.
//! It shows and waits; it changes nothing in the cluster.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

use super::screen::Screen;
use super::seen::Scene;
use super::watch::{Moment, Watch};

/// Between two redraws that nothing but the clock asks for.
const TICK: Duration = Duration::from_secs(1);

/// What goes on, shown.
pub struct Show {
    watch: Watch,
    screen: Screen,
    title: String,
    /// How many moments have been told.
    told: usize,
}

impl Show {
    /// From now on, on this screen.
    #[must_use]
    pub fn of(watch: Watch, screen: Screen) -> Self {
        Self { watch, screen, title: String::new(), told: 0 }
    }

    /// What comes next.
    pub fn title(&mut self, title: &str) {
        title.clone_into(&mut self.title);
        self.screen.say(title);
    }

    /// The screen, for what is not in the cluster.
    pub fn screen(&mut self) -> &mut Screen {
        &mut self.screen
    }

    /// How much has happened: a place to look on from.
    #[must_use]
    pub fn length(&self) -> usize {
        self.watch.length()
    }

    /// What has happened since that place.
    #[must_use]
    pub fn moments_since(&self, place: usize) -> Vec<Moment> {
        self.watch.look(|_, moments| moments[place.min(moments.len())..].to_vec())
    }

    /// Shows what goes on until `look` finds what it looks for.
    ///
    /// # Errors
    /// It was not there `within` this time.
    pub async fn until<T>(
        &mut self,
        what: &str,
        within: Duration,
        mut look: impl FnMut(&Scene, &[Moment]) -> Option<T>,
    ) -> Result<T> {
        let mut changes = self.watch.changes();
        let deadline = Instant::now() + within;
        loop {
            changes.borrow_and_update();
            let (found, scene, news) = self.watch.look(|scene, moments| {
                (look(scene, moments), scene.clone(), moments[self.told..].to_vec())
            });
            self.told += news.len();
            for moment in &news {
                self.screen.happened(moment);
            }
            self.screen.show(&scene, &self.title);
            if let Some(found) = found {
                return Ok(found);
            }
            if deadline < Instant::now() {
                bail!("not within {} s: {what}", within.as_secs());
            }
            tokio::time::timeout(TICK, changes.changed()).await.ok();
        }
    }
}
