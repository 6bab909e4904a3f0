//! Twenty versions in a row that differ in nothing but their name: each is promoted on its evidence,
//! and none is ever rolled back.

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;
use siskin_api::{Phase, PromotionReason};
use siskin_e2e::scenario::cases::Case;
use siskin_e2e::scenario::{Version, scenario};

use crate::figures;
use crate::knobs::{adopted, by_metrics, patient};

/// Rollouts in a row.
const ROLLOUTS: usize = 20;

/// A proof of several thousand messages, and a promotion.
const WITHIN: Duration = Duration::from_secs(400);

/// A healthy fleet.
struct Fleet {
    name: &'static str,
    protocol: &'static str,
    /// Records a second; three pods share them.
    rate: u32,
    work: &'static str,
    metrics: bool,
}

const FLEETS: [Fleet; 5] = [
    Fleet { name: "metrics", protocol: "consumer", rate: 300, work: "1ms", metrics: true },
    Fleet { name: "lag-alone", protocol: "classic", rate: 60, work: "1ms", metrics: false },
    Fleet { name: "lag-alone", protocol: "consumer", rate: 60, work: "1ms", metrics: false },
    // 40 records a second and pod, of 57 that it could do.
    Fleet { name: "utilisation-70", protocol: "classic", rate: 120, work: "17ms", metrics: false },
    Fleet { name: "utilisation-70", protocol: "consumer", rate: 120, work: "17ms", metrics: false },
];

/// A row per fleet.
pub fn cases() -> Vec<Case> {
    let case = |fleet: &'static Fleet| {
        let name = format!("identical/{}/{}", fleet.name, fleet.protocol);
        Case::new(name, move || play(fleet))
    };
    FLEETS.iter().map(case).collect()
}

fn play(fleet: &'static Fleet) -> String {
    let mut measured = String::new();
    scenario(async |s| {
        let steps = json!([{"weight": 34, "hold": "5s"}]);
        let spec = patient(&steps).strategy("maxHold", "10m");
        let url = s.run.bed.prometheus_url();
        let spec = if fleet.metrics { by_metrics(spec, &url) } else { spec };
        s.given().a_setting("GROUP_PROTOCOL", fleet.protocol);
        s.given().a_setting("WORK_PER_MESSAGE", fleet.work);
        s.given().a_rate(fleet.rate);
        adopted(s, &spec).await?;
        s.given().a_record_of(Duration::from_secs(75)).await?;
        let begun = std::time::Instant::now();
        for number in 1..=ROLLOUTS {
            let version = format!("1.{number}");
            s.when().ships(&Version::good(&version)).await?;
            s.then().promotes_within(WITHIN, &version, PromotionReason::Passed).await?;
        }
        let rolled_back = figures::times(s, Phase::RollingBack);
        ensure!(rolled_back == 0, "{rolled_back} healthy versions were rolled back");
        let each = begun.elapsed().as_secs_f64() / 20.0;
        measured = format!("{ROLLOUTS} promoted, 0 rolled back, {each:.0} s each");
        Ok(())
    });
    measured
}
