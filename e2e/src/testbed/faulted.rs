//! Which parts a test has put out of order on purpose, by a mark that names its process.
//! It makes no fault and mends none.

use std::path::PathBuf;

use super::daemon::Identity;
use super::part::Part;
use super::places::Places;

/// Whether a living process has put this part out of order on purpose.
pub(super) fn wanted(places: &Places, part: Part) -> bool {
    Identity::recorded(&mark(places, part)).is_some_and(Identity::alive)
}

/// File that records the process that put the part out of order.
pub(super) fn mark(places: &Places, part: Part) -> PathBuf {
    places.run.join("faults").join(part.name())
}
