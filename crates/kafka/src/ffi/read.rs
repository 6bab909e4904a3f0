//! Copies answers of librdkafka into owned data; every pointer may be null, every code unknown.
//! Keeps no pointer, frees nothing, decides nothing.

use std::ffi::{CStr, c_char, c_int};
use std::sync::Arc;

use rdkafka::bindings as sys;

use crate::ffi::raw::{
    BAD_MESSAGE, CallError, LedPartition, OffsetRow, RawGroup, RawMember, RawState, TopicRow,
};
use crate::snapshot::TopicPartition;

// The bindings return these as Rust enums with gaps: a code that is newer than the bindings would
// be undefined behavior. Declared here, the symbols return the C integers that they are.
unsafe extern "C" {
    fn rd_kafka_event_error(event: *mut sys::rd_kafka_event_t) -> c_int;
    fn rd_kafka_error_code(error: *const sys::rd_kafka_error_t) -> c_int;
    fn rd_kafka_ConsumerGroupDescription_state(
        group: *const sys::rd_kafka_ConsumerGroupDescription_t,
    ) -> c_int;
}

/// Whether the call as a whole failed.
///
/// # Safety
/// `event` must be a live event.
pub(super) unsafe fn check_event(event: *mut sys::rd_kafka_event_t) -> Result<(), CallError> {
    // SAFETY: the caller's promise; the text is copied.
    unsafe {
        match rd_kafka_event_error(event) {
            0 => Ok(()),
            code => Err(CallError { code, detail: text(sys::rd_kafka_event_error_string(event)) }),
        }
    }
}

/// The error behind a pointer, if it is not null.
///
/// # Safety
/// `error` must be null or a live error.
pub(super) unsafe fn check(error: *const sys::rd_kafka_error_t) -> Result<(), CallError> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's promise; the text is copied.
    unsafe {
        let detail = text(sys::rd_kafka_error_string(error));
        Err(CallError { code: rd_kafka_error_code(error), detail })
    }
}

/// The only group of a `DescribeConsumerGroups` answer.
///
/// # Safety
/// `event` must be a live event.
pub(super) unsafe fn group(event: *mut sys::rd_kafka_event_t) -> Result<RawGroup, CallError> {
    // SAFETY: all pointers come from the live event, are checked for null and stay valid with it.
    unsafe {
        let result = present(sys::rd_kafka_event_DescribeConsumerGroups_result(event))?;
        let mut count = 0;
        let groups = sys::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count);
        let group = *elements(groups, count).first().ok_or_else(nonsense)?;
        check(sys::rd_kafka_ConsumerGroupDescription_error(group))?;
        let members = 0..sys::rd_kafka_ConsumerGroupDescription_member_count(group);
        Ok(RawGroup {
            state: state(rd_kafka_ConsumerGroupDescription_state(group)),
            assignor: text(sys::rd_kafka_ConsumerGroupDescription_partition_assignor(group)),
            members: members
                .map(|index| member(sys::rd_kafka_ConsumerGroupDescription_member(group, index)))
                .collect(),
        })
    }
}

/// State of the first group of a list.
///
/// # Safety
/// `list` must be null or a live list.
pub(super) unsafe fn listed_state(list: *const sys::rd_kafka_group_list) -> Option<String> {
    // SAFETY: null or alive; as many groups as it says lie side by side, and live with it. A group's
    // error is an enum that may be out of its range: no reference to the group is made.
    unsafe {
        let list = list.as_ref()?;
        let is_there = 0 < list.group_cnt && !list.groups.is_null();
        is_there.then(|| text((&raw const (*list.groups).state).read()))
    }
}

/// The topics of a `DescribeTopics` answer.
///
/// # Safety
/// `event` must be a live event.
pub(super) unsafe fn topics(event: *mut sys::rd_kafka_event_t) -> Result<Vec<TopicRow>, CallError> {
    // SAFETY: see `group`.
    unsafe {
        let result = present(sys::rd_kafka_event_DescribeTopics_result(event))?;
        let mut count = 0;
        let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        Ok(elements(topics, count).iter().map(|topic| topic_row(*topic)).collect())
    }
}

/// The rows of a `ListConsumerGroupOffsets` answer.
///
/// # Safety
/// `event` must be a live event.
pub(super) unsafe fn committed_offsets(
    event: *mut sys::rd_kafka_event_t,
) -> Result<Vec<OffsetRow>, CallError> {
    // SAFETY: see `group`.
    unsafe {
        let result = present(sys::rd_kafka_event_ListConsumerGroupOffsets_result(event))?;
        let mut count = 0;
        let groups = sys::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &raw mut count);
        let group = *elements(groups, count).first().ok_or_else(nonsense)?;
        check(sys::rd_kafka_group_result_error(group))?;
        Ok(offset_rows(sys::rd_kafka_group_result_partitions(group)))
    }
}

/// The rows of a `ListOffsets` answer.
///
/// # Safety
/// `event` must be a live event.
pub(super) unsafe fn log_offsets(
    event: *mut sys::rd_kafka_event_t,
) -> Result<Vec<OffsetRow>, CallError> {
    let mut names = TopicNames::default();
    // SAFETY: see `group`.
    unsafe {
        let result = present(sys::rd_kafka_event_ListOffsets_result(event))?;
        let mut count = 0;
        let infos = sys::rd_kafka_ListOffsets_result_infos(result, &raw mut count);
        Ok(elements(infos, count)
            .iter()
            .map(|info| sys::rd_kafka_ListOffsetsResultInfo_topic_partition(*info))
            .map(|element| offset_row(element, &mut names))
            .collect())
    }
}

fn state(code: c_int) -> RawState {
    use sys::rd_kafka_consumer_group_state_t as State;
    const STATES: [(State, RawState); 3] = [
        (State::RD_KAFKA_CONSUMER_GROUP_STATE_STABLE, RawState::Stable),
        (State::RD_KAFKA_CONSUMER_GROUP_STATE_EMPTY, RawState::Empty),
        (State::RD_KAFKA_CONSUMER_GROUP_STATE_DEAD, RawState::Dead),
    ];
    let known = STATES.iter().find(|(known, _)| *known as c_int == code);
    known.map_or(RawState::Moving, |(_, state)| *state)
}

unsafe fn member(member: *const sys::rd_kafka_MemberDescription_t) -> RawMember {
    // SAFETY: see `group`; a member of a live description is never null.
    unsafe {
        let instance_id = sys::rd_kafka_MemberDescription_group_instance_id(member);
        let target = sys::rd_kafka_MemberDescription_target_assignment(member);
        RawMember {
            member_id: text(sys::rd_kafka_MemberDescription_consumer_id(member)),
            client_id: text(sys::rd_kafka_MemberDescription_client_id(member)),
            instance_id: (!instance_id.is_null()).then(|| text(instance_id)),
            host: text(sys::rd_kafka_MemberDescription_host(member)),
            assignment: assignment(sys::rd_kafka_MemberDescription_assignment(member)),
            target: (!target.is_null()).then(|| assignment(target)),
        }
    }
}

/// The partitions of an assignment, sorted.
unsafe fn assignment(assignment: *const sys::rd_kafka_MemberAssignment_t) -> Vec<TopicPartition> {
    if assignment.is_null() {
        return Vec::new();
    }
    // SAFETY: not null, and alive with its member.
    let rows = unsafe { offset_rows(sys::rd_kafka_MemberAssignment_partitions(assignment)) };
    let mut partitions: Vec<_> = rows.into_iter().map(|row| row.id).collect();
    partitions.sort_unstable();
    partitions
}

unsafe fn topic_row(topic: *const sys::rd_kafka_TopicDescription_t) -> TopicRow {
    // SAFETY: see `group`.
    unsafe {
        let error = sys::rd_kafka_TopicDescription_error(topic);
        let mut count = 0;
        let partitions = sys::rd_kafka_TopicDescription_partitions(topic, &raw mut count);
        TopicRow {
            topic: text(sys::rd_kafka_TopicDescription_name(topic)),
            partitions: elements(partitions, count).iter().map(|it| led_partition(*it)).collect(),
            code: if error.is_null() { 0 } else { rd_kafka_error_code(error) },
        }
    }
}

unsafe fn led_partition(partition: *const sys::rd_kafka_TopicPartitionInfo_t) -> LedPartition {
    // SAFETY: see `group`; a partition of a live description is never null.
    unsafe {
        let leader = sys::rd_kafka_TopicPartitionInfo_leader(partition);
        LedPartition {
            partition: sys::rd_kafka_TopicPartitionInfo_partition(partition),
            leader: (!leader.is_null()).then(|| sys::rd_kafka_Node_id(leader)),
        }
    }
}

unsafe fn offset_rows(list: *const sys::rd_kafka_topic_partition_list_t) -> Vec<OffsetRow> {
    let mut names = TopicNames::default();
    // SAFETY: null or alive, see `group`. By pointer rather than by slice: the elements pointer of
    // an empty list is null, and an element holds an enum that may be out of its range.
    unsafe {
        let Some(list) = list.as_ref() else { return Vec::new() };
        let count = usize::try_from(list.cnt).unwrap_or(0);
        (0..count).map(|index| offset_row(list.elems.add(index), &mut names)).collect()
    }
}

unsafe fn offset_row(
    element: *const sys::rd_kafka_topic_partition_t,
    names: &mut TopicNames,
) -> OffsetRow {
    // SAFETY: an element of a live list; the error is read as the C integer that it is.
    unsafe {
        let code = (&raw const (*element).err).cast::<c_int>().read();
        let offset = (&raw const (*element).offset).read();
        let id = TopicPartition {
            topic: names.shared((*element).topic),
            partition: (*element).partition,
        };
        // An errored row may still carry an offset; negative ones are no offsets.
        OffsetRow { id, offset: (code == 0 && offset >= 0).then_some(offset), code }
    }
}

/// Rows mostly come sorted by topic: one allocation for each topic rather than for each row.
#[derive(Default)]
struct TopicNames(Option<Arc<str>>);

impl TopicNames {
    unsafe fn shared(&mut self, name: *const c_char) -> Arc<str> {
        if name.is_null() {
            return Arc::from("");
        }
        // SAFETY: not null; librdkafka's texts end in NUL and live with the event.
        let name = unsafe { CStr::from_ptr(name) };
        match &self.0 {
            Some(last) if last.as_bytes() == name.to_bytes() => Arc::clone(last),
            Some(_) | None => Arc::clone(self.0.insert(Arc::from(name.to_string_lossy()))),
        }
    }
}

unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null; librdkafka's texts end in NUL and live with the event.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// The elements of a result's array of pointers.
unsafe fn elements<'a, T>(array: *const T, count: usize) -> &'a [T] {
    if array.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: librdkafka gives the array and its length together; it lives with the event.
    unsafe { std::slice::from_raw_parts(array, count) }
}

fn present<T>(result: *const T) -> Result<*const T, CallError> {
    if result.is_null() { Err(nonsense()) } else { Ok(result) }
}

fn nonsense() -> CallError {
    CallError { code: BAD_MESSAGE, detail: "the answer is not of the kind asked for".to_owned() }
}
