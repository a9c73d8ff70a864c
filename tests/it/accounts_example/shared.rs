//! What the stores of the example have in common.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tower_warder::accounts::Session;

pub(super) fn session(n: i64, user_id: i64) -> Session {
    Session {
        id: format!("{n:-<22}"),
        user_id,
        generation: 0,
        device: String::new(),
        created_at: time(0),
        last_used_at: time(0),
        expires_at: time(100),
        token: [0; 32],
        spent: None,
    }
}

pub(super) fn time(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_225_600 + second)
}
