//! What the identities of one layer have in common.

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

/// Where to look, whom to ask, and how to answer.
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
    /// Makes the user of the claims alone, without the loader.
    pub(crate) from_claims: Option<fn(&Claims) -> U>,
}

impl<U> Config<U> {
    /// What is not asked for is off.
    pub(crate) fn new(verifier: impl Verifier, loader: impl UserLoader<User = U>) -> Self {
        Self {
            source: CredentialSource::header(),
            verifier: Arc::new(verifier),
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

    /// Whether a user may be known without waiting.
    pub(super) const fn may_know_at_once(&self) -> bool {
        self.cache.is_some() || self.from_claims.is_some()
    }
}

/// The runtime's own sleep, and how long to wait for users.
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
