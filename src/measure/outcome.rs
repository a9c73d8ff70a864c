//! How things end.

/// What came of asking the loader.
#[derive(Clone, Copy)]
pub(crate) enum Loaded {
    Found,
    Unknown,
    /// The loader had something against the token.
    Refused,
    /// The store did not answer, or the loader panicked.
    Failed,
}

/// What came of a log-in.
#[cfg(feature = "accounts")]
#[derive(Clone, Copy)]
pub(crate) enum LogIn {
    Done,
    WrongCredentials,
    Pending,
    Disabled,
    Unavailable,
}

#[cfg(feature = "metrics")]
impl Loaded {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

#[cfg(all(feature = "metrics", feature = "accounts"))]
impl LogIn {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Done => "ok",
            Self::WrongCredentials => "wrong_credentials",
            Self::Pending => "pending",
            Self::Disabled => "disabled",
            Self::Unavailable => "unavailable",
        }
    }
}
