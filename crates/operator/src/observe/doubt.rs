//! Whether a template that looks new is a version of its own: a question that is still under way.
//! Knows no template and asks nobody; whoever waits for the answer drives it.

use std::fmt::{self, Debug, Formatter};
use std::future::Future;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

/// Whether a template is a version of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// It is.
    New,
    /// It is what the cluster makes of one that is known: the next look takes it for that.
    Known,
    /// The API server was asked, and did not answer.
    Unanswered,
}

/// The question whether a template that looks new is, under way for as long as anybody waits for it.
#[derive(Clone)]
pub struct Doubt(Shared<BoxFuture<'static, Novelty>>);

impl Doubt {
    /// The doubt that `answer` ends.
    pub(crate) fn until(answer: impl Future<Output = Novelty> + Send + 'static) -> Self {
        Self(answer.boxed().shared())
    }

    /// The answer.
    pub(crate) async fn novelty(&self) -> Novelty {
        self.0.clone().await
    }
}

impl Debug for Doubt {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Doubt").field(&self.0.peek()).finish()
    }
}
