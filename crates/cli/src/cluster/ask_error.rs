//! Why a cluster could not be asked, and what to do about it.
//! Never repeats a token or a certificate.

use thiserror::Error;

/// Exit code of what can't be done: wrong usage, and a cluster that can't be asked.
pub(crate) const CANNOT_ASK: u8 = 2;

/// Error of a request, or of what leads to one.
#[derive(Debug, Error)]
pub(crate) enum AskError {
    #[error("the kubeconfig can't be used: {0}")]
    Kubeconfig(String),
    #[error(
        "there is no kubeconfig: neither --kubeconfig nor $KUBECONFIG nor ~/.kube/config names a file that exists"
    )]
    NoKubeconfig,
    #[error("{host} does not answer: {cause}; is it the right context, and the cluster up?")]
    Unreachable { host: String, cause: String },
    #[error("{host} does not accept the credentials of the kubeconfig: {cause}")]
    Unauthorized { host: String, cause: String },
    #[error("{0}; ask whoever runs the cluster for this right")]
    Forbidden(String),
    #[error("{0} does not exist")]
    Absent(String),
    #[error(
        "the API server at {host} knows no CanaryRollouts: Siskin is not installed there, or it is the wrong context"
    )]
    NotInstalled { host: String },
    #[error("no CanaryRollout of namespace {namespace} is for Deployment {name}; is -n right?")]
    NoneOfDeployment { name: String, namespace: String },
    #[error("{what}: the API server says {cause}")]
    Refused { what: String, cause: String },
    #[error("{what}: the answer can't be read: {cause}; is this program as new as the operator?")]
    Unreadable { what: String, cause: String },
}

impl AskError {
    /// Error of a client that can't be made of its configuration.
    pub(crate) fn unusable(error: &kube::Error) -> Self {
        Self::Kubeconfig(deepest(error))
    }

    /// Error of a request for one thing.
    pub(crate) fn of(error: &kube::Error, host: &str, what: &str) -> Self {
        let (host, what) = (host.trim_end_matches('/').to_owned(), what.to_owned());
        if let kube::Error::Api(status) = error {
            let cause = status.message.clone();
            return match status.code {
                401 => Self::Unauthorized { host, cause },
                403 => Self::Forbidden(cause),
                404 => Self::Absent(what),
                _ => Self::Refused { what, cause },
            };
        }
        let cause = deepest(error);
        if matches!(error, kube::Error::SerdeError(_)) {
            Self::Unreadable { what, cause }
        } else if matches!(error, kube::Error::Auth(_)) {
            Self::Unauthorized { host, cause }
        } else {
            Self::Unreachable { host, cause }
        }
    }

    /// Error of a list: an API server that has the definition answers with an empty one.
    pub(crate) fn of_list(error: &kube::Error, host: &str) -> Self {
        let error = Self::of(error, host, "CanaryRollouts");
        if matches!(error, Self::Absent(_)) {
            return Self::NotInstalled { host: host.trim_end_matches('/').to_owned() };
        }
        error
    }

    /// Whether another try may go well, with nothing changed by anybody.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Refused { .. } => true,
            Self::Kubeconfig(_)
            | Self::NoKubeconfig
            | Self::Unauthorized { .. }
            | Self::Forbidden(_)
            | Self::Absent(_)
            | Self::NotInstalled { .. }
            | Self::NoneOfDeployment { .. }
            | Self::Unreadable { .. } => false,
        }
    }
}

/// The deepest cause: those above it say that there was one.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
