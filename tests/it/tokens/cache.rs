//! Caches of a verifier: a cached token is accepted only where it would be accepted without cache.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use tower_warder::keys::{KeyRing, SigningKey, VerifyingKey};
use tower_warder::testing::FixedClock;
use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};

use super::forge::*;

#[test]
fn cached_token_is_rejected_after_expiry() {
    let clock = FixedClock::at(UNIX_EPOCH + Duration::from_secs(NOW));
    let verifier = JwtVerifier::hs256(&secret()).clock(clock.clock()).cache(16);
    let token = with_claims(format!(r#""nbf":{NOW},"iat":{NOW}"#));
    check_with(&verifier, &token, ACCEPTED, "fresh");
    check_with(&verifier, &token, ACCEPTED, "cached");
    clock.advance(Duration::from_secs(3599));
    check_with(&verifier, &token, ACCEPTED, "the last second");
    clock.advance(Duration::from_secs(1));
    check_with(&verifier, &token, EXPIRED, "cached and expired");
}

#[test]
fn cached_token_is_rejected_before_nbf_after_clock_change() {
    let clock = FixedClock::at(UNIX_EPOCH + Duration::from_secs(NOW + 100));
    let verifier = JwtVerifier::hs256(&secret()).clock(clock.clock()).cache(16);
    let token = with_claims(format!(r#""nbf":{}"#, NOW + 50));
    check_with(&verifier, &token, ACCEPTED, "cached");
    let earlier = verifier.clone().clock(at(NOW as f64));
    check_with(&earlier, &token, NOT_YET_VALID, "the clock was set right");
}

#[test]
fn token_cache_hits_only_identical_bytes() {
    let verifier = verifier().cache(16);
    let token = with_payload(PAYLOAD);
    check_with(&verifier, &token, ACCEPTED, "itself");
    let [header, payload, signature] = segments(&token);
    let admin = encode(r#"{"sub":"1","exp":1767229200}"#);
    check_with(
        &verifier,
        &format!("{header}.{admin}.{signature}"),
        SIGNATURE,
        "another payload under the same signature",
    );
    let none = encode(r#"{"alg":"none"}"#);
    check_with(
        &verifier,
        &format!("{none}.{payload}.{signature}"),
        ALGORITHM,
        "another header under the same signature",
    );
    for position in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(bytes).unwrap();
        assert!(verifier.verify_token(&other).is_err(), "byte {position}");
    }
    for other in [
        format!("{token}="),
        format!(" {token}"),
        token[1..].to_owned(),
    ] {
        assert!(verifier.verify_token(&other).is_err(), "{other}");
    }
    check_with(&verifier, &token, ACCEPTED, "itself again");
}

#[test]
fn removed_key_invalidates_its_cached_tokens() {
    let ring = KeyRing::new();
    ring.set_signing_key(SigningKey::hs256(&secret()).key_id("a"))
        .unwrap();
    let verifier = JwtVerifier::ring(&ring).cache(16);
    let token = JwtIssuer::ring(&ring).issue("7").unwrap();
    check_with(&verifier, &token, ACCEPTED, "fresh");
    check_with(&verifier, &token, ACCEPTED, "cached");

    ring.remove("a");
    check_with(&verifier, &token, KEY_ID, "removed");

    // Another key with the same id.
    ring.add(VerifyingKey::hs256(&HmacSecret::generate()).key_id("a"))
        .unwrap();
    check_with(&verifier, &token, SIGNATURE, "another key of that name");

    ring.remove("a");
    ring.add(VerifyingKey::hs256(&secret()).key_id("a"))
        .unwrap();
    check_with(&verifier, &token, ACCEPTED, "the same key again");
}

#[test]
fn key_removed_during_verification_accepts_nothing_after() {
    for _ in 0..100 {
        let ring = KeyRing::new();
        ring.set_signing_key(SigningKey::hs256(&secret()).key_id("a"))
            .unwrap();
        let token = JwtIssuer::ring(&ring).issue("7").unwrap();
        let verifier = JwtVerifier::ring(&ring).cache(16);
        let (accepted, removed) = (AtomicUsize::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !removed.load(SeqCst) {
                        let verified = verifier.verify_token(&token);
                        accepted.fetch_add(usize::from(verified.is_ok()), SeqCst);
                    }
                    check_with(&verifier, &token, KEY_ID, "removed");
                });
            }
            while accepted.load(SeqCst) < 5 {
                thread::yield_now();
            }
            ring.remove("a");
            removed.store(true, SeqCst);
        });
    }
}

#[test]
fn changed_default_key_invalidates_cached_tokens() {
    let ring = KeyRing::new();
    ring.add(VerifyingKey::hs256(&secret()).key_id("a"))
        .unwrap();
    ring.add(VerifyingKey::hs256(&HmacSecret::generate()).key_id("b"))
        .unwrap();
    ring.set_default_kid("a").unwrap();
    let verifier = JwtVerifier::ring(&ring).clock(at(NOW as f64)).cache(16);
    check_with(&verifier, &with_payload(PAYLOAD), ACCEPTED, "by default");
    ring.set_default_kid("b").unwrap();
    check_with(&verifier, &with_payload(PAYLOAD), SIGNATURE, "by another");
}

#[test]
fn cached_header_is_resolved_again_after_key_change() {
    let ring = KeyRing::new();
    ring.add(VerifyingKey::hs256(&HmacSecret::generate()).key_id("a"))
        .unwrap();
    ring.add(VerifyingKey::hs256(&secret()).key_id("b"))
        .unwrap();
    let verifier = JwtVerifier::ring(&ring).clock(at(NOW as f64));
    let token = with_header(r#"{"alg":"HS256","kid":"b"}"#);
    check_with(&verifier, &token, ACCEPTED, "second in the ring");
    check_with(&verifier, &token, ACCEPTED, "with a known header");
    ring.remove("a");
    check_with(&verifier, &token, ACCEPTED, "first in the ring");
    ring.remove("b");
    check_with(&verifier, &token, KEY_ID, "gone");
}

#[test]
fn headers_beyond_the_cache_are_verified_normally() {
    let verifier = verifier();
    for _ in 0..2 {
        for n in 0..10 {
            let header = format!(r#"{{"alg":"HS256","n":{n}}}"#);
            check_with(&verifier, &with_header(&header), ACCEPTED, &header);
            let header = format!(r#"{{"alg":"HS256","n":{n},"crit":[]}}"#);
            check_with(&verifier, &with_header(&header), CRITICAL, &header);
        }
    }
}

#[test]
fn two_verifiers_share_no_cache() {
    let token = with_payload(PAYLOAD);
    let (one, other) = (
        verifier().cache(16),
        JwtVerifier::hs256(&HmacSecret::generate())
            .clock(at(NOW as f64))
            .cache(16),
    );
    check_with(&one, &token, ACCEPTED, "its own");
    check_with(&other, &token, SIGNATURE, "another's");
}

#[test]
fn reconfigured_clone_shares_no_cache() {
    let token = with_payload(PAYLOAD);
    let lax = verifier().cache(16);
    check_with(&lax, &token, ACCEPTED, "cached");
    check_with(&lax.clone(), &token, ACCEPTED, "a clone as it was");
    check_with(&lax.clone().issuer("a"), &token, NO_ISSUER, "an issuer");
    check_with(
        &lax.clone().audience("a"),
        &token,
        NO_AUDIENCE,
        "an audience",
    );
    check_with(&lax.clone().max_token_bytes(10), &token, SIZE, "a size");
    let late = lax.clone().clock(at(NOW as f64 + 3600.0));
    check_with(&late, &token, EXPIRED, "another clock");
    check_with(&lax, &token, ACCEPTED, "still cached");
}

#[test]
fn verifier_debug_shows_no_cached_token() {
    let verifier = verifier().cache(16);
    let token = with_payload(PAYLOAD);
    check_with(&verifier, &token, ACCEPTED, "cached");
    let shown = format!("{verifier:?} {verifier:#?}");
    for segment in segments(&token) {
        assert!(!shown.contains(&segment), "{shown}");
    }
}
