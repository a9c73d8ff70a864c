//! Client of an attempt.

use std::fmt;
use std::net::IpAddr;

use tower_warder::password::HashCaller;

/// What an attempt to log in or to register is counted by, besides the account.
///
/// The routes take it from the request; with axum it is an extractor of handlers whose state is
/// [`Accounts`](crate::Accounts). The default has no address: the limits for each address do not
/// apply then.
#[derive(Clone, Default)]
pub struct Client {
    /// The address, for audit events.
    pub(crate) ip: Option<IpAddr>,
    /// The network by which attempts are counted: see `network`. None for the users of this machine.
    pub(super) address: Option<IpAddr>,
    /// Entries of the cookie of devices.
    pub(super) devices: Vec<String>,
    /// A page of another origin sent the request: it must not replace the cookie.
    pub(super) is_cross_origin: bool,
    /// Account of the bearer token that was sent.
    pub(crate) account: Option<String>,
}

impl Client {
    /// Returns the caller of a hasher, without an account.
    pub(crate) fn hash_caller(&self) -> HashCaller {
        let caller = HashCaller::new();
        match self.address {
            Some(address) => caller.address(address),
            None => caller,
        }
    }
}

// By hand: cookies are secret.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_cookie_of_a_device() {
        let client = Client {
            address: Some([192, 0, 2, 1].into()),
            devices: vec!["hunter2".to_owned()],
            ..Client::default()
        };
        let text = format!("{client:?} {client:#?}");
        assert!(text.contains("192.0.2.1") && !text.contains("hunter2"));
    }
}
