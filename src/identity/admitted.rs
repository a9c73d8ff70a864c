//! Who came through a door.

use std::sync::Arc;

use http::Extensions;

use crate::jwt::Claims;
use crate::user::{AuthUser, CurrentUser};

/// Who came through a door that speaks tower, not axum: left in the extensions for the handler.
pub(crate) struct Admitted<U> {
    user: Arc<U>,
    claims: Claims,
}

impl<U: AuthUser> Admitted<U> {
    pub(super) fn new((user, claims): (&Arc<U>, &Claims)) -> Self {
        Self {
            user: Arc::clone(user),
            claims: claims.clone(),
        }
    }

    pub(crate) fn leave_in(self, extensions: &mut Extensions) {
        extensions.insert(CurrentUser(self.user));
        extensions.insert(self.claims);
    }
}
