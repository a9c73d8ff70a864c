//! `exp`, `nbf`, `iat`, leeway and clocks.

use std::time::{Duration, UNIX_EPOCH};

use tower_warder::Claims;
use tower_warder::clock::Clock;
use tower_warder::error::ConfigError;

use super::forge::*;

#[test]
fn exp_is_required_and_finite_up_to_the_year_9999() {
    for (exp, expected) in [
        ("1767229200", ACCEPTED),
        ("1767229200.0", ACCEPTED),
        ("1767229200.5", ACCEPTED),
        ("1.7672292e9", ACCEPTED),
        ("17672292E+2", ACCEPTED),
        ("253402300799", ACCEPTED),
        ("253402300799.0", ACCEPTED),
        ("2.53402300799e11", ACCEPTED),
        ("253402300799.5", EXPIRY_RANGE),
        ("253402300800", EXPIRY_RANGE),
        ("1767229200000", EXPIRY_RANGE),
        ("9223372036854775807", EXPIRY_RANGE),
        ("9223372036854775808", EXPIRY_RANGE),
        ("18446744073709551615", EXPIRY_RANGE),
        ("18446744073709551616", EXPIRY_RANGE),
        ("1e308", EXPIRY_RANGE),
        ("1e400", JSON_CLAIMS),
        ("-1e400", JSON_CLAIMS),
        ("99999999999999999999999999999999999999999", EXPIRY_RANGE),
        ("0", EXPIRED),
        ("-0", EXPIRED),
        ("-0.0", EXPIRED),
        ("1e-400", EXPIRED),
        ("-1", EXPIRY_RANGE),
        ("-0.5", EXPIRY_RANGE),
        ("-1767229200", EXPIRY_RANGE),
        ("-9223372036854775808", EXPIRY_RANGE),
        (r#""1767229200""#, EXPIRY_TYPE),
        (r#""2026-01-01T01:00:00Z""#, EXPIRY_TYPE),
        (r#""""#, EXPIRY_TYPE),
        ("true", EXPIRY_TYPE),
        ("false", EXPIRY_TYPE),
        ("null", NO_EXPIRY),
        ("[1767229200]", EXPIRY_TYPE),
        ("[]", EXPIRY_TYPE),
        (r#"{"exp":1767229200}"#, EXPIRY_TYPE),
        ("NaN", JSON_CLAIMS),
        ("Infinity", JSON_CLAIMS),
        ("-Infinity", JSON_CLAIMS),
        ("inf", JSON_CLAIMS),
        (r#""NaN""#, EXPIRY_TYPE),
        ("01767229200", JSON_CLAIMS),
        ("0x69570000", JSON_CLAIMS),
        ("1_767_229_200", JSON_CLAIMS),
        ("1767229200.", JSON_CLAIMS),
        ("+1767229200", JSON_CLAIMS),
    ] {
        check(
            &with_payload(format!(r#"{{"sub":"7","exp":{exp}}}"#)),
            expected,
            exp,
        );
    }
    check(&with_payload(r#"{"sub":"7"}"#), NO_EXPIRY, "none");
    check(
        &with_payload(r#"{"sub":"7","EXP":1767229200}"#),
        NO_EXPIRY,
        "another name",
    );
}

#[test]
fn nbf_and_iat_must_be_dates_if_present() {
    for (date, expected) in [
        ("0", ACCEPTED),
        ("-0", ACCEPTED),
        ("1767225600", ACCEPTED),
        ("1767225599.9", ACCEPTED),
        ("null", ACCEPTED),
        ("253402300800", "_range"),
        ("1767225600000", "_range"),
        ("1e300", "_range"),
        ("-1", "_range"),
        (r#""1767225600""#, "_type"),
        ("true", "_type"),
        ("[1767225600]", "_type"),
        ("{}", "_type"),
        ("1e400", JSON_CLAIMS),
        ("NaN", JSON_CLAIMS),
    ] {
        for (name, code) in [("nbf", "not_before"), ("iat", "issued_at")] {
            let member = format!(r#""{name}":{date}"#);
            let expected = match expected.strip_prefix('_') {
                Some(what) => format!("{code}_{what}"),
                None => expected.to_owned(),
            };
            check(&with_claims(&member), &expected, member);
        }
    }
}

#[test]
fn token_expires_at_exp_plus_leeway() {
    for (exp, leeway, now, expected) in [
        ("10", 0, 9.0, ACCEPTED),
        ("10", 0, 9.999_999, ACCEPTED),
        ("10", 0, 10.0, EXPIRED),
        ("10", 0, 10.000_001, EXPIRED),
        ("10", 0, 1e9, EXPIRED),
        ("10.5", 0, 10.0, ACCEPTED),
        ("10.5", 0, 10.499_999, ACCEPTED),
        ("10.5", 0, 10.5, EXPIRED),
        ("10.25", 0, 10.25, EXPIRED),
        ("10", 5, 14.999_999, ACCEPTED),
        ("10", 5, 15.0, EXPIRED),
        ("10.5", 5, 15.499_999, ACCEPTED),
        ("10.5", 5, 15.5, EXPIRED),
        ("10", 300, 309.999_999, ACCEPTED),
        ("10", 300, 310.0, EXPIRED),
    ] {
        let exp = shifted(exp);
        let token = with_payload(format!(r#"{{"sub":"7","exp":{exp}}}"#));
        check_at(now, leeway, &token, expected, "exp");
    }
}

#[test]
fn nbf_and_iat_tolerance_is_5_seconds_plus_leeway() {
    for (date, leeway, now, passes) in [
        ("10", 0, 4.999_999, false),
        ("10", 0, 5.0, true),
        ("10", 0, 10.0, true),
        ("10", 0, 0.0, false),
        ("10.5", 0, 5.0, false),
        ("10.5", 0, 5.499_999, false),
        ("10.5", 0, 5.5, true),
        ("20", 5, 9.999_999, false),
        ("20", 5, 10.0, true),
        ("10", 300, 0.0, true),
        ("306", 300, 0.999_999, false),
        ("306", 300, 1.0, true),
    ] {
        let date = shifted(date);
        for (name, rejected) in [("nbf", NOT_YET_VALID), ("iat", ISSUED_IN_FUTURE)] {
            let expected = if passes { ACCEPTED } else { rejected };
            let token = with_claims(format!(r#""{name}":{date}"#));
            check_at(now, leeway, &token, expected, name);

            let claims = r#"{"sub":"7","exp":1767229200,"#.to_owned();
            let claims = Claims::from_json(format!(r#"{claims}"{name}":{date}}}"#)).unwrap();
            let leeway = Duration::from_secs(leeway);
            let valid = claims.validate_times(&at(NOW as f64 + now), leeway);
            let reason = valid.err().map_or(ACCEPTED, |error| error.reason());
            assert_eq!(reason, expected, "{name} {date} at {now}");
        }
    }
}

#[test]
fn exp_has_no_5_second_tolerance() {
    let claims = Claims::from_json(PAYLOAD).unwrap();
    for (now, expected) in [(1_767_229_199, None), (1_767_229_200, Some(EXPIRED))] {
        let valid = claims
            .clone()
            .validate_times(&at(now as f64), Duration::ZERO);
        assert_eq!(valid.err().map(|error| error.reason()), expected, "{now}");
    }
}

#[test]
fn last_date_does_not_overflow() {
    let last = with_payload(r#"{"sub":"7","exp":253402300799}"#);
    let clock = |seconds| Clock::from_fn(move || UNIX_EPOCH + Duration::from_secs(seconds));
    let longest = verifier().leeway(Duration::from_secs(300)).unwrap();
    for (now, expected) in [
        (253_402_300_798, ACCEPTED),
        (253_402_300_799 + 299, ACCEPTED),
        (253_402_300_799 + 300, EXPIRED),
        (i64::MAX as u64, EXPIRED),
    ] {
        check_with(&longest.clone().clock(clock(now)), &last, expected, now);
    }
}

#[test]
fn clock_before_1970_rejects_every_token_as_expired() {
    for before in [
        Duration::from_nanos(1),
        Duration::from_secs(1),
        Duration::from_secs(1 << 40),
    ] {
        let verifier = verifier()
            .leeway(Duration::from_secs(300))
            .unwrap()
            .clock(Clock::from_fn(move || UNIX_EPOCH - before));
        for exp in ["0", "1767229200", "253402300799"] {
            let token = with_payload(format!(r#"{{"sub":"7","exp":{exp}}}"#));
            check_with(&verifier, &token, EXPIRED, format!("{before:?}: {exp}"));
        }
    }
}

#[test]
fn leeway_is_at_most_300_seconds() {
    for leeway in [
        Duration::ZERO,
        Duration::from_millis(500),
        Duration::from_secs(300),
    ] {
        assert!(verifier().leeway(leeway).is_ok(), "{leeway:?}");
    }
    for leeway in [
        Duration::from_secs(300) + Duration::from_nanos(1),
        Duration::from_secs(301),
        Duration::from_secs(u64::MAX),
        Duration::MAX,
    ] {
        let rejected = verifier().leeway(leeway).unwrap_err();
        assert!(matches!(rejected, ConfigError::LeewayTooLong), "{leeway:?}");
    }
}

#[track_caller]
fn check_at(now: f64, leeway: u64, token: &str, expected: &str, row: &str) {
    let verifier = verifier().leeway(Duration::from_secs(leeway)).unwrap();
    let verifier = verifier.clock(at(NOW as f64 + now));
    check_with(
        &verifier,
        token,
        expected,
        format!("{row} at {now} with {leeway}"),
    );
}

/// Date this many seconds after [`NOW`], with the same fraction.
fn shifted(seconds: &str) -> String {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let whole = NOW + whole.parse::<u64>().unwrap();
    if fraction.is_empty() {
        whole.to_string()
    } else {
        format!("{whole}.{fraction}")
    }
}
