//! A user whom a test has logged in (feature `testing`).

use std::any::Any;
use std::sync::Arc;

use super::config::Config;
use super::inner::Inner;
use super::slot::Slot;
use crate::credentials::Presented;
use crate::user::AuthUser;

/// In the extensions of a request without a credential: the identity that every layer takes for it.
///
/// Only [`testing`](crate::testing) makes one, and nothing in a request can.
#[derive(Clone)]
pub(crate) struct TestLogIn(Arc<dyn AnyLogIn>);

impl TestLogIn {
    /// A log-in by this credential, with the verifier and the loader that know it.
    pub(crate) fn new<U: AuthUser>(config: Config<U>, presented: Presented) -> Self {
        Self(Arc::new(LogIn { config, presented }))
    }

    /// The identity below a layer that answers as `config` says. If its users are of another type,
    /// the guards say so.
    pub(super) fn below<U: AuthUser>(&self, config: &Config<U>) -> Slot {
        let any: &dyn Any = &*self.0;
        match any.downcast_ref::<LogIn<U>>() {
            Some(log_in) => log_in.below(config),
            None => self.0.alone(),
        }
    }
}

struct LogIn<U> {
    config: Config<U>,
    presented: Presented,
}

impl<U: AuthUser> LogIn<U> {
    fn below(&self, config: &Config<U>) -> Slot {
        let config = Config {
            verifier: Arc::clone(&self.config.verifier),
            loader: Arc::clone(&self.config.loader),
            cache: None,
            from_claims: None,
            ..config.clone()
        };
        Slot::new(Inner::new(Arc::new(config), self.presented.clone()))
    }
}

trait AnyLogIn: Any + Send + Sync {
    fn alone(&self) -> Slot;
}

impl<U: AuthUser> AnyLogIn for LogIn<U> {
    fn alone(&self) -> Slot {
        self.below(&self.config)
    }
}
