//! One budget of bytes for all bodies that this process reads at one time.
//! Hands out room and takes it back; reads nothing.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Bodies up to so many bytes are small: most answers of a rollout are.
pub(crate) const SMALL: usize = 64 * 1024;

/// Small bodies at one time: 8 MiB.
const SMALL_AT_ONCE: usize = 128;

/// Larger bodies at one time: two of 8 MiB, each beside what is kept of it.
const LARGE_AT_ONCE: usize = 2;

static SMALL_ROOM: Semaphore = Semaphore::const_new(SMALL_AT_ONCE);
static LARGE_ROOM: Semaphore = Semaphore::const_new(LARGE_AT_ONCE);

/// Room for one body, until it is dropped.
pub(crate) struct Room {
    _permit: Option<SemaphorePermit<'static>>,
    is_large: bool,
}

impl Room {
    /// Room for a small body. Waits for it: within the deadline of who asks.
    pub(crate) async fn small() -> Self {
        // Neither is ever closed.
        Self { _permit: SMALL_ROOM.acquire().await.ok(), is_large: false }
    }

    /// Room for a body that has become larger than [`SMALL`]. Who holds it never waits for a small
    /// one, so nobody waits for ever.
    pub(crate) async fn grown(self) -> Self {
        if self.is_large {
            return self;
        }
        Self { _permit: LARGE_ROOM.acquire().await.ok(), is_large: true }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_each_other_and_small_ones_do_not() {
        let (first, second) =
            (Room::small().await.grown().await, Room::small().await.grown().await);
        let third = Room::small().await;
        let waits = tokio::time::timeout(Duration::from_secs(1), third.grown()).await;
        assert!(waits.is_err(), "there is room for two");
        assert!(!Room::small().await.is_large);
        drop(first);
        assert!(Room::small().await.grown().await.is_large);
        drop(second);
    }
}
