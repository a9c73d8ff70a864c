//! Turns of client addresses.

use std::collections::HashMap;
use std::net::IpAddr;

/// When each address was served last. Bounded: addresses whose turn is long ago are as new ones.
#[derive(Default)]
pub(super) struct Turns {
    last: HashMap<IpAddr, Turn>,
    count: u64,
}

/// The address with the lowest one is served next. Numbers of hashes, 0 for none.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// That of the last wrong password: who has guessed comes after those who have not.
    mismatch: u64,
    served: u64,
}

impl Turns {
    /// Returns the last turn of the address.
    pub(super) fn last(&self, address: Option<IpAddr>) -> Turn {
        let last = address.and_then(|address| self.last.get(&address));
        last.copied().unwrap_or_default()
    }

    /// Records that the address was served.
    pub(super) fn serve(&mut self, address: Option<IpAddr>) {
        self.record(address, |turn, number| turn.served = number);
    }

    /// Records that its password was wrong.
    pub(super) fn mismatch(&mut self, address: Option<IpAddr>) {
        self.record(address, |turn, number| turn.mismatch = number);
    }

    fn record(&mut self, address: Option<IpAddr>, set: fn(&mut Turn, u64)) {
        let Some(address) = address else { return };
        self.count += 1;
        set(self.last.entry(address).or_default(), self.count);
        if self.last.len() > MAX_ADDRESSES {
            let recent = self.count.saturating_sub(MAX_ADDRESSES as u64 / 2);
            self.last
                .retain(|_, turn| turn.served.max(turn.mismatch) > recent);
        }
    }
}

/// At the rate of eight cores the addresses of half a minute.
const MAX_ADDRESSES: usize = 4096;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(number: u32) -> Option<IpAddr> {
        Some(Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn last_turns_are_remembered_and_bounded() {
        let mut turns = Turns::default();
        for number in 0..100_000 {
            assert!(turns.last(address(number)) == Turn::default());
            turns.serve(address(number));
            turns.serve(None);
            assert!(turns.last(address(number)) > turns.last(address(number.wrapping_sub(1))));
            assert!(turns.last.len() <= MAX_ADDRESSES);
        }
        assert!(turns.last(address(99_000)) > Turn::default());
        assert!(turns.last(address(90_000)) == Turn::default());
        assert!(turns.last(None) == Turn::default());
    }

    #[test]
    fn address_with_a_wrong_password_comes_later() {
        let mut turns = Turns::default();
        let [wrong, right, new] = [1, 2, 3].map(address);
        turns.serve(wrong);
        turns.mismatch(wrong);
        turns.serve(right);
        let [wrong, right, new] = [wrong, right, new].map(|it| turns.last(it));
        assert!(new < right && right < wrong);
    }
}
