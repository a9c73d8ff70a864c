use std::net::{IpAddr, Ipv4Addr};

use super::*;

fn account(number: u32) -> HashCaller {
    HashCaller::new().account(&format!("user{number}"))
}

fn address(number: u32) -> HashCaller {
    HashCaller::new().address(IpAddr::V4(Ipv4Addr::from_bits(number)))
}

fn preferred() -> HashCaller {
    HashCaller::new().preferred(true)
}

/// A queue whose callers are known by the number of their entry.
struct Numbered {
    waiting: Waiting<usize>,
    count: usize,
    ids: Vec<u64>,
}

impl Numbered {
    fn new(capacity: usize) -> Self {
        Self {
            waiting: Waiting::new(capacity),
            count: 0,
            ids: Vec::new(),
        }
    }

    /// Returns the callers that are displaced.
    fn enter(&mut self, caller: HashCaller) -> Result<Vec<usize>, Rejected> {
        let entered = self.waiting.enter(caller, self.count)?;
        self.ids.push(entered.id);
        self.count += 1;
        Ok(entered.displaced)
    }

    fn enter_all(&mut self, callers: impl IntoIterator<Item = HashCaller>) {
        for caller in callers {
            assert_eq!(self.enter(caller), Ok(Vec::new()));
        }
    }

    fn served(&mut self) -> Vec<usize> {
        std::iter::from_fn(|| self.waiting.next()).collect()
    }
}

#[test]
fn account_has_one_place() {
    let mut queue = Numbered::new(16);
    queue.enter_all([account(1), account(2)]);
    assert_eq!(queue.enter(account(1)), Err(Rejected::Limited));
    assert_eq!(queue.waiting.next(), Some(0));
    queue.enter_all([account(1)]);
}

#[test]
fn address_has_four_places() {
    let mut queue = Numbered::new(16);
    queue.enter_all([address(1); 4]);
    assert_eq!(queue.enter(address(1)), Err(Rejected::Limited));
    let other_account = address(1).account("user");
    assert_eq!(queue.enter(other_account), Err(Rejected::Limited));
    queue.enter_all([address(2)]);
    assert_eq!(queue.waiting.leave(queue.ids[2]), Some(2));
    queue.enter_all([address(1)]);
}

#[test]
fn addresses_of_one_ipv6_network_share_their_places() {
    let mut queue = Numbered::new(16);
    let caller = |text: &str| HashCaller::new().address(text.parse().unwrap());
    queue.enter_all((1..=4).map(|host| caller(&format!("2001:db8::{host}"))));
    let same = caller("2001:db8::ffff:1");
    assert_eq!(queue.enter(same), Err(Rejected::Limited));
    queue.enter_all([caller("2001:db8:0:1::1")]);
}

#[test]
fn callers_without_limits_take_every_place_in_order() {
    let mut queue = Numbered::new(4);
    queue.enter_all([HashCaller::UNLIMITED; 4]);
    assert_eq!(queue.enter(HashCaller::UNLIMITED), Err(Rejected::Full));
    assert_eq!(queue.served(), [0, 1, 2, 3]);
}

#[test]
fn unknown_callers_leave_the_kept_places() {
    let mut queue = Numbered::new(8);
    queue.enter_all([HashCaller::new(); 6]);
    assert_eq!(queue.enter(HashCaller::new()), Err(Rejected::Full));
    queue.enter_all([preferred()]);
}

#[test]
fn quarter_of_the_places_is_kept_for_preferred_callers() {
    let mut queue = Numbered::new(8);
    queue.enter_all((0..6).map(account));
    assert_eq!(queue.enter(account(6)), Err(Rejected::Full));
    queue.enter_all([preferred(), preferred()]);
    assert_eq!(queue.enter(preferred()), Err(Rejected::Full));
    // Preferred callers may take more than is kept for them.
    let mut queue = Numbered::new(8);
    queue.enter_all([preferred(); 8]);
    assert_eq!(queue.enter(account(1)), Err(Rejected::Full));
}

#[test]
fn preferred_caller_takes_the_place_of_its_account() {
    let mut queue = Numbered::new(16);
    queue.enter_all([account(1), account(2)]);
    let owner = account(1).preferred(true);
    assert_eq!(queue.enter(owner), Ok(vec![0]));
    // That of another preferred caller stays.
    assert_eq!(queue.enter(owner), Err(Rejected::Limited));
    assert_eq!(queue.enter(account(1)), Err(Rejected::Limited));
    assert_eq!(queue.served(), [2, 1]);
}

#[test]
fn preferred_caller_takes_the_newest_place_of_its_address() {
    let mut queue = Numbered::new(16);
    queue.enter_all([
        address(1).account("one"),
        address(1),
        address(1).preferred(true),
        address(1),
    ]);
    let owner = address(1).account("one").preferred(true);
    // The place of the account is one of the address, too.
    assert_eq!(queue.enter(owner), Ok(vec![0]));
    let other = address(1).account("other").preferred(true);
    assert_eq!(queue.enter(other), Ok(vec![3]));
    let next = address(1).account("next").preferred(true);
    assert_eq!(queue.enter(next), Ok(vec![1]));
    let last = address(1).account("last").preferred(true);
    assert_eq!(queue.enter(last), Err(Rejected::Limited));
}

#[test]
fn rejected_caller_displaces_no_other() {
    let mut queue = Numbered::new(16);
    queue.enter_all([account(1)]);
    queue.enter_all([address(1).preferred(true); 4]);
    // The account would give way, the address does not.
    let owner = address(1).account("user1").preferred(true);
    assert_eq!(queue.enter(owner), Err(Rejected::Limited));
    assert_eq!(queue.waiting.len(), 5);
}

#[test]
fn lanes_are_served_in_turn() {
    let mut queue = Numbered::new(32);
    queue.enter_all((0..3).map(account));
    queue.enter_all([HashCaller::UNLIMITED; 3]);
    queue.enter_all([preferred(); 3]);
    assert_eq!(queue.served(), [6, 3, 0, 7, 4, 1, 8, 5, 2]);
}

#[test]
fn newest_is_first_while_the_queue_is_half_full() {
    let mut queue = Numbered::new(8);
    queue.enter_all((0..4).map(account));
    assert_eq!(queue.waiting.next(), Some(0));
    queue.enter_all((4..7).map(account));
    // Six wait, then five; four are half of the places.
    assert_eq!(queue.served(), [6, 5, 1, 2, 3, 4]);
}

#[test]
fn addresses_are_served_in_turn() {
    let mut queue = Numbered::new(64);
    queue.enter_all([address(1); 4]);
    queue.enter_all([address(2); 4]);
    queue.enter_all([address(3), HashCaller::new()]);
    assert_eq!(queue.served(), [0, 4, 8, 9, 1, 5, 2, 6, 3, 7]);
    // The next time, too; who has not been served comes first.
    queue.enter_all([address(2), address(1), address(3), address(4)]);
    assert_eq!(queue.served(), [13, 12, 11, 10]);
}

#[test]
fn new_address_is_served_before_a_flood() {
    let mut queue = Numbered::new(256);
    for round in 0..100 {
        for number in 0..20 {
            while queue.enter(address(number)).is_ok() {}
        }
        let before = queue.count;
        queue.enter_all([address(1000 + round)]);
        let hashes = (1..).find(|_| queue.waiting.next() == Some(before));
        // In the first round all are new.
        assert_eq!(hashes, Some(if round == 0 { 21 } else { 1 }), "{round}");
    }
}

#[test]
fn address_with_a_wrong_password_is_served_later() {
    let mut queue = Numbered::new(64);
    queue.enter_all([address(1), address(2), address(3)]);
    assert_eq!(queue.served(), [0, 1, 2]);
    queue.waiting.mismatch(&address(2));
    queue.waiting.mismatch(&address(1));
    // A known device of the same address does not count.
    queue.waiting.mismatch(&address(3).preferred(true));
    queue.enter_all([address(1), address(2), address(3), address(4)]);
    assert_eq!(queue.served(), [6, 5, 4, 3]);
}

#[test]
fn full_queue_takes_the_place_of_an_address_with_more() {
    let mut queue = Numbered::new(8);
    queue.enter_all([address(1); 2]);
    queue.enter_all([address(2); 4]);
    // The newest of the address with four, then of one with three, then of either with two.
    assert_eq!(queue.enter(address(3)), Ok(vec![5]));
    assert_eq!(queue.enter(address(4)), Ok(vec![4]));
    assert_eq!(queue.enter(address(5)), Ok(vec![3]));
    assert_eq!(queue.enter(address(6)), Ok(vec![1]));
    // No address has more than one now.
    assert_eq!(queue.enter(address(7)), Err(Rejected::Full));
    assert_eq!(queue.enter(address(1)), Err(Rejected::Full));
    assert_eq!(queue.enter(HashCaller::new()), Err(Rejected::Full));
    assert_eq!(queue.served().len(), 6);
}

#[test]
fn full_queue_takes_the_place_of_an_address_that_was_served() {
    let mut queue = Numbered::new(8);
    queue.enter_all((1..=6).map(address));
    assert_eq!(queue.waiting.next(), Some(5));
    queue.enter_all([address(6)]);
    // It was served, and the others were not.
    assert_eq!(queue.enter(address(7)), Ok(vec![6]));
    assert_eq!(queue.enter(address(6)), Err(Rejected::Full));
    assert_eq!(queue.enter(address(8)), Err(Rejected::Full));
}

#[test]
fn full_queue_of_other_lanes_displaces_no_caller() {
    let mut queue = Numbered::new(8);
    queue.enter_all([HashCaller::UNLIMITED; 4]);
    queue.enter_all([preferred(); 4]);
    assert_eq!(queue.enter(address(1)), Err(Rejected::Full));
    let mut queue = Numbered::new(8);
    queue.enter_all([address(1); 2]);
    queue.enter_all([HashCaller::UNLIMITED; 6]);
    assert_eq!(queue.enter(HashCaller::UNLIMITED), Err(Rejected::Full));
    assert_eq!(queue.enter(address(2)), Ok(vec![1]));
    assert_eq!(queue.enter(preferred()), Err(Rejected::Full));
}

#[test]
fn caller_that_has_left_is_not_served() {
    let mut queue = Numbered::new(8);
    queue.enter_all((0..3).map(account));
    assert_eq!(queue.waiting.leave(queue.ids[1]), Some(1));
    assert_eq!(queue.waiting.leave(queue.ids[1]), None);
    assert_eq!(queue.served(), [0, 2]);
}

#[test]
fn queue_without_places_rejects_everyone() {
    let mut queue = Numbered::new(0);
    for caller in [HashCaller::UNLIMITED, HashCaller::new(), preferred()] {
        assert_eq!(queue.enter(caller), Err(Rejected::Full));
    }
    assert_eq!(queue.served(), [0; 0]);
}
