//! The name of a rollout: all that a pass is asked for by. An event says *look*, never *do*.
//! Holds no content.

use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc;

/// Namespace and name of a `CanaryRollout`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
}

impl Name {
    /// A name from its parts.
    #[must_use]
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Asks for passes from outside the watches: samples, and the moment of becoming the leader.
///
/// Unbounded, yet small: the queue behind it keeps each name once.
#[derive(Clone, Debug)]
pub struct Trigger(mpsc::UnboundedSender<Name>);

impl Trigger {
    /// A trigger and the names it asks for.
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Name>) {
        let (sender, names) = mpsc::unbounded_channel();
        (Self(sender), names)
    }

    /// Asks for a pass of this rollout.
    pub fn ask(&self, name: Name) {
        // Fails only when the queue has ended, and then so does the process.
        self.0.send(name).ok();
    }
}
