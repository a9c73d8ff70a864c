//! Redemption, expiry and eviction of tickets.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn claims(subject: &str) -> Claims {
    Claims::from_json(format!(r#"{{"sub":"{subject}","exp":4102444800}}"#)).unwrap()
}

fn issue(tickets: &StreamTickets, subject: &str) -> String {
    let ticket = tickets.issue(subject, &claims(subject)).unwrap();
    ticket.as_str().to_owned()
}

/// A clock that the test sets, in seconds.
fn clock() -> (Arc<Mutex<Duration>>, Clock) {
    let time = Arc::new(Mutex::new(1000 * SECOND));
    let shared = Arc::clone(&time);
    let now = move || -> SystemTime { UNIX_EPOCH + *shared.lock().unwrap() };
    (time, Clock::from_fn(now))
}

#[test]
fn ticket_is_redeemed_once() {
    let tickets = StreamTickets::new(8);
    let ticket = issue(&tickets, "7");
    assert_eq!(tickets.redeem(&ticket).as_deref(), Some("7"));
    assert_eq!(tickets.redeem(&ticket), None);
    assert_eq!(tickets.0.lock().entries.len(), 0);
    assert!(tickets.0.lock().numbers.is_empty() && tickets.0.lock().owners.is_empty());
}

#[test]
fn tickets_are_random_and_need_no_encoding() {
    let tickets = StreamTickets::new(8);
    let all: HashSet<String> = (0..100).map(|_| issue(&tickets, "7")).collect();
    assert_eq!(all.len(), 100);
    for ticket in all {
        assert!(StreamTicket::looks_like(&ticket));
        assert_eq!(ticket.len(), PREFIX.len() + 43);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(ticket.bytes().all(plain), "{ticket}");
    }
}

#[test]
fn concurrent_redemptions_yield_one_token() {
    let tickets = StreamTickets::new(8);
    for _ in 0..200 {
        let ticket = issue(&tickets, "7");
        let won = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| tickets.redeem(&ticket).is_some()))
                .collect();
            let won = threads.into_iter().map(|thread| thread.join().unwrap());
            won.filter(|won| *won).count()
        });
        assert_eq!(won, 1);
    }
}

#[test]
fn expired_ticket_is_removed() {
    let (time, clock) = clock();
    let tickets = StreamTickets::new(8).clock(clock);
    let (early, late) = (issue(&tickets, "7"), issue(&tickets, "7"));
    *time.lock().unwrap() += 30 * SECOND - Duration::from_nanos(1);
    assert!(tickets.redeem(&early).is_some());
    *time.lock().unwrap() += Duration::from_nanos(1);
    assert_eq!(tickets.redeem(&late), None);
    assert!(tickets.0.lock().entries.is_empty());
}

#[test]
fn ticket_expires_when_the_clock_is_set_back() {
    let (time, clock) = clock();
    let tickets = StreamTickets::new(8).clock(clock);
    let ticket = issue(&tickets, "7");
    *time.lock().unwrap() -= SECOND;
    assert_eq!(tickets.redeem(&ticket), None);
}

#[test]
fn flood_of_one_user_evicts_only_their_own_tickets() {
    let tickets = StreamTickets::new(64);
    let other = issue(&tickets, "8");
    let flood: Vec<String> = (0..1000).map(|_| issue(&tickets, "7")).collect();
    assert_eq!(tickets.0.lock().entries.len(), 1 + MAX_PER_USER);
    let (old, new) = flood.split_at(flood.len() - MAX_PER_USER);
    assert!(old.iter().all(|ticket| tickets.redeem(ticket).is_none()));
    assert!(new.iter().all(|ticket| tickets.redeem(ticket).is_some()));
    assert!(tickets.redeem(&other).is_some());
}

#[test]
fn subjects_of_two_issuers_are_two_users() {
    let tickets = StreamTickets::new(64);
    let foreign = r#"{"sub":"7","exp":4102444800,"iss":"elsewhere"}"#;
    let foreign = Claims::from_json(foreign).unwrap();
    let other = tickets.issue("other", &foreign).unwrap();
    for _ in 0..100 {
        issue(&tickets, "7");
    }
    assert_eq!(tickets.redeem(other.as_str()).as_deref(), Some("other"));
}

#[test]
fn oldest_tickets_are_evicted_beyond_the_capacity() {
    for capacity in [0, 1, 5] {
        let tickets = StreamTickets::new(capacity);
        let all: Vec<String> = (0..9).map(|id| issue(&tickets, &id.to_string())).collect();
        let kept = capacity.max(1);
        assert_eq!(tickets.0.lock().entries.len(), kept);
        for (position, ticket) in all.iter().enumerate() {
            let valid = tickets.redeem(ticket).is_some();
            assert_eq!(valid, position >= all.len() - kept, "{position}");
        }
    }
}

#[test]
fn ticket_expires_with_its_token() {
    let (_, clock) = clock();
    let tickets = StreamTickets::new(8).clock(clock).lifetime(60 * SECOND);
    for (expiry, left) in [(2000, 60), (1010, 10), (1000, 0), (900, 0)] {
        let json = format!(r#"{{"sub":"7","exp":{expiry}}}"#);
        let ticket = tickets.issue("", &Claims::from_json(json).unwrap());
        assert_eq!(ticket.unwrap().expires_in(), left * SECOND, "{expiry}");
    }
}
