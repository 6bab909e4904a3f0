//! The life of one admin call: options, reply queue, wake-up, answer, each freed exactly once.
//! Knows no particular API; reads no answer.

use std::ffi::{CString, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::ffi::raw::{CallError, INVALID_ARGUMENT, TIMED_OUT};
use crate::ffi::read;
use crate::handle::Handle;
use crate::snapshot::TopicPartition;

/// Last part of a deadline in which librdkafka's own has passed: it can tell which partitions were
/// answered in time.
const GRACE: Duration = Duration::from_millis(500);
/// Longest request timeout that librdkafka takes, one hour in milliseconds: it is never reached,
/// because our deadline comes first and then destroys the client.
const LONGEST_REQUEST_TIMEOUT: c_int = 3_600_000;

/// A call on its way. Dropping it forgets the answer.
pub(super) struct Call {
    options: NonNull<sys::rd_kafka_AdminOptions_t>,
    queue: NonNull<sys::rd_kafka_queue_t>,
    /// Told by librdkafka's thread that the queue has something. Its address is with the queue:
    /// it must outlive the queue's callback.
    woken: Arc<Notify>,
    deadline: Duration,
    recipient: Recipient,
    answered: bool,
    /// The client must outlive its queues.
    handle: Arc<Handle>,
}

/// Brokers that a call goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recipient {
    /// The coordinator of a group. Giving up such a call takes the client with it, see
    /// [`Handle::retire`].
    Coordinator,
    /// Any broker, or the leaders of partitions.
    Brokers,
}

// SAFETY: librdkafka's queues and options may be used from any thread, one at a time for options;
// `Call` is not `Sync`, so there is one user at a time.
unsafe impl Send for Call {}

impl Call {
    /// Prepares a call of one admin API: its options and its reply queue.
    pub(super) fn new(
        handle: &Arc<Handle>,
        api: sys::rd_kafka_admin_op_t,
        recipient: Recipient,
        deadline: Duration,
    ) -> Result<Self, CallError> {
        let handle = Arc::clone(handle);
        // SAFETY: the client is alive: `handle` is.
        let options = unsafe { sys::rd_kafka_AdminOptions_new(handle.native(), api) };
        let options = NonNull::new(options).ok_or_else(|| refused("unknown admin operation"))?;
        // SAFETY: the client is alive: `handle` is.
        let queue = unsafe { sys::rd_kafka_queue_new(handle.native()) };
        let queue = NonNull::new(queue).ok_or_else(|| refused("no reply queue"))?;
        let woken = Arc::new(Notify::new());
        let call = Self { options, queue, woken, deadline, recipient, answered: false, handle };
        let milliseconds = match recipient {
            Recipient::Coordinator => LONGEST_REQUEST_TIMEOUT,
            Recipient::Brokers => {
                let own = deadline.saturating_sub(GRACE).max(deadline / 2);
                c_int::try_from(own.as_millis()).unwrap_or(c_int::MAX)
            }
        };
        // SAFETY: options and queue are alive. An error text is not asked for. The callback's
        // argument lives as long as `call`, whose drop removes the callback first.
        unsafe {
            // Fails only for an API without this option; every API has it.
            sys::rd_kafka_AdminOptions_set_request_timeout(
                call.options(),
                milliseconds,
                ptr::null_mut(),
                0,
            );
            let woken = Arc::as_ptr(&call.woken).cast_mut().cast::<c_void>();
            sys::rd_kafka_queue_cb_event_enable(call.queue(), Some(wake), woken);
        }
        Ok(call)
    }

    /// Sets which records count as the end of a log.
    pub(super) fn set_isolation(
        &mut self,
        isolation: sys::rd_kafka_IsolationLevel_t,
    ) -> Result<(), CallError> {
        // SAFETY: the options are alive; an error is owned here and destroyed once.
        unsafe {
            let error = sys::rd_kafka_AdminOptions_set_isolation_level(self.options(), isolation);
            let outcome = read::check(error);
            if !error.is_null() {
                sys::rd_kafka_error_destroy(error);
            }
            outcome
        }
    }

    pub(super) fn client(&self) -> *mut sys::rd_kafka_t {
        self.handle.native()
    }

    pub(super) fn options(&self) -> *mut sys::rd_kafka_AdminOptions_t {
        self.options.as_ptr()
    }

    pub(super) fn queue(&self) -> *mut sys::rd_kafka_queue_t {
        self.queue.as_ptr()
    }

    /// Waits for the answer without blocking a thread. Cancel safe: the answer is then dropped.
    pub(super) async fn answer(mut self) -> Result<Answer, CallError> {
        let until = Instant::now() + self.deadline;
        let woken = Arc::clone(&self.woken);
        loop {
            if let Some(event) = self.poll() {
                self.answered = true;
                let answer = Answer { event, _call: self };
                // SAFETY: the event is alive as long as `answer`.
                unsafe { read::check_event(answer.event()) }?;
                return Ok(answer);
            }
            if timeout_at(until, woken.notified()).await.is_err() {
                return Err(CallError { code: TIMED_OUT, detail: "no answer".to_owned() });
            }
        }
    }

    fn poll(&self) -> Option<Event> {
        // SAFETY: the queue is alive; a time limit of 0 never blocks.
        NonNull::new(unsafe { sys::rd_kafka_queue_poll(self.queue(), 0) }).map(Event)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        match self.recipient {
            Recipient::Coordinator if !self.answered => self.handle.retire(),
            Recipient::Coordinator | Recipient::Brokers => {}
        }
        // SAFETY: each is destroyed once. Removing the callback takes the queue's lock, under
        // which the callback runs: afterwards nobody uses `woken` any more.
        unsafe {
            sys::rd_kafka_queue_cb_event_enable(self.queue(), None, ptr::null_mut());
            sys::rd_kafka_queue_destroy(self.queue());
            sys::rd_kafka_AdminOptions_destroy(self.options());
        }
    }
}

/// An answer; what is read from it must be copied before it is dropped.
pub(super) struct Answer {
    // Before the call: the event goes first.
    event: Event,
    _call: Call,
}

impl Answer {
    pub(super) fn event(&self) -> *mut sys::rd_kafka_event_t {
        self.event.0.as_ptr()
    }
}

struct Event(NonNull<sys::rd_kafka_event_t>);

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: it came from a poll, which gave it away, and is destroyed once.
        unsafe { sys::rd_kafka_event_destroy(self.0.as_ptr()) }
    }
}

/// Partitions as librdkafka takes them.
pub(super) struct PartitionList(NonNull<sys::rd_kafka_topic_partition_list_t>);

impl PartitionList {
    /// Copies the partitions, each with `offset` if there is one.
    pub(super) fn new(
        partitions: &[TopicPartition],
        offset: Option<i64>,
    ) -> Result<Self, CallError> {
        let size = c_int::try_from(partitions.len()).map_err(|_| refused("too many partitions"))?;
        // SAFETY: no precondition but a size that is not negative.
        let list = unsafe { sys::rd_kafka_topic_partition_list_new(size) };
        let list = Self(NonNull::new(list).ok_or_else(|| refused("no partition list"))?);
        for id in partitions {
            let topic = c_string(&id.topic)?;
            // SAFETY: the list is alive and copies the name; the new element is valid until the
            // next one is added.
            unsafe {
                let element = sys::rd_kafka_topic_partition_list_add(
                    list.as_ptr(),
                    topic.as_ptr(),
                    id.partition,
                );
                if let Some(offset) = offset {
                    (*element).offset = offset;
                }
            }
        }
        Ok(list)
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_topic_partition_list_t {
        self.0.as_ptr()
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: owned here and destroyed once; librdkafka only copies it.
        unsafe { sys::rd_kafka_topic_partition_list_destroy(self.as_ptr()) }
    }
}

/// A name that librdkafka can take.
pub(super) fn c_string(text: &str) -> Result<CString, CallError> {
    CString::new(text).map_err(|_| refused("a name holds a NUL byte"))
}

/// Runs on librdkafka's thread, under the queue's lock: it may only wake.
unsafe extern "C" fn wake(_: *mut sys::rd_kafka_t, woken: *mut c_void) {
    // SAFETY: `Call::new` passed a pointer to a `Notify`, which outlives this callback.
    let woken = unsafe { &*woken.cast_const().cast::<Notify>() };
    woken.notify_one();
}

fn refused(detail: &str) -> CallError {
    CallError { code: INVALID_ARGUMENT, detail: detail.to_owned() }
}
