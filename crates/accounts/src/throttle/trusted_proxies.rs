//! Address of a client behind proxies.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use http::header::{FORWARDED, HeaderMap, HeaderName};
use ipnet::IpNet;

/// Networks of proxies whose `X-Forwarded-For` and `Forwarded` (RFC 7239) are believed. Defaults to
/// none: the client is the peer of the connection.
///
/// Parsed from addresses and networks in CIDR notation, separated by commas or blanks:
///
/// ```
/// use tower_warder_accounts::throttle::TrustedProxies;
///
/// let proxies: TrustedProxies = "10.0.0.0/8, ::1".parse()?;
/// # Ok::<(), tower_warder_accounts::throttle::InvalidNetwork>(())
/// ```
///
/// The client is the last address that is not itself a trusted proxy. A proxy has to append to the
/// header that it writes, or replace it, and should remove the other one. If both headers are sent and
/// name different clients, or if an address cannot be read, the last known address counts as the
/// client: that of a proxy, which all such requests share.
#[doc(alias = "X-Forwarded-For")]
#[doc(alias = "cidr")]
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Returns the client of a request, by the peer of its connection.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return peer;
        }
        let find = |name: &HeaderName, addresses: fn(&str) -> Vec<Option<IpAddr>>| {
            let lines = headers.get_all(name).iter();
            // A line that is no text has an address that cannot be read.
            let lines = lines.map(|line| line.to_str().map_or(vec![None], addresses));
            let hops: Vec<_> = lines.flatten().collect();
            (!hops.is_empty()).then(|| self.last_untrusted(peer, &hops))
        };
        let by_list = find(&X_FORWARDED_FOR, in_list);
        match (by_list, find(&FORWARDED, in_forwarded)) {
            (Some(client), None) | (None, Some(client)) => client,
            (Some(client), Some(other)) if client == other => client,
            // None was sent, or one of the two may have been written by the client.
            _ => peer,
        }
    }

    /// Follows the hops backwards, from the peer on.
    fn last_untrusted(&self, peer: IpAddr, hops: &[Option<IpAddr>]) -> IpAddr {
        let mut client = peer;
        for hop in hops.iter().rev() {
            let Some(hop) = hop.filter(|_| self.contains(client)) else {
                break;
            };
            client = hop;
        }
        client
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for TrustedProxies {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
        let networks = parts.map(|part| {
            let address = part.parse().map(|address: IpAddr| address.into());
            let network: Result<IpNet, _> = address.or_else(|_| part.parse());
            network
                .map(|network| canonical(network.trunc()))
                .map_err(|_| InvalidNetwork(part.to_owned()))
        });
        networks.collect::<Result<_, _>>().map(Self)
    }
}

/// A network of [`TrustedProxies`] that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidNetwork(String);

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        write!(
            f,
            "{text:?} is not a network; give one such as 10.0.0.0/8 or 2001:db8::/32, or an address"
        )
    }
}

impl Error for InvalidNetwork {}

/// Returns the IPv4 network that an IPv4-mapped one means: addresses are compared in this form.
fn canonical(network: IpNet) -> IpNet {
    match (network.addr().to_canonical(), network.prefix_len()) {
        (address @ IpAddr::V4(_), length @ 96..) => {
            IpNet::new(address, length - 96).unwrap_or(network)
        }
        _ => network,
    }
}

/// Addresses of an `X-Forwarded-For`.
fn in_list(line: &str) -> Vec<Option<IpAddr>> {
    line.split(',').map(parse).collect()
}

/// Values of `for` in a `Forwarded` (RFC 7239, section 4); `None` for an element without an address.
fn in_forwarded(line: &str) -> Vec<Option<IpAddr>> {
    // Otherwise a client could hide what the proxy appends in a quoted string of its own.
    let Some(elements) = unquoted(line, ',') else {
        return vec![None];
    };
    let address = |element: &str| {
        let pairs = unquoted(element, ';').unwrap_or_default();
        let mut values = pairs.into_iter().filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim().eq_ignore_ascii_case("for").then_some(value)
        });
        let value = values.next()?.trim();
        if values.next().is_some() {
            return None;
        }
        let quoted = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        parse(quoted.unwrap_or(value))
    };
    elements.into_iter().map(address).collect()
}

/// Splits at separators outside of quoted strings (RFC 9110, section 5.6.4). `None` if one is not
/// closed.
fn unquoted(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = text.split(|character| {
        let was_escaped = is_escaped;
        is_escaped = is_quoted && character == '\\' && !was_escaped;
        if character == '"' && !was_escaped {
            is_quoted = !is_quoted;
        }
        character == separator && !is_quoted
    });
    let parts = parts.collect();
    (!is_quoted).then_some(parts)
}

/// Parses an address with or without a port, in IPv6 also in brackets.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let address = match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok().or_else(|| {
            let with_port: Option<SocketAddr> = text.parse().ok();
            with_port.map(|it| it.ip())
        }),
    };
    address.map(|it| it.to_canonical())
}

pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn client(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let proxies: TrustedProxies = "10.0.0.0/8, fd00::/8".parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append(*name, line.parse().unwrap());
        }
        let client = proxies.client(peer.parse().unwrap(), &headers);
        client.to_string()
    }

    #[test]
    fn headers_of_untrusted_peers_are_ignored() {
        let both = [
            ("x-forwarded-for", "203.0.113.9"),
            ("forwarded", "for=203.0.113.9"),
        ];
        assert_eq!(client("192.0.2.1", &both), "192.0.2.1");
        assert_eq!(client("::ffff:192.0.2.1", &both), "192.0.2.1");
        assert_eq!(client(PROXY, &both), "203.0.113.9");
        assert_eq!(client(PROXY, &[]), PROXY);
        assert_eq!(client("::ffff:10.0.0.1", &both), "203.0.113.9");
    }

    #[test]
    fn client_is_the_last_address_that_is_not_a_proxy() {
        for (line, expected) in [
            ("203.0.113.9", "203.0.113.9"),
            ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
            ("198.51.100.1, 203.0.113.9, 10.9.9.9", "203.0.113.9"),
            ("10.9.9.9,10.0.0.2", "10.9.9.9"),
            (" 203.0.113.9:4711 ", "203.0.113.9"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("::ffff:10.2.3.4", "10.2.3.4"),
            ("203.0.113.9, fd00::2", "203.0.113.9"),
            // What cannot be read ends at the last proxy.
            ("", PROXY),
            ("unknown", PROXY),
            ("203.0.113.9,", PROXY),
            ("203.0.113.9, unknown", PROXY),
            ("203.0.113.9, unknown, 10.9.9.9", "10.9.9.9"),
            ("203.0.113.256", PROXY),
            ("0x7f.1", PROXY),
            ("[203.0.113.9]", PROXY),
            ("fe80::1%eth0", PROXY),
            ("203.0.113.9 198.51.100.1", PROXY),
        ] {
            let lines = [("x-forwarded-for", line)];
            assert_eq!(client(PROXY, &lines), expected, "{line:?}");
        }
    }

    #[test]
    fn lines_are_read_in_their_order() {
        let lines = [
            ("x-forwarded-for", "198.51.100.1"),
            ("x-forwarded-for", "203.0.113.9, 10.9.9.9"),
        ];
        assert_eq!(client(PROXY, &lines), "203.0.113.9");
        let forwarded = lines.map(|(_, line)| line.replace(", ", ", for="));
        let forwarded = forwarded.map(|line| format!("for={line}"));
        let forwarded = [0, 1].map(|index| ("forwarded", &*forwarded[index]));
        assert_eq!(client(PROXY, &forwarded), "203.0.113.9");
    }

    #[test]
    fn forwarded_is_parsed_with_quotes_and_parameters() {
        for (line, expected) in [
            ("for=203.0.113.9;proto=https;by=10.0.0.1", "203.0.113.9"),
            ("proto=https ; FOR = 203.0.113.9", "203.0.113.9"),
            ("For=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=\"203.0.113.9:80\", for=10.9.9.9", "203.0.113.9"),
            (
                "for=198.51.100.1;host=\"a,for=203.0.113.9\"",
                "198.51.100.1",
            ),
            (
                "for=198.51.100.1;host=\"a\\\",for=1.1.1.1\"",
                "198.51.100.1",
            ),
            ("for=unknown", PROXY),
            ("for=_hidden, for=10.9.9.9", "10.9.9.9"),
            ("proto=https", PROXY),
            ("for=203.0.113.9;for=198.51.100.1", PROXY),
            ("for=\"203.0.113.9", PROXY),
            // Appended to the line of a client that opens a string.
            ("for=198.51.100.1;x=\", for=203.0.113.9;proto=https", PROXY),
        ] {
            let lines = [("forwarded", line)];
            assert_eq!(client(PROXY, &lines), expected, "{line:?}");
        }
    }

    #[test]
    fn headers_that_differ_are_both_ignored() {
        let forged = [
            ("x-forwarded-for", "203.0.113.9"),
            ("forwarded", "for=198.51.100.1"),
        ];
        assert_eq!(client(PROXY, &forged), PROXY);
        let unreadable = [
            ("x-forwarded-for", "203.0.113.9"),
            ("forwarded", "for=unknown"),
        ];
        assert_eq!(client(PROXY, &unreadable), PROXY);
    }

    #[test]
    fn networks_are_parsed_or_named() {
        for text in ["", "10.0.0.1", "10.1.2.3/8 ::1,fd00::/8"] {
            assert!(text.parse::<TrustedProxies>().is_ok(), "{text}");
        }
        for text in ["10.0.0.0/33", "proxy.example.com", "10.0.0.1:80", "10"] {
            let error = text.parse::<TrustedProxies>().unwrap_err();
            assert_eq!(error, InvalidNetwork(text.to_owned()));
            assert!(error.to_string().contains(text), "{error}");
        }
        let mapped: TrustedProxies = "::ffff:10.0.0.0/104".parse().unwrap();
        assert!(mapped.contains("10.255.0.1".parse().unwrap()));
        assert!(!mapped.contains("11.0.0.1".parse().unwrap()));
    }
}
