//! Autoscalers as they were seen: what each scales, whether it may be pointed at the `CanaryRollout`,
//! and whether it works there. What is done with them is decided elsewhere.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use strum::{EnumString, IntoStaticStr};

use crate::revision::NotA;

/// What a `CanaryRollout` can be scaled by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumString, IntoStaticStr)]
pub enum ScalerKind {
    /// One of Kubernetes itself, and of no `ScaledObject`.
    HorizontalPodAutoscaler,
    /// One of KEDA.
    ScaledObject,
}

/// An autoscaler by its name, written `<kind>/<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScalerName {
    /// Its kind.
    pub kind: ScalerKind,
    /// Its name in the namespace.
    pub name: Arc<str>,
}

impl fmt::Display for ScalerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", <&str>::from(self.kind), self.name)
    }
}

impl FromStr for ScalerName {
    type Err = NotA;

    fn from_str(text: &str) -> Result<Self, NotA> {
        let error = || NotA { expected: "<kind>/<name> of an autoscaler", found: text.into() };
        let (kind, name) = text.split_once('/').ok_or_else(error)?;
        let kind = kind.parse().map_err(|_| error())?;
        if name.is_empty() { Err(error()) } else { Ok(Self { kind, name: name.into() }) }
    }
}

/// What an autoscaler scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scales {
    /// The target.
    Target,
    /// The primary Deployment, whose count is not its to set while there is a `CanaryRollout`.
    Primary,
    /// The `CanaryRollout`.
    Rollout,
    /// Something else.
    Other,
}

/// Why an autoscaler is not pointed at the `CanaryRollout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// Its annotation `siskin.dev/scale-target: keep` says so.
    Keeps,
    /// A trigger reads the environment of the target's containers, which a `CanaryRollout` has not.
    ReadsEnvironment,
}

/// Whether an autoscaler works on the `CanaryRollout` that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has not said yet.
    Waiting {
        /// Since when it has named the `CanaryRollout`, as seen by this process.
        since: Timestamp,
    },
    /// It can read its scale.
    Serves,
    /// It says that it can't.
    Refuses,
}

/// One autoscaler of the target, of its primary or of the `CanaryRollout`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaler {
    /// Its kind and name.
    pub name: ScalerName,
    /// What it scales now.
    pub scales: Scales,
    /// Whether its annotation says that it was taken over from the target.
    pub marked: bool,
    /// Why it is not taken over.
    pub bar: Option<Bar>,
    /// Whether it works on the `CanaryRollout`; of no meaning while it names something else.
    pub answer: Answer,
    /// Its own words on that, bounded.
    pub says: Option<Arc<str>>,
    /// What it and the `CanaryRollout` are asked to do, without what Siskin itself writes there: who
    /// was declined is asked again once this has changed.
    pub version: u64,
}

/// The autoscalers that matter to a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Autoscalers {
    /// Nobody could say: not asked, or not answered.
    Unknown,
    /// These, and no others.
    Known {
        /// In the order of their names.
        all: Vec<Scaler>,
        /// A vertical autoscaler acts on the target; of no meaning once that is adopted.
        vertical: bool,
    },
}

/// The autoscaler that was taken over, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its kind and name.
    pub scaler: ScalerName,
    /// Whether it has worked on the `CanaryRollout`: from then on what it complains of is no reason
    /// to give it back.
    pub answered: bool,
}

/// An autoscaler that did not work on the `CanaryRollout` and was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declined {
    /// Its version then.
    pub version: u64,
    /// What it said.
    pub says: Arc<str>,
}

/// Why a target that is autoscaled is not, or not wholly, in the care of its `CanaryRollout`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InTheWay {
    /// More than one autoscaler of the same pods.
    Several(Vec<ScalerName>),
    /// One that must not be pointed elsewhere.
    Barred(ScalerName, Bar),
    /// One that did not work on the `CanaryRollout`.
    Declined(ScalerName, Arc<str>),
    /// A vertical autoscaler of the target: it finds its pods by their Deployment, and would lose
    /// them.
    Vertical,
}

impl Autoscalers {
    /// None at all.
    pub const NONE: Self = Self::Known { all: Vec::new(), vertical: false };

    /// Those that are known.
    #[must_use]
    pub fn all(&self) -> &[Scaler] {
        match self {
            Self::Unknown => &[],
            Self::Known { all, .. } => all,
        }
    }

    /// Whether one is known to scale the target itself.
    pub(crate) fn scale_target(&self) -> bool {
        self.all().iter().any(Scaler::is_rival)
    }

    /// Whether it is known that none scales the target itself.
    pub(crate) fn spare_target(&self) -> bool {
        *self != Self::Unknown && !self.scale_target()
    }

    /// The one of this name.
    pub(crate) fn find(&self, name: &ScalerName) -> Option<&Scaler> {
        self.all().iter().find(|it| it.name == *name)
    }

    /// Those that scale the `CanaryRollout`.
    pub(crate) fn on_rollout(&self) -> impl Iterator<Item = &Scaler> {
        self.all().iter().filter(|it| it.scales == Scales::Rollout)
    }
}

impl Scaler {
    /// Whether it scales pods that are the `CanaryRollout`'s to count.
    pub(crate) const fn is_rival(&self) -> bool {
        match self.scales {
            Scales::Target | Scales::Primary => true,
            Scales::Rollout | Scales::Other => false,
        }
    }
}
