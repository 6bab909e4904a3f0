//! The two Deployments of each course: generated, or written by hand and given another image.
//! What becomes of them is played in `course`.

use anyhow::Result;
use kube::api::DynamicObject;

use super::course::{Course, Played};
use super::manifest::{self, Promotion};
use super::members::Members;
use super::plan::Plan;
use super::playground::{NODES, Playground};
use crate::manifests::{Shape, accepted};

/// Consumers of a course that has a trial: two of each role, half-way.
const CONSUMERS: u32 = 4;

/// Plays the course of this number with two generated Deployments.
pub(super) async fn generated(ground: &Playground, plan: Plan, number: u64) -> Result<Played> {
    let mut played = Played::default();
    let by = if Plan::is_tried(number) { Promotion::Trial } else { Promotion::Bypass };
    let Some(first) = taken(ground, Made { plan, number, version: 0 }, by, &mut played).await?
    else {
        return Ok(played);
    };
    let Some(mut second) =
        taken(ground, Made { plan, number, version: 1 }, by, &mut played).await?
    else {
        return Ok(played);
    };
    if first.data["spec"]["template"] == second.data["spec"]["template"] {
        change_image(&mut second);
    }
    course(ground, first, second, by).play(&mut played).await.map(|()| played)
}

/// A generated Deployment as the API server takes it, if it does.
async fn taken(
    ground: &Playground,
    made: Made,
    by: Promotion,
    played: &mut Played,
) -> Result<Option<DynamicObject>> {
    let name = format!("t{}", made.number);
    let seed = made.seed();
    let sure = usize::try_from(made.turn() % u64::try_from(ground.fields.len())?)?;
    let node = format!("fake-{}", 1 + made.number % NODES);
    let shape = Shape::of(&ground.schemas, seed, &ground.fields[sure]).deployment(&name, &node);
    let mut manifest = manifest::object(&name, &ground.namespace, shape);
    if by == Promotion::Trial {
        let (group, version) = (ground.group(&name), made.version.to_string());
        Members::join(&mut manifest, &group, &ground.bootstrap, &version, CONSUMERS);
    }
    let answer = accepted(&ground.client, &ground.namespace, manifest).await?;
    played.asked += 1;
    match &answer.manifest {
        Some(_) => played.mended += u32::from(!answer.refusals.is_empty()),
        None => played.refused.push(format!("{name}, seed {seed}, with {}", ground.fields[sure])),
    }
    played.refusals.extend(answer.refusals);
    Ok(answer.manifest.map(|it| *it))
}

/// Plays the course of a Deployment that was written by hand, with a new image as its change.
pub(super) async fn written(ground: &Playground, manifest: DynamicObject) -> Result<Played> {
    let mut first = manifest.within(&ground.namespace);
    first.data["spec"]["template"]["spec"]["nodeName"] = "fake-1".into();
    let mut second = first.clone();
    change_image(&mut second);
    let mut played = Played { asked: 2, ..Played::default() };
    course(ground, first, second, Promotion::Bypass).play(&mut played).await.map(|()| played)
}

fn course(
    ground: &Playground,
    first: DynamicObject,
    second: DynamicObject,
    by: Promotion,
) -> Course<'_> {
    let name = first.metadata.name.clone().unwrap_or_default();
    Course { ground, group: ground.group(&name), name, first, second, promotion: by }
}

/// Which Deployment is made: the version of a course.
#[derive(Clone, Copy)]
struct Made {
    plan: Plan,
    number: u64,
    /// 0 or 1.
    version: u64,
}

impl Made {
    fn seed(self) -> u64 {
        let of_course = self.plan.seed.wrapping_mul(1_000_003).wrapping_add(self.number);
        if self.version == 0 { of_course } else { !of_course }
    }

    /// Every field has its turn, and samples of other seeds begin with others.
    fn turn(self) -> u64 {
        let first = self.plan.seed.wrapping_mul(7);
        first.wrapping_add(2 * self.number + self.version)
    }
}

fn change_image(manifest: &mut DynamicObject) {
    manifest.data["spec"]["template"]["spec"]["containers"][0]["image"] = "localhost/next:2".into();
}
