//! Texts that strangers wrote: brokers, and who names a client. Cut and cleaned in this one place.
//! What a text means is not looked at.

use std::sync::Arc;

use crate::error::{GroupKind, Resource, SampleError};
use crate::notice::Line;
use crate::snapshot::Member;

/// Longest detail in characters: details end up in status fields and Events.
pub(crate) const LONGEST_DETAIL: usize = 240;
/// Longest line of librdkafka's log in characters.
const LONGEST_LINE: usize = 1_000;
/// Longest name in characters. Kafka's own names have 249 at most; a client's may have any length.
const LONGEST_NAME: usize = 512;
/// Longest protocol type or assignor in characters: those of Kafka's own have ten.
pub(crate) const LONGEST_PROTOCOL: usize = 64;
/// Longest list of addresses in characters, as `ClusterConfig` takes them.
const LONGEST_ADDRESSES: usize = 9_000;

/// The text without control characters, of so many characters at most.
pub(crate) fn cleaned(text: &str, longest: usize) -> String {
    let shown = |it: char| if it.is_control() { '\u{fffd}' } else { it };
    text.chars().take(longest).map(shown).collect()
}

/// A member whose texts are cleaned.
pub(crate) fn cleaned_member(member: Member) -> Member {
    let name = |it: &str| cleaned(it, LONGEST_NAME);
    Member {
        member_id: Arc::from(name(&member.member_id)),
        client_id: name(&member.client_id),
        instance_id: member.instance_id.as_deref().map(name),
        host: member.host,
        assignment: member.assignment,
    }
}

/// A topic's name, cleaned.
pub(crate) fn cleaned_topic(topic: &str) -> Arc<str> {
    Arc::from(cleaned(topic, LONGEST_NAME))
}

/// A line whose texts are cleaned.
pub(crate) fn cleaned_line(line: &Line) -> Line {
    Line {
        is_warning: line.is_warning,
        facility: cleaned(&line.facility, LONGEST_NAME),
        text: cleaned(&line.text, LONGEST_LINE),
    }
}

/// An error whose texts are cleaned.
pub(crate) fn cleaned_error(mut error: SampleError) -> SampleError {
    let clean = |text: &mut String, longest| *text = cleaned(text, longest);
    match &mut error {
        SampleError::Unreachable { servers, detail }
        | SampleError::AuthenticationFailed { servers, detail }
        | SampleError::TlsFailed { servers, detail }
        | SampleError::KafkaClientCrashed { servers, detail } => {
            clean(servers, LONGEST_ADDRESSES);
            clean(detail, LONGEST_DETAIL);
        }
        SampleError::Protocol { detail, .. } | SampleError::Setup { detail } => {
            clean(detail, LONGEST_DETAIL);
        }
        SampleError::UnknownGroup { group } => clean(group, LONGEST_NAME),
        SampleError::NotAConsumerGroup { group, kind } => {
            clean(group, LONGEST_NAME);
            match kind {
                GroupKind::Other(name) => clean(name, LONGEST_PROTOCOL),
                GroupKind::Connect | GroupKind::ShareOrStreams => {}
            }
        }
        SampleError::MissingTopic { topic } => clean(topic, LONGEST_NAME),
        SampleError::Unauthorized { what } => match what {
            Resource::Group(name) | Resource::Topic(name) => clean(name, LONGEST_NAME),
            Resource::Topics => {}
        },
        SampleError::TooManyPartitions { .. } | SampleError::Timeout { .. } => {}
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_hold_no_control_characters() {
        assert_eq!(cleaned("a\u{1b}[31m\r\nb", 99), "a\u{fffd}[31m\u{fffd}\u{fffd}b");
        assert_eq!(cleaned(&"é".repeat(1_000), 7), "é".repeat(7));
        let detail = "\0".repeat(10_000);
        let error = cleaned_error(SampleError::Setup { detail });
        assert_eq!(error, SampleError::Setup { detail: "\u{fffd}".repeat(LONGEST_DETAIL) });
    }
}
