//! Why a group is described to nobody: there is none, or it is of another kind than consumers have.
//! Asks seldom, for each broker answers with all of its groups; reads no member.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::error::{GroupKind, SampleError};
use crate::requests::Requests;

/// An answer is good for this long: six samples at the usual interval.
const GOOD_FOR: Duration = Duration::from_secs(60);
/// Brokers that did not answer are not asked again for this long: a list may be longer than what the
/// client takes, and then costs the connection, and with it the samples of other groups.
const NOT_AGAIN_FOR: Duration = Duration::from_secs(3_600);

/// Groups that were described to nobody lately.
#[derive(Default)]
pub(crate) struct AbsentGroups(Mutex<HashMap<String, Listed>>);

/// What the lists of all brokers said of a group.
struct Listed {
    until: Instant,
    /// Whether there is a group of that name, of another kind.
    is_foreign: bool,
}

impl AbsentGroups {
    /// Why this group was described as dead.
    pub(crate) async fn explain(&self, requests: &Requests, group: &str) -> SampleError {
        let is_foreign = match self.known(group) {
            Some(it) => it,
            None => self.ask(requests, group).await,
        };
        let group = group.to_owned();
        if is_foreign {
            SampleError::NotAConsumerGroup { group, kind: GroupKind::ShareOrStreams }
        } else {
            SampleError::UnknownGroup { group }
        }
    }

    fn known(&self, group: &str) -> Option<bool> {
        let now = Instant::now();
        let mut known = self.0.lock();
        known.retain(|_, it| now < it.until);
        known.get(group).map(|it| it.is_foreign)
    }

    async fn ask(&self, requests: &Requests, group: &str) -> bool {
        let answer = requests.lists_foreign(group).await;
        let good_for = if answer.is_some() { GOOD_FOR } else { NOT_AGAIN_FOR };
        let is_foreign = answer.unwrap_or(false);
        let listed = Listed { until: Instant::now() + good_for, is_foreign };
        self.0.lock().insert(group.to_owned(), listed);
        is_foreign
    }
}
