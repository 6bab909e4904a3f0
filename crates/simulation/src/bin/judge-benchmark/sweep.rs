//! The sweep of effect sizes: one kind of fault after the other, from subtle to gross.
//! It has seeds of its own, so that it can't be chosen by what the tables showed.

use crate::base::{ALWAYS, BASE};
use crate::figures::Figures;
use crate::scenario::{Fault, Scenario};

/// Effects of one kind.
#[derive(Clone, Debug)]
pub struct Family {
    name: &'static str,
    axis: &'static str,
    key: &'static str,
    load: f64,
    sizes: &'static [f64],
    fault: fn(f64) -> Fault,
}

/// What came of one kind.
#[derive(Clone, Debug)]
pub struct Swept {
    /// For people.
    pub name: &'static str,
    /// What the size is, with its unit.
    pub axis: &'static str,
    /// For the CSV.
    pub key: &'static str,
    pub points: Vec<Point>,
}

/// What came of one size.
#[derive(Clone, Debug)]
pub struct Point {
    pub size: f64,
    pub figures: Figures,
}

/// All kinds, each from the beginning of the trial.
pub const FAMILIES: [Family; 3] = [
    Family {
        name: "More errors (usual: 1 % of the messages)",
        axis: "errors of the canary, times the usual ones",
        key: "errors, times usual",
        load: BASE.load,
        sizes: &[1.25, 1.5, 2.0, 3.0, 5.0, 10.0],
        fault: |ratio| Fault::Errors(ratio, ALWAYS),
    },
    Family {
        name: "Too little capacity (load 0.95)",
        axis: "capacity that lacks, % of what arrives",
        key: "capacity deficit, %",
        // Where so little is spare, a deficit is all that makes the canary slower. At a lower load
        // the same deficit would be a pod at half its speed, which any histogram shows.
        load: 0.95,
        sizes: &[5.0, 10.0, 15.0, 20.0, 30.0, 50.0],
        fault: |percent| Fault::Deficit(1.0 - percent / 100.0),
    },
    Family {
        name: "Lost messages",
        axis: "messages lost, %",
        key: "loss, %",
        load: BASE.load,
        sizes: &[0.2, 0.5, 1.0, 2.0, 5.0],
        fault: |percent| Fault::Drops(percent / 100.0),
    },
];

/// The scenarios of all sizes, in order.
pub fn scenarios() -> Vec<Scenario> {
    let all =
        FAMILIES.iter().flat_map(|family| family.sizes.iter().map(move |size| (family, *size)));
    all.map(|(family, size)| Scenario {
        name: family.key,
        bad: true,
        load: family.load,
        fault: (family.fault)(size),
        ..BASE
    })
    .collect()
}

/// Sorts the figures of [`scenarios`] by kind and size.
pub fn sort(figures: Vec<Figures>) -> Vec<Swept> {
    let mut figures = figures.into_iter();
    let swept = |family: &Family| {
        let points = family.sizes.iter().zip(figures.by_ref());
        let points = points.map(|(size, figures)| Point { size: *size, figures }).collect();
        Swept { name: family.name, axis: family.axis, key: family.key, points }
    };
    FAMILIES.iter().map(swept).collect()
}
