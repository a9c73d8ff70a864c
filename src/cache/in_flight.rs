//! A load that several requests share.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::{BoxFuture, WeakShared};

use crate::error::{AuthError, AuthErrorKind};
use crate::jwt::Claims;
use crate::user::{self, AuthUser};

/// A load under way. It is cancelled when no request waits for it any more.
pub(super) struct InFlightLoad<U> {
    pub(super) number: u64,
    pub(super) key: Key,
    pub(super) began: Duration,
    pub(super) load: WeakShared<Load<U>>,
    // The load holds the strong reference.
    pub(super) under_way: Weak<()>,
}

pub(super) type Load<U> = BoxFuture<'static, Found<U>>;
pub(super) type Found<U> = Result<Option<Arc<U>>, AuthError>;

impl<U> InFlightLoad<U> {
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.strong_count() > 0
    }
}

/// The issuer and the name under which a user is cached.
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

/// Whether the result of a load for another, perhaps earlier, token of this user holds for this
/// token, too.
pub(super) fn applies_to(claims: &Claims, found: &Found<impl AuthUser>) -> bool {
    match found {
        Ok(Some(user)) => user::is_for(claims, &**user),
        Ok(None) => true,
        // The loader rejected the other token.
        Err(error) => error.kind() != AuthErrorKind::InvalidToken,
    }
}
