//! Times in tokens: `NumericDate` (RFC 7519, section 2), seconds since 1970, with or without a fraction.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The end of the year 9999.
pub(super) const MAX_DATE_SECONDS: f64 = 253_402_300_799.0;

/// Returns `true` for a time between 1970 and the end of the year 9999. Milliseconds are out of range.
pub(super) fn is_in_range(seconds: f64) -> bool {
    (0.0..=MAX_DATE_SECONDS).contains(&seconds)
}

/// Converts a date that is in range.
pub(super) fn to_system_time(seconds: f64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs_f64(seconds)
}

/// Converts to whole seconds since 1970. An earlier time counts as 1970.
pub(super) fn from_system_time(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_outside_1970_to_9999_are_out_of_range() {
        for (seconds, expected) in [
            (0.0, true),
            (MAX_DATE_SECONDS, true),
            (-0.5, false),
            (MAX_DATE_SECONDS + 1.0, false),
            (1_767_225_600_000.0, false),
            (f64::INFINITY, false),
            (f64::NAN, false),
        ] {
            assert_eq!(is_in_range(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn whole_seconds_survive_a_round_trip() {
        for seconds in [0, 1, 1_767_225_600, MAX_DATE_SECONDS as u64] {
            assert_eq!(from_system_time(to_system_time(seconds as f64)), seconds);
        }
        assert_eq!(from_system_time(UNIX_EPOCH - Duration::from_secs(9)), 0);
    }
}
