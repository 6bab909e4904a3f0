//! Listens to librdkafka, which tells why a connection failed only in its log and error callbacks.
//! Forwards lines at a bounded rate; keeps the one cause that explains a failed call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::foreign::{LONGEST_DETAIL, cleaned};
use crate::notice::{Line, Notice, Notices};

/// How long a cause explains failed calls. librdkafka repeats an unchanged error of a broker only
/// every 30 s: a cause must outlive that, and not much more, or it would explain a later failure
/// of another kind.
const CAUSE_LIFETIME: Duration = Duration::from_secs(60);
/// Most lines forwarded in one [`LINE_WINDOW`]: an unreachable cluster makes several a second, and
/// a reader needs the first few.
const LINES_PER_WINDOW: u32 = 10;
/// Span in which at most [`LINES_PER_WINDOW`] lines are forwarded.
const LINE_WINDOW: Duration = Duration::from_secs(60);
/// librdkafka's facility for connections that failed.
const FAILED_CONNECTION: &str = "FAIL";
/// Part of the text of every error that comes from OpenSSL.
const OPENSSL_ERROR: &str = "SSL routines:";
/// Part of the text of a SASL handshake that librdkafka itself broke off, for want of an answer.
const BROKEN_OFF: &str = "failed: Local: ";

/// Why connections fail, from the least to the most telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// All brokers are down: a summary, without a reason.
    AllDown,
    /// A name could not be resolved, or a connection not be made or kept.
    Transport,
    /// The TLS handshake failed.
    Tls,
    /// The credentials were refused.
    Authentication,
}

/// The receiver of librdkafka's callbacks, one per client.
pub(crate) struct LogContext {
    heard: Mutex<Heard>,
    refused: Notify,
    limit: Arc<LineLimit>,
    notices: Notices,
}

/// What was heard since the last answer.
#[derive(Debug, Default)]
struct Heard {
    cause: Option<NotedCause>,
    /// Whether all brokers were down at once.
    all_down: bool,
    /// Whether a call was ever answered.
    answered: bool,
}

#[derive(Debug)]
struct NotedCause {
    cause: Cause,
    detail: String,
    since: Instant,
}

/// Limit of forwarded lines, shared by the clients of one cluster. Clients are replaced in an outage: the
/// limit outlives them.
#[derive(Debug, Default)]
pub(crate) struct LineLimit(Mutex<Option<LineWindow>>);

#[derive(Debug)]
struct LineWindow {
    since: Instant,
    lines: u32,
}

impl LineLimit {
    /// Whether one more line may be forwarded now.
    fn allows(&self) -> bool {
        let mut window = self.0.lock();
        let now = Instant::now();
        if window.as_ref().is_none_or(|window| now.duration_since(window.since) >= LINE_WINDOW) {
            *window = Some(LineWindow { since: now, lines: 0 });
        }
        window.as_mut().is_some_and(|window| {
            window.lines = window.lines.saturating_add(1);
            window.lines <= LINES_PER_WINDOW
        })
    }
}

impl LogContext {
    /// Callbacks of one client; the clients of one cluster share `limit`.
    pub(crate) fn new(limit: Arc<LineLimit>, notices: Notices) -> Self {
        Self { heard: Mutex::default(), refused: Notify::new(), limit, notices }
    }

    /// The most telling cause since the last success, with librdkafka's text.
    pub(crate) fn cause(&self) -> Option<(Cause, String)> {
        let heard = self.heard.lock();
        let noted = heard.lasting()?;
        Some((noted.cause, noted.detail.clone()))
    }

    /// Forgets the cause: a call was answered, so whatever was wrong is over.
    pub(crate) fn succeeded(&self) {
        *self.heard.lock() = Heard { answered: true, ..Heard::default() };
    }

    /// Ends when no answer can come any more: see [`Heard::is_refused`].
    pub(crate) fn refused(&self) -> Notified<'_> {
        self.refused.notified()
    }

    fn note(&self, cause: Option<Cause>, detail: &str) {
        let Some(cause) = cause else { return };
        let mut heard = self.heard.lock();
        heard.all_down |= cause == Cause::AllDown;
        if heard.lasting().is_none_or(|it| it.cause <= cause) {
            let detail = cleaned(detail, LONGEST_DETAIL);
            heard.cause = Some(NotedCause { cause, detail, since: Instant::now() });
        }
        let is_refused = heard.is_refused();
        drop(heard);
        if is_refused {
            self.refused.notify_waiters();
        }
    }
}

impl Heard {
    fn lasting(&self) -> Option<&NotedCause> {
        self.cause.as_ref().filter(|it| it.since.elapsed() < CAUSE_LIFETIME)
    }

    /// Whether the cluster as a whole refuses us. One broker that does keeps up those who ask it,
    /// and nobody else; but credentials that were never taken are not shown to every broker.
    fn is_refused(&self) -> bool {
        self.lasting().is_some_and(|it| match it.cause {
            Cause::Authentication => self.all_down || !self.answered,
            Cause::Tls => self.all_down,
            Cause::Transport | Cause::AllDown => false,
        })
    }
}

impl ClientContext for LogContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        if facility == FAILED_CONNECTION {
            // Some of these come without an error event: a broker that hangs up, as one does that
            // expects TLS.
            let words = line.split_once("]: ").map_or(line, |(_thread, words)| words);
            self.note(cause_of(RDKafkaErrorCode::BrokerTransportFailure, words), words);
        }
        if !self.limit.allows() {
            return;
        }
        let is_warning = match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => true,
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => false,
            // Not asked for.
            RDKafkaLogLevel::Debug => return,
        };
        let (facility, text) = (facility.to_owned(), line.to_owned());
        (self.notices)(Notice::Line(Line { is_warning, facility, text }));
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if let Some(code) = error.rdkafka_error_code() {
            self.note(cause_of(code, reason), reason);
        }
    }
}

impl ProducerContext for LogContext {
    type DeliveryOpaque = ();

    /// Nothing is ever produced.
    fn delivery(&self, _: &DeliveryResult<'_>, _opaque: Self::DeliveryOpaque) {}
}

fn cause_of(code: RDKafkaErrorCode, reason: &str) -> Option<Cause> {
    const CAUSES: [(RDKafkaErrorCode, Cause); 6] = [
        (RDKafkaErrorCode::Authentication, Cause::Authentication),
        (RDKafkaErrorCode::SaslAuthenticationFailed, Cause::Authentication),
        (RDKafkaErrorCode::SSL, Cause::Tls),
        (RDKafkaErrorCode::BrokerTransportFailure, Cause::Transport),
        (RDKafkaErrorCode::Resolve, Cause::Transport),
        (RDKafkaErrorCode::AllBrokersDown, Cause::AllDown),
    ];
    let (_, cause) = CAUSES.iter().find(|(known, _)| *known == code)?;
    if reason.contains(OPENSSL_ERROR) {
        // With TLS 1.3 a broker refuses our certificate only after the handshake, and librdkafka
        // calls that a transport failure.
        Some(Cause::Tls)
    } else if *cause == Cause::Authentication && reason.contains(BROKEN_OFF) {
        Some(Cause::Transport)
    } else {
        Some(*cause)
    }
}

#[cfg(test)]
mod tests;
