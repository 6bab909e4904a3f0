//! Fleets of fake pods: what large fleets, slow starts and dead nodes are tried with is itself tried here, on small ones.
//! Their members are real; their pods exist in the API only.

use std::time::Duration;

use anyhow::Context as _;
use siskin_api::PromotionReason;
use siskin_e2e::scenario::event_log::View;
use siskin_e2e::scenario::history::State;
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{FakePods, RolloutSpec, Version, scenario};

#[test]
fn a_fleet_whose_pods_start_slowly_is_adopted_and_changed() {
    scenario(async |s| {
        let slow = FakePods::starting_in(Duration::from_secs(3));
        s.given().fake_consumers(12, slow).await?;
        s.given().an_adopted_fleet(6, &RolloutSpec::quick()).await?;
        s.given().a_record().await?;
        s.when().ships(&Version::good("2")).await?;
        s.then().promotes("2", PromotionReason::Passed).await
    });
}

#[test]
fn a_node_that_dies_takes_its_members_along_and_its_pods_stay_until_it_returns() {
    scenario(async |s| {
        s.given().fake_consumers(12, FakePods::default()).await?;
        s.given().an_adopted_fleet(6, &RolloutSpec::endless()).await?;
        let ready = |state: &State| state.pods_of(Part::Primary).filter(|(_, it)| it.ready).count();
        let node = s.when().a_fake_node_dies().await?;
        let lost = |view: View<'_>| (ready(view.state) < 6).then_some(());
        s.then().sees("pods that are not Ready", lost).await?;
        let name = s.log.look(|view| {
            let mut pods = view.state.pods_of(Part::Primary);
            pods.find(|(_, it)| !it.ready).map(|(name, _)| name.clone())
        });
        let name = name.context("a pod that is not Ready")?;
        s.when().deletes(ObjectKind::Pod, &name).await?;
        let leaving = |view: View<'_>| view.state.pods.get(&name)?.terminating.then_some(());
        s.then().sees("a pod that is to leave and can't", leaving).await?;
        s.when().a_fake_node_returns(node).await?;
        let gone = |view: View<'_>| {
            (!view.state.pods.contains_key(&name) && ready(view.state) == 6).then_some(())
        };
        s.then().sees("six Ready pods, without the one that was to leave", gone).await
    });
}
