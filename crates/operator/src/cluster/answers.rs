//! What an answer of the API server means beyond its code, by its words. Knows no call.

use kube::core::Status;

/// Whether admission said no, whatever the code.
pub(super) fn is_denial(status: &Status) -> bool {
    status.message.contains("denied the request") || status.message.contains("denied request")
}

/// Whether the name of a new object is held by one that is being deleted: nobody was faster, and another look changes nothing.
pub(super) fn is_leaving(status: &Status) -> bool {
    status.reason == "AlreadyExists" && status.message.contains("object is being deleted")
}
