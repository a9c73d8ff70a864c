//! A load that many wait for.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::{BoxFuture, WeakShared};

use crate::error::{AuthError, AuthErrorKind};
use crate::jwt::Claims;
use crate::user::{self, AuthUser};

/// A load under way. Whoever waits keeps it going; if all have gone, it is over.
pub(super) struct InFlightLoad<U> {
    pub(super) number: u64,
    pub(super) key: Key,
    pub(super) began: Duration,
    pub(super) load: WeakShared<Load<U>>,
    // The load holds the other end.
    pub(super) under_way: Weak<()>,
}

pub(super) type Load<U> = BoxFuture<'static, Found<U>>;
pub(super) type Found<U> = Result<Option<Arc<U>>, AuthError>;

impl<U> InFlightLoad<U> {
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.strong_count() > 0
    }
}

/// Whom the loader is asked for.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    issuer: Option<Box<str>>,
    pub(super) name: Box<str>,
}

impl Key {
    pub(super) fn of(claims: &Claims, name: &str) -> Self {
        Self {
            issuer: claims.issuer().map(Into::into),
            name: name.into(),
        }
    }

    pub(super) fn is(&self, issuer: Option<&str>, name: &str) -> bool {
        *self.name == *name && self.issuer.as_deref() == issuer
    }
}

/// Whether what was found for another token of this user, perhaps an earlier one, tells of this
/// one, too.
pub(super) fn tells_of(claims: &Claims, found: &Found<impl AuthUser>) -> bool {
    match found {
        Ok(Some(user)) => user::is_for(claims, &**user),
        Ok(None) => true,
        // What the loader had against that one.
        Err(error) => error.kind() != AuthErrorKind::InvalidToken,
    }
}
