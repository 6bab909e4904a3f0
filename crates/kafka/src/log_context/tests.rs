//! Which of librdkafka's complaints explains a failure, for how long, and how often it may talk.
//! No client; the callbacks are called directly.

use std::sync::Arc;

use futures::FutureExt;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::{Cause, LINES_PER_WINDOW, LineLimit, LogContext};
use crate::notice::traced;

fn context() -> LogContext {
    LogContext::new(Arc::default(), traced())
}

fn complain(context: &LogContext, code: Code, reason: &str) {
    context.error(KafkaError::Global(code), reason);
}

#[test]
fn the_most_telling_cause_is_kept_until_a_success() {
    let context = context();
    complain(&context, Code::AllBrokersDown, "1/1 brokers are down");
    assert_eq!(context.cause(), Some((Cause::AllDown, "1/1 brokers are down".to_owned())));
    complain(&context, Code::Authentication, "invalid credentials");
    complain(&context, Code::BrokerTransportFailure, "disconnected");
    complain(&context, Code::AllBrokersDown, "1/1 brokers are down");
    assert_eq!(context.cause(), Some((Cause::Authentication, "invalid credentials".to_owned())));
    context.succeeded();
    assert_eq!(context.cause(), None);
}

#[test]
fn the_newest_of_equal_causes_counts_and_others_do_not() {
    let context = context();
    complain(&context, Code::Resolve, "first");
    complain(&context, Code::BrokerTransportFailure, "second");
    complain(&context, Code::TopicAuthorizationFailed, "not about the connection");
    assert_eq!(context.cause(), Some((Cause::Transport, "second".to_owned())));
}

#[test]
fn a_certificate_that_the_broker_refuses_is_about_tls() {
    let context = context();
    let reason = "Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate";
    complain(&context, Code::BrokerTransportFailure, reason);
    assert_eq!(context.cause(), Some((Cause::Tls, reason.to_owned())));
}

#[test]
fn a_handshake_without_an_answer_is_no_refusal() {
    let context = context();
    let reason = "SASL PLAIN mechanism handshake failed: Local: Broker transport failure: \
                  broker's supported mechanisms: ";
    complain(&context, Code::Authentication, reason);
    assert_eq!(context.cause().map(|(cause, _)| cause), Some(Cause::Transport));
}

#[test]
fn a_broker_that_hangs_up_is_heard_from_the_log_alone() {
    let context = context();
    complain(&context, Code::AllBrokersDown, "1/1 brokers are down");
    context.log(RDKafkaLogLevel::Info, "CONNECT", "[thrd:main]: not about a failure");
    context.log(RDKafkaLogLevel::Info, "FAIL", "[thrd:b/bootstrap]: b: Disconnected");
    assert_eq!(context.cause(), Some((Cause::Transport, "b: Disconnected".to_owned())));
}

#[test]
fn details_are_short() {
    let context = context();
    complain(&context, Code::SSL, &"é".repeat(10_000));
    assert_eq!(context.cause().map(|(_, detail)| detail.chars().count()), Some(240));
}

/// Whether those who wait are told that no answer will come.
fn ends_waiting(context: &LogContext, complaints: &[(Code, &str)]) -> bool {
    let mut refused = std::pin::pin!(context.refused());
    assert!(refused.as_mut().now_or_never().is_none());
    for (code, reason) in complaints {
        complain(context, *code, reason);
    }
    refused.as_mut().now_or_never().is_some()
}

const BAD_PASSWORD: (Code, &str) = (Code::Authentication, "invalid credentials");
const BAD_CERTIFICATE: (Code, &str) = (Code::SSL, "certificate verify failed");
const ALL_DOWN: (Code, &str) = (Code::AllBrokersDown, "1/1 brokers are down");

#[test]
fn only_a_refusal_by_the_cluster_ends_the_waiting() {
    assert!(!ends_waiting(&context(), &[(Code::BrokerTransportFailure, "down"), ALL_DOWN]));
    assert!(!ends_waiting(&context(), &[BAD_CERTIFICATE]), "another broker may have a good one");
    assert!(ends_waiting(&context(), &[BAD_CERTIFICATE, ALL_DOWN]));
}

#[test]
fn credentials_that_were_never_taken_are_shown_once_and_those_that_were_to_every_broker() {
    assert!(ends_waiting(&context(), &[BAD_PASSWORD]));
    let known = context();
    known.succeeded();
    assert!(!ends_waiting(&known, &[BAD_PASSWORD]));
    assert!(ends_waiting(&known, &[ALL_DOWN]));
    known.succeeded();
    assert!(!ends_waiting(&known, &[ALL_DOWN]), "all is forgotten with an answer");
}

#[test]
fn lines_are_bounded_however_often_the_client_is_replaced() {
    let limit = Arc::new(LineLimit::default());
    let clients = [LogContext::new(Arc::clone(&limit), traced()), LogContext::new(limit, traced())];
    let forwarded =
        (0..1_000).flat_map(|_| &clients).filter(|client| client.limit.allows()).count();
    assert_eq!(u32::try_from(forwarded), Ok(LINES_PER_WINDOW));
}
