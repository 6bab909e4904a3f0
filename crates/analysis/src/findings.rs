//! What a judge answers, in data and in words.
//! Nothing here decides, and no engine is known.

pub(crate) mod assessment;
pub(crate) mod doubt;
pub(crate) mod effect;
pub(crate) mod fault;
pub(crate) mod finding;
pub(crate) mod note;
pub(crate) mod signal;
