//! The judges that Siskin is compared with, each with the settings its documentation suggests.
//! They get the same observations, as views; none of them sees the record before the trial.

mod burrow;
mod ranks;
pub mod rival;
mod thresholds;
mod ztest;

use crate::rivals::rival::Rival;

/// Their names in the tables, in the order of [`all`].
pub const NAMES: [&str; 6] = ["Flagger", "Argo", "Aviary", "Burrow", "z-test", "Kayenta"];

/// One of each.
pub fn all() -> [Box<dyn Rival>; 6] {
    [
        Box::new(thresholds::Thresholds::flagger()),
        Box::new(thresholds::Thresholds::argo()),
        Box::new(thresholds::Thresholds::aviary()),
        Box::<burrow::Burrow>::default(),
        Box::<ztest::ZTest>::default(),
        Box::<ranks::Ranks>::default(),
    ]
}
