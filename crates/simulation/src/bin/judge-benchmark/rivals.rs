//! The judges that Siskin is compared with: those that tools have, with the settings their
//! documentation suggests, and stronger ones that anybody could build from a textbook.
//! They get the same observations, as views; the stronger ones see the record before the trial, too.

mod burrow;
mod cusum;
mod likelihood;
mod ranks;
pub mod rival;
mod small;
mod thresholds;
mod ztest;

use crate::rivals::rival::Rival;

/// Their names in the tables, in the order of [`all`].
pub const NAMES: [&str; 13] = [
    "Flagger",
    "Argo",
    "Aviary",
    "Burrow",
    "z-test",
    "Kayenta",
    "thresholds from the record",
    "Kayenta, best practice",
    "likelihood ratio",
    "likelihood ratio, margin",
    "group-sequential",
    "CUSUM",
    "small judge",
];

/// Where the stronger ones begin.
pub const STRONGER: usize = 6;

/// One of each.
pub fn all() -> [Box<dyn Rival>; NAMES.len()] {
    [
        Box::new(thresholds::Thresholds::flagger()),
        Box::new(thresholds::Thresholds::argo()),
        Box::new(thresholds::Thresholds::aviary()),
        Box::<burrow::Burrow>::default(),
        Box::new(ztest::ZTest::at_every_poll()),
        Box::new(ranks::Ranks::quick()),
        Box::new(thresholds::Thresholds::from_record()),
        Box::new(ranks::Ranks::by_best_practice()),
        Box::new(likelihood::Likelihood::strict()),
        Box::new(likelihood::Likelihood::with_margin()),
        Box::new(ztest::ZTest::group_sequential()),
        Box::<cusum::Cusum>::default(),
        Box::<small::Small>::default(),
    ]
}
