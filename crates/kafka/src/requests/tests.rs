//! What Kafka's error codes mean to a reader.
//! No broker: the codes are given.

use std::sync::Arc;

use rdkafka::types::RDKafkaErrorCode as Code;

use super::{allowed, answered_error, topic_error};
use crate::error::{Attempt, Resource, SampleError};
use crate::ffi::raw::{CallError, OffsetRow};
use crate::snapshot::TopicPartition;

fn meaning(code: i32) -> SampleError {
    let error = CallError { code, detail: "as Kafka says".to_owned() };
    answered_error(Attempt::CommittedOffsets, "g", error)
}

#[test]
fn codes_of_calls() {
    let group = || "g".to_owned();
    assert_eq!(
        meaning(Code::GroupAuthorizationFailed as i32),
        SampleError::Unauthorized { what: Resource::Group(group()) }
    );
    assert_eq!(
        meaning(Code::TopicAuthorizationFailed as i32),
        SampleError::Unauthorized { what: Resource::Topics }
    );
    assert_eq!(meaning(Code::GroupIdNotFound as i32), SampleError::UnknownGroup { group: group() });
    let loading = meaning(Code::CoordinatorLoadInProgress as i32);
    assert_eq!(
        loading.to_string(),
        "reading the committed offsets: Kafka answered with error 14 (as Kafka says)"
    );
    assert!(loading.is_answer() && !meaning(Code::BadMessage as i32).is_answer());
}

#[test]
fn codes_of_topics() {
    let meaning = |code: Code| topic_error("t".to_owned(), code as i32);
    let missing = SampleError::MissingTopic { topic: "t".to_owned() };
    assert_eq!(meaning(Code::UnknownTopicOrPartition), missing);
    assert_eq!(meaning(Code::InvalidTopic), missing);
    let hidden = SampleError::Unauthorized { what: Resource::Topic("t".to_owned()) };
    assert_eq!(meaning(Code::TopicAuthorizationFailed), hidden);
    assert_eq!(meaning(Code::LeaderNotAvailable).name(), "Protocol");
}

#[test]
fn a_hidden_topic_is_an_error_and_a_moving_leader_is_not() {
    let row = |code: Code| OffsetRow {
        id: TopicPartition { topic: Arc::from("t"), partition: 0 },
        offset: None,
        code: code as i32,
    };
    let moving = vec![row(Code::NoError), row(Code::NotLeaderForPartition)];
    assert_eq!(allowed(moving.clone()), Ok(moving));
    let hidden = vec![row(Code::NoError), row(Code::TopicAuthorizationFailed)];
    let expected = SampleError::Unauthorized { what: Resource::Topic("t".to_owned()) };
    assert_eq!(allowed(hidden), Err(expected));
}

#[test]
fn names_are_distinct_and_messages_say_what_to_do() {
    let text = || "x".to_owned();
    let errors = [
        SampleError::Unreachable { servers: text(), detail: text() },
        SampleError::AuthenticationFailed { servers: text(), detail: text() },
        SampleError::TlsFailed { servers: text(), detail: text() },
        SampleError::Unauthorized { what: Resource::Topics },
        SampleError::UnknownGroup { group: text() },
        SampleError::MissingTopic { topic: text() },
        SampleError::TooManyPartitions { count: 2, limit: 1 },
        SampleError::KafkaClientCrashed { servers: text(), detail: text() },
        SampleError::Setup { detail: text() },
    ];
    let names: std::collections::BTreeSet<_> = errors.iter().map(SampleError::name).collect();
    assert_eq!(names.len(), errors.len());
    for error in errors {
        let message = error.to_string();
        let advice =
            message.contains("check ") || message.contains("grant ") || message.contains("list ");
        assert!(advice, "{message}");
    }
}
