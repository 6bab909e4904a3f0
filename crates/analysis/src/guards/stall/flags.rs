//! What the stall guard knows of a partition, as bits. Two of them collect what happens while the
//! clock stands.

use crate::lag::partitions::Since;

bitflags::bitflags! {
    /// What is known of a partition.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Flags: u16 {
        /// It is watched under its owner.
        const WATCHED = 1;
        /// This owner has committed.
        const ARMED = 1 << 1;
        /// Old messages waited when its offsets were last known: silence is then a stall.
        const RIPE = 1 << 2;
        /// An offset was committed while the clock stood.
        const COMMITTED = 1 << 3;
        /// The log grew while the clock stood.
        const GREW = 1 << 4;
        /// It stood still under the primary, and nobody has committed since.
        const STOOD = 1 << 5;
        /// Its owner is a primary pod.
        const PRIMARY = 1 << 6;
        /// Messages have waited for half the time of a stall.
        const WAITS = 1 << 7;
        /// It stands still while most of the primary goes on: for a reason of its own.
        const ALONE = 1 << 8;
    }
}

impl Flags {
    /// What happens while the clock stands counts when it goes on.
    pub(crate) fn remember(&mut self, since: Since) {
        if since.commit {
            self.insert(Self::COMMITTED);
        }
        if since.grew {
            self.insert(Self::GREW);
        }
    }
}
