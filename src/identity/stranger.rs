//! The identity of a layer's requests without a credential.

use std::sync::Arc;

use http::{Extensions, Request};

use super::config::Config;
use super::inner::Inner;
use super::misconfiguration;
use super::slot::Slot;
#[cfg(feature = "testing")]
use super::test_log_in::TestLogIn;
use crate::credentials::Presented;
use crate::user::AuthUser;

/// The identity of all who bring no credential. Nobody needs one of their own for that: public
/// routes are mostly asked by strangers.
pub(crate) struct Stranger<U>(Arc<Inner<U>>);

impl<U> Stranger<U> {
    pub(crate) fn new(config: Config<U>) -> Self {
        Self(Arc::new(Inner::stranger(Arc::new(config))))
    }

    pub(crate) fn config(&self) -> &Config<U> {
        self.0.config()
    }

    /// The same, for one more service that a layer is put around.
    pub(crate) fn for_service(&self) -> Self {
        misconfiguration::layer_applied();
        self.clone()
    }
}

impl<U: AuthUser> Stranger<U> {
    /// Who sends this request: the stranger, or whoever the credential speaks of.
    pub(crate) fn sends<B>(&self, request: &mut Request<B>) -> Slot {
        let config = self.0.config();
        match config.source.find(request) {
            Presented::Nothing => self.without_credential(request.extensions()),
            presented => Slot::new(Inner::new(Arc::clone(config), presented)),
        }
    }

    #[cfg(not(feature = "testing"))]
    fn without_credential(&self, _: &Extensions) -> Slot {
        Slot::shared(&self.0)
    }

    #[cfg(feature = "testing")]
    fn without_credential(&self, extensions: &Extensions) -> Slot {
        match extensions.get::<TestLogIn>() {
            Some(log_in) => log_in.below(self.0.config()),
            None => Slot::shared(&self.0),
        }
    }
}

impl<U> Clone for Stranger<U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
