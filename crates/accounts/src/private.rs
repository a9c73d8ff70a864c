//! Items for the other crates of this workspace. They are unstable: any version may change them.

use std::net::IpAddr;

use crate::throttle;

pub use crate::request::{FormFields, read_form};

/// Returns the network of one client: the address in IPv4, the /64 in IPv6.
pub fn network(address: IpAddr) -> IpAddr {
    throttle::network(address)
}
