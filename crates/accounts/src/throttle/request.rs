//! Client of a request, and the cookie of its device.

use std::iter;
use std::net::{IpAddr, SocketAddr};
use std::sync::Once;
use std::time::SystemTime;

use axum::extract::ConnectInfo;
use http::Extensions;
use http::header::{FORWARDED, HeaderMap, HeaderValue};
use http::request::Parts;
use tower_warder::private::{LogLimit, cookie_values, is_cross_origin, log_limited, network};

use super::TARGET;
use super::client::Client;
use super::device::{Device, LIFETIME};
use super::settings::Throttle;
use super::trusted_proxies::{TrustedProxies, X_FORWARDED_FOR};
use crate::model::User;

impl Client {
    /// Returns the client of a request with its address, without its devices.
    pub(crate) fn new(
        extensions: &Extensions,
        headers: &HeaderMap,
        proxies: &TrustedProxies,
    ) -> Self {
        let Some(ConnectInfo(peer)) = extensions.get::<ConnectInfo<SocketAddr>>() else {
            return Self::default();
        };
        let peer = peer.ip().to_canonical();
        let is_forwarded = headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED);
        let is_trusted = proxies.contains(peer);
        log_forwarding(is_trusted, is_forwarded, peer);
        let ip = proxies.client(peer, headers);
        // Else not one client, but a proxy or the users of this machine.
        let is_one = is_trusted || !peer.is_loopback();
        Self {
            ip: Some(ip),
            address: is_one.then(|| network(ip)),
            ..Self::default()
        }
    }
}

impl Throttle {
    /// Adds the devices of a client, from the head of its request.
    pub(crate) fn add_devices(&self, client: &mut Client, parts: &mut Parts) {
        static NO_ADDRESS: Once = Once::new();

        if client.ip.is_none() {
            NO_ADDRESS.call_once(|| {
                tracing::warn!(
                    target: TARGET,
                    "requests have no client address, so attempts are not limited by address: serve \
                     the router with `into_make_service_with_connect_info::<SocketAddr>()`"
                );
            });
        }
        if let Some(cookie) = &self.cookie {
            let sent = cookie_values(cookie, &mut parts.headers, MAX_COOKIES);
            let entries = sent.iter().flat_map(|value| value.split(SEPARATOR));
            client.devices = entries.take(MAX_ENTRIES).map(str::to_owned).collect();
            client.is_cross_origin = is_cross_origin(cookie, parts);
        }
    }

    /// Returns the `Set-Cookie` by which the client is known from now on.
    pub(crate) fn remember(
        &self,
        user: &User,
        client: &Client,
        now: SystemTime,
    ) -> Option<HeaderValue> {
        if client.is_cross_origin {
            return None;
        }
        let account = user.email.as_str();
        let known = self.device(account, client, now).map(|device| device.id);
        let own = Device {
            id: known.or_else(Device::random_id)?,
            user: user.id,
            generation: user.token_generation,
        };
        let own = own.sign(account, &self.secret, now);
        // Other accounts of this browser stay known.
        let others = client.devices.iter().filter(|entry| {
            Device::is_entry(entry, now)
                && Device::verify(entry, account, &self.secret, now).is_none()
        });
        let others = others.take(MAX_OTHERS).map(String::as_str);
        let entries: Vec<_> = iter::once(own.as_str()).chain(others).collect();
        let value = entries.join(SEPARATOR);
        self.cookie.as_ref()?.set(&value, LIFETIME).ok()
    }
}

/// Logs what is probably a mistake in the settings of the proxy or of `TRUSTED_PROXIES`.
fn log_forwarding(is_trusted: bool, is_forwarded: bool, peer: IpAddr) {
    static LIMITS: [LogLimit; 2] = [const { LogLimit::new() }; 2];
    let [missing, ignored] = &LIMITS;

    match (is_trusted, is_forwarded) {
        (true, false) => log_limited!(
            missing,
            warn,
            target: TARGET,
            %peer,
            "a trusted proxy sends no X-Forwarded-For, so that all its clients count as one: let it \
             set that header, and remove Forwarded"
        ),
        (false, true) => log_limited!(
            ignored,
            warn,
            target: TARGET,
            %peer,
            "a peer that is not trusted sends X-Forwarded-For or Forwarded: if it is your proxy, add \
             it to TRUSTED_PROXIES, or `Accounts::trusted_proxies`"
        ),
        _ => {}
    }
}

/// Without the prefix `__Host-` another host of the domain may have set some.
const MAX_COOKIES: usize = 8;
const MAX_ENTRIES: usize = 16;

/// Accounts that a device is known to, besides the last one.
const MAX_OTHERS: usize = 3;

/// No entry contains it.
const SEPARATOR: &str = "~";

#[cfg(test)]
mod tests {
    use tower_warder_test_support::Log;

    use super::*;

    #[test]
    fn proxy_that_is_probably_misconfigured_is_logged() {
        let proxies: TrustedProxies = "10.0.0.1".parse().unwrap();
        let (proxy, client) = ([10, 0, 0, 1], [192, 0, 2, 1]);
        let log = Log::record();
        // The last rows again: once a minute.
        for (peer, header, lines) in [
            (client, None, 0),
            (proxy, Some(X_FORWARDED_FOR), 0),
            (proxy, Some(FORWARDED), 0),
            (proxy, None, 1),
            (client, Some(X_FORWARDED_FOR), 2),
            (client, Some(FORWARDED), 2),
            (proxy, None, 2),
        ] {
            let mut extensions = Extensions::new();
            extensions.insert(ConnectInfo(SocketAddr::from((peer, 4711))));
            let mut headers = HeaderMap::new();
            headers.extend(header.map(|name| (name, HeaderValue::from_static("192.0.2.2"))));
            let _ = Client::new(&extensions, &headers, &proxies);
            assert_eq!(log.lines("WARN").len(), lines, "{}", log.text());
        }
    }
}
