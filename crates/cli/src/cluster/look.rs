//! What a check could read of a cluster, or the API server's words about the right that it lacks.
//! Holds both; asks nothing and judges neither.

use crate::cluster::ask_error::AskError;

/// Result of one read: what was there, or why it may not be looked at.
#[derive(Clone, Debug)]
pub(crate) enum Look<T> {
    Read(T),
    Refused(String),
}

impl<T> Look<T> {
    /// A read as a look: a right that is missing is no failure of the check that asks for it.
    ///
    /// # Errors
    /// Every other error of the read.
    pub(crate) fn of(read: Result<T, AskError>) -> Result<Self, AskError> {
        match read {
            Ok(it) => Ok(Self::Read(it)),
            Err(AskError::Forbidden(why)) => Ok(Self::Refused(why)),
            Err(error) => Err(error),
        }
    }

    /// What follows from what was read.
    pub(crate) fn map<U>(self, made: impl FnOnce(T) -> U) -> Look<U> {
        match self {
            Self::Read(it) => Look::Read(made(it)),
            Self::Refused(why) => Look::Refused(why),
        }
    }

    /// What was read, if it may be read.
    pub(crate) fn read(&self) -> Option<&T> {
        match self {
            Self::Read(it) => Some(it),
            Self::Refused(_) => None,
        }
    }
}
