//! Configuration that all identities of a layer share.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::report::Outages;
use crate::cache::UserCache;
use crate::credentials::CredentialSource;
use crate::error::Challenges;
use crate::jwt::{Claims, Verifier};
use crate::stream_ticket::StreamTickets;
use crate::user::UserLoader;

/// Credential source, verifier, user loader and response settings of a layer.
pub(crate) struct Config<U> {
    pub(crate) source: CredentialSource,
    pub(crate) verifier: Arc<dyn Verifier>,
    pub(crate) loader: Arc<dyn UserLoader<User = U>>,
    pub(crate) cache: Option<UserCache<U>>,
    pub(crate) tickets: Option<StreamTickets>,
    pub(crate) timeout: Option<Timeout>,
    pub(crate) challenges: Option<Arc<Challenges>>,
    pub(crate) disclose_account_status: bool,
    pub(crate) outages: Arc<Outages>,
    pub(crate) grpc: bool,
    pub(crate) insert_claims: bool,
    /// Makes the user from the claims alone, without the loader.
    pub(crate) from_claims: Option<fn(&Claims) -> U>,
}

impl<U> Config<U> {
    /// Creates a configuration in which everything optional is off.
    pub(crate) fn new(verifier: impl Verifier, loader: impl UserLoader<User = U>) -> Self {
        Self {
            source: CredentialSource::header(),
            verifier: loader.wrap_verifier(Arc::new(verifier)),
            loader: Arc::new(loader),
            cache: None,
            tickets: None,
            timeout: None,
            challenges: None,
            disclose_account_status: false,
            outages: Arc::default(),
            grpc: false,
            insert_claims: false,
            from_claims: None,
        }
    }
}

/// Limit of the wait for a user, and the runtime's own `sleep`.
#[derive(Clone)]
pub(crate) struct Timeout {
    pub(crate) after: Duration,
    pub(crate) sleep: Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl<U> Clone for Config<U> {
    fn clone(&self) -> Self {
        Self {
            source: self.source.clone(),
            verifier: Arc::clone(&self.verifier),
            loader: Arc::clone(&self.loader),
            cache: self.cache.clone(),
            tickets: self.tickets.clone(),
            timeout: self.timeout.clone(),
            challenges: self.challenges.clone(),
            disclose_account_status: self.disclose_account_status,
            outages: Arc::clone(&self.outages),
            grpc: self.grpc,
            insert_claims: self.insert_claims,
            from_claims: self.from_claims,
        }
    }
}
