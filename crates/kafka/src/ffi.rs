//! The admin calls that rdkafka does not wrap, made through its bindings; all unsafe code there is.
//! Copies every answer into owned data; decides nothing about what an answer means.
#![allow(unsafe_code)]

mod call;
pub(crate) mod raw;
mod read;

use std::ffi::{CString, c_char, c_int};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as sys;
use sys::rd_kafka_IsolationLevel_t as Isolation;
use sys::rd_kafka_OffsetSpec_t as OffsetSpec;
use sys::rd_kafka_admin_op_t as Api;

use crate::ffi::call::{Call, PartitionList, Recipient, c_string};
use crate::ffi::raw::{CallError, LogOffset, OffsetRow, RawGroup, TopicRow};
use crate::handle::Handle;
use crate::snapshot::TopicPartition;

// Declared here for its return value, which the bindings have as an enum with gaps: see `read`.
unsafe extern "C" {
    fn rd_kafka_list_groups(
        client: *mut sys::rd_kafka_t,
        group: *const c_char,
        list: *mut *const sys::rd_kafka_group_list,
        deadline: c_int,
    ) -> c_int;
}

/// State and members of one group; `RawState::Dead` without members if there is no such group.
pub(crate) async fn describe_group(
    handle: &Arc<Handle>,
    group: &str,
    deadline: Duration,
) -> Result<RawGroup, CallError> {
    let call = submit_describe_group(handle, &c_string(group)?, deadline)?;
    let answer = call.answer().await?;
    // SAFETY: the answer is of this API and outlives the reading, which copies.
    unsafe { read::group(answer.event()) }
}

/// State of a group of any kind that a broker lists, as its coordinator tells it to clients of the
/// classic protocol: `Dead` if it is of another; `None` if no broker lists it. Every broker is asked
/// for all of its groups. Blocks the thread for as long as `deadline`.
pub(crate) fn listed_state(
    handle: &Handle,
    group: &str,
    deadline: Duration,
) -> Result<Option<String>, CallError> {
    let group = c_string(group)?;
    let deadline = c_int::try_from(deadline.as_millis()).unwrap_or(c_int::MAX);
    let mut list = std::ptr::null();
    // SAFETY: the client is alive: `handle` is. The name outlives the call. A list is copied from, and
    // then destroyed once.
    unsafe {
        let client = handle.native();
        let code = rd_kafka_list_groups(client, group.as_ptr(), &raw mut list, deadline);
        let state = read::listed_state(list);
        if !list.is_null() {
            sys::rd_kafka_group_list_destroy(list);
        }
        match (code, state) {
            (_, Some(state)) => Ok(Some(state)),
            (0, None) => Ok(None),
            (code, None) => {
                Err(CallError { code, detail: "the groups were not listed".to_owned() })
            }
        }
    }
}

/// Partition counts of these topics. Never creates one, unlike a metadata request of a producer.
pub(crate) async fn describe_topics(
    handle: &Arc<Handle>,
    topics: &[&str],
    deadline: Duration,
) -> Result<Vec<TopicRow>, CallError> {
    let call = submit_describe_topics(handle, topics, deadline)?;
    let answer = call.answer().await?;
    // SAFETY: the answer is of this API and outlives the reading, which copies.
    unsafe { read::topics(answer.event()) }
}

/// Committed offsets of the group for exactly these partitions (at least one).
pub(crate) async fn committed_offsets(
    handle: &Arc<Handle>,
    group: &str,
    partitions: &[TopicPartition],
    deadline: Duration,
) -> Result<Vec<OffsetRow>, CallError> {
    let call = submit_committed_offsets(handle, &c_string(group)?, partitions, deadline)?;
    let answer = call.answer().await?;
    // SAFETY: the answer is of this API and outlives the reading, which copies.
    unsafe { read::committed_offsets(answer.event()) }
}

/// One end of the log of each of these partitions (at least one): one request to each leader.
pub(crate) async fn log_offsets(
    handle: &Arc<Handle>,
    partitions: &[TopicPartition],
    which: LogOffset,
    deadline: Duration,
) -> Result<Vec<OffsetRow>, CallError> {
    let call = submit_log_offsets(handle, partitions, which, deadline)?;
    let answer = call.answer().await?;
    // SAFETY: the answer is of this API and outlives the reading, which copies.
    unsafe { read::log_offsets(answer.event()) }
}

fn submit_describe_group(
    handle: &Arc<Handle>,
    group: &CString,
    deadline: Duration,
) -> Result<Call, CallError> {
    let call = Call::new(
        handle,
        Api::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS,
        Recipient::Coordinator,
        deadline,
    )?;
    let mut names = [group.as_ptr()];
    // SAFETY: client, options and queue belong to the live `call`; librdkafka copies the names,
    // which are NUL-terminated and live until the end of this function.
    unsafe {
        sys::rd_kafka_DescribeConsumerGroups(
            call.client(),
            names.as_mut_ptr(),
            names.len(),
            call.options(),
            call.queue(),
        );
    }
    Ok(call)
}

fn submit_describe_topics(
    handle: &Arc<Handle>,
    topics: &[&str],
    deadline: Duration,
) -> Result<Call, CallError> {
    let call =
        Call::new(handle, Api::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, Recipient::Brokers, deadline)?;
    let names = topics.iter().map(|topic| c_string(topic)).collect::<Result<Vec<_>, _>>()?;
    let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    // SAFETY: client, options and queue belong to the live `call`; the collection copies the names and is destroyed once.
    unsafe {
        let collection =
            sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        sys::rd_kafka_DescribeTopics(call.client(), collection, call.options(), call.queue());
        sys::rd_kafka_TopicCollection_destroy(collection);
    }
    Ok(call)
}

fn submit_committed_offsets(
    handle: &Arc<Handle>,
    group: &CString,
    partitions: &[TopicPartition],
    deadline: Duration,
) -> Result<Call, CallError> {
    let call = Call::new(
        handle,
        Api::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
        Recipient::Coordinator,
        deadline,
    )?;
    let list = PartitionList::new(partitions, None)?;
    // SAFETY: client, options and queue belong to the live `call`; librdkafka copies the request,
    // which copies group and list; the request is destroyed once.
    unsafe {
        let mut request = sys::rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), list.as_ptr());
        sys::rd_kafka_ListConsumerGroupOffsets(
            call.client(),
            &raw mut request,
            1,
            call.options(),
            call.queue(),
        );
        sys::rd_kafka_ListConsumerGroupOffsets_destroy(request);
    }
    Ok(call)
}

fn submit_log_offsets(
    handle: &Arc<Handle>,
    partitions: &[TopicPartition],
    which: LogOffset,
    deadline: Duration,
) -> Result<Call, CallError> {
    let (spec, isolation) = match which {
        LogOffset::Start => (
            OffsetSpec::RD_KAFKA_OFFSET_SPEC_EARLIEST,
            Isolation::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED,
        ),
        LogOffset::StableEnd => (
            OffsetSpec::RD_KAFKA_OFFSET_SPEC_LATEST,
            Isolation::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED,
        ),
        LogOffset::HighWatermark => (
            OffsetSpec::RD_KAFKA_OFFSET_SPEC_LATEST,
            Isolation::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED,
        ),
    };
    let mut call =
        Call::new(handle, Api::RD_KAFKA_ADMIN_OP_LISTOFFSETS, Recipient::Brokers, deadline)?;
    call.set_isolation(isolation)?;
    let list = PartitionList::new(partitions, Some(i64::from(spec as i32)))?;
    // SAFETY: client, options and queue belong to the live `call`; librdkafka copies the list.
    unsafe {
        sys::rd_kafka_ListOffsets(call.client(), list.as_ptr(), call.options(), call.queue());
    }
    Ok(call)
}
