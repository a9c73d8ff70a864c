//! Network of a client address.

use std::net::{IpAddr, Ipv6Addr};

/// Returns the network of one client: the address in IPv4, the /64 in IPv6, which is the least that
/// an access network gives to a site (RFC 6177).
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_network_is_a_64_in_ipv6() {
        for (address, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8::ffff:1", "2001:db8::"),
            ("2001:db8:0:1:2::3", "2001:db8:0:1::"),
            ("::1", "::1"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            let expected: IpAddr = expected.parse().unwrap();
            assert_eq!(network(address), expected, "{address}");
        }
    }
}
