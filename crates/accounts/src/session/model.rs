//! Session, and its public view.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tower_warder::private::is_seconds_before;

use crate::model::{User, to_rfc3339};

/// Session as a store keeps it: one row, however often its token was renewed.
///
/// No token can be derived from it: it holds digests, and the successor of a token in a form that
/// only the holder of that token can decrypt. A [session of a cookie](SessionKind::Cookie) has no
/// refresh token, and its row is of no use to anyone who reads it.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Public ID: 22 characters of base64url. Appears in the list of sessions and as `sid` in
    /// access tokens, and grants no access.
    pub id: String,
    /// ID of the account.
    pub user_id: i64,
    /// Token generation of the account when the session was opened. The session ends when the
    /// account has another generation.
    pub generation: u64,
    /// `User-Agent` of the device. Not verified.
    pub device: String,
    /// Time when it was opened.
    pub created_at: SystemTime,
    /// Time of the last use that was recorded; initially `created_at`. A refresh token is used when it
    /// is renewed.
    pub last_used_at: SystemTime,
    /// Time when it expires unless it is used.
    pub expires_at: SystemTime,
    /// SHA-256 of the current refresh token. In a session of a cookie a value that no refresh token
    /// has, and that changes whenever a use is recorded.
    pub token: [u8; 32],
    /// Previous token, rotated at `last_used_at`.
    pub previous: Option<PreviousToken>,
}

/// How a session was opened, and which token it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SessionKind {
    /// By a log-in that returned a refresh token.
    RefreshToken,
    /// By a log-in of a browser, which keeps its token in a cookie.
    Cookie,
}

/// Token that a session had before its current one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PreviousToken {
    /// SHA-256 of the previous token.
    pub digest: [u8; 32],
    /// Secret of the current token, encrypted with the previous one.
    pub successor: [u8; 32],
}

/// New values that renew the token of a session, or record the use of a session of a cookie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// SHA-256 of the new token.
    pub token: [u8; 32],
    /// Secret of the new token, encrypted with the one that it replaces.
    pub successor: [u8; 32],
    /// Time of the renewal.
    pub at: SystemTime,
    /// Time when the session expires after the renewal.
    pub expires_at: SystemTime,
}

impl Session {
    /// Returns how the session was opened.
    pub fn kind(&self) -> SessionKind {
        match self.token.starts_with(COOKIE_MARK) {
            true => SessionKind::Cookie,
            false => SessionKind::RefreshToken,
        }
    }

    /// Returns the session after its token was renewed.
    #[must_use]
    pub fn rotated(mut self, rotation: &Rotation) -> Self {
        self.previous = Some(PreviousToken {
            digest: self.token,
            successor: rotation.successor,
        });
        self.token = rotation.token;
        self.last_used_at = rotation.at;
        self.expires_at = rotation.expires_at;
        self
    }

    /// Value of [`token`](Self::token) of a session of a cookie that was last used at this time. It
    /// differs for each recorded use, so that of concurrent requests only one records it.
    pub(super) fn cookie_token(used_at: SystemTime) -> [u8; 32] {
        let since = used_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut token = [0; 32];
        let (mark, time) = token.split_at_mut(COOKIE_MARK.len());
        mark.copy_from_slice(COOKIE_MARK);
        time.copy_from_slice(&since.as_micros().to_be_bytes());
        token
    }

    /// Returns [`last_used_at`](Self::last_used_at) rounded to whole hours, so that the list of
    /// sessions does not reveal when the token was renewed.
    pub(crate) fn shown_use(&self) -> SystemTime {
        whole_hours(self.last_used_at).max(self.created_at)
    }

    /// Returns `true` if the text has the form of an ID.
    pub(crate) fn is_id(text: &str) -> bool {
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        text.len() == ID_CHARS && text.bytes().all(base64url)
    }

    /// Returns `true` if the session belongs to this account: its generation is current, and it was
    /// not opened for an account that had the same ID before a database was restored.
    pub(crate) fn is_of(&self, user: &User) -> bool {
        self.user_id == user.id
            && self.generation == user.token_generation
            && !is_seconds_before(self.created_at, user.created_at)
    }

    /// Returns `true` if the session has expired.
    pub(super) fn has_expired(&self, now: SystemTime) -> bool {
        self.expires_at <= now
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .field("generation", &self.generation)
            .field("device", &self.device)
            .field("created_at", &self.created_at)
            .field("last_used_at", &self.last_used_at)
            .field("expires_at", &self.expires_at)
            .field("token", &"[redacted]")
            .field("previous", &self.previous)
            .finish()
    }
}

impl fmt::Debug for PreviousToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PreviousToken([redacted])")
    }
}

impl fmt::Debug for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotation")
            .field("at", &self.at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Session as clients see it.
///
/// Does not contain the time of the last renewal: an attacker who holds the previous token would
/// learn when it can still be exchanged for its successor within
/// [`Sessions::reuse_grace`](crate::Sessions::reuse_grace).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionPublic {
    /// Public ID.
    pub id: String,
    /// How it was opened.
    pub kind: SessionKind,
    /// `User-Agent` of the device; empty if it sent none.
    pub device: String,
    /// Time when it was opened: RFC 3339, in UTC with its `Z`.
    #[serde(serialize_with = "to_rfc3339")]
    pub created_at: SystemTime,
    /// Time of its last use, rounded down to the hour, but not before `created_at`.
    #[serde(serialize_with = "to_rfc3339")]
    pub last_used_at: SystemTime,
    /// Time when it expires unless it is used, rounded up to the hour.
    #[serde(serialize_with = "to_rfc3339")]
    pub expires_at: SystemTime,
    /// `true` for the session of the caller.
    pub is_current: bool,
}

impl SessionPublic {
    /// Returns the public view of a session for a client whose own session is `current`.
    pub fn new(session: Session, current: Option<&str>) -> Self {
        Self {
            is_current: current == Some(&*session.id),
            kind: session.kind(),
            last_used_at: session.shown_use(),
            id: session.id,
            device: session.device,
            created_at: session.created_at,
            expires_at: whole_hours(session.expires_at) + HOUR,
        }
    }
}

fn whole_hours(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since.as_secs() / HOUR.as_secs() * HOUR.as_secs())
}

/// Sanitizes a `User-Agent` for display: keeps letters, digits, spaces and ASCII punctuation, so
/// that no control character reverses or hides text, and limits the length.
pub(super) fn device(text: &str) -> String {
    let shown =
        |letter: &char| letter.is_alphanumeric() || letter.is_ascii_graphic() || *letter == ' ';
    let text: String = text.chars().filter(shown).take(MAX_DEVICE_CHARS).collect();
    text.trim().to_owned()
}

const HOUR: Duration = Duration::from_secs(3600);

/// First half of [`Session::token`] where there is no refresh token. No SHA-256 begins like this,
/// except with a probability of 2⁻¹²⁸.
const COOKIE_MARK: &[u8; 16] = b"cookie session\0\0";

const ID_CHARS: usize = 22;
const MAX_DEVICE_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookie_tokens_are_marked_and_differ_by_microsecond() {
        let second = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let [one, next] =
            [0, 1].map(|it| Session::cookie_token(second + Duration::from_micros(it)));
        assert_ne!(one, next);
        assert!(one.starts_with(COOKIE_MARK) && next.starts_with(COOKIE_MARK));
    }

    #[test]
    fn device_names_keep_only_printable_characters() {
        for (user_agent, shown) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64)",
                "Mozilla/5.0 (X11; Linux x86_64)",
            ),
            ("  Jürgens Telefon\t\r\n", "Jürgens Telefon"),
            ("a\u{202e}b\u{200b}c\0d\u{1b}[31m", "abcd[31m"),
            ("\u{7f}\u{85}", ""),
        ] {
            assert_eq!(device(user_agent), shown, "{user_agent:?}");
        }
        assert_eq!(device(&"ä".repeat(9999)), "ä".repeat(200));
    }
}
