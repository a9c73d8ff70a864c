//! A session, and what of it a client sees.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tower_warder::private::is_seconds_before;

use crate::model::{User, to_rfc3339};

/// A session as a store keeps it: one row, however often its token was renewed.
///
/// No token can be made of it: it has digests, and the sealed successor of a token that only the
/// holder of that token can open.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// The public name: 22 characters of base64url. It stands in the list of sessions and as `sid`
    /// in access tokens, and opens nothing.
    pub id: String,
    /// Whose it is.
    pub user_id: i64,
    /// The account's token generation when it was opened. Once the account has another one, the
    /// session is over.
    pub generation: u64,
    /// What the device said of itself. Nobody checked it.
    pub device: String,
    /// When it was opened.
    pub created_at: SystemTime,
    /// When its token was renewed last: at first, when it was opened.
    pub last_used_at: SystemTime,
    /// When it is over, unless its token is renewed before.
    pub expires_at: SystemTime,
    /// The SHA-256 of its token.
    pub token: [u8; 32],
    /// The token before that one, spent at `last_used_at`.
    pub previous: Option<PreviousToken>,
}

/// The token that a session had before its present one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PreviousToken {
    /// The SHA-256 of it.
    pub digest: [u8; 32],
    /// The secret of the present token, sealed with the spent one.
    pub successor: [u8; 32],
}

/// What renews the token of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The SHA-256 of the new token.
    pub token: [u8; 32],
    /// The secret of the new token, sealed with the one that it follows.
    pub successor: [u8; 32],
    /// When it is renewed.
    pub at: SystemTime,
    /// When the session is over then.
    pub expires_at: SystemTime,
}

impl Session {
    /// The session after its token was renewed.
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

    /// [`last_used_at`](Self::last_used_at) as the account's owner is told: in whole hours, so that
    /// nobody learns when its token was renewed.
    pub(crate) fn shown_use(&self) -> SystemTime {
        whole_hours(self.last_used_at).max(self.created_at)
    }

    /// Whether a text has the form of an id.
    pub(crate) fn is_id(text: &str) -> bool {
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        text.len() == ID && text.bytes().all(base64url)
    }

    /// Whether its tokens are this account's: neither of an earlier generation, nor of an account
    /// that had the same id before a database was restored.
    pub(crate) fn is_of(&self, user: &User) -> bool {
        self.user_id == user.id
            && self.generation == user.token_generation
            && !is_seconds_before(self.created_at, user.created_at)
    }

    /// Whether it is over at this time.
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

/// What a client sees of a session.
///
/// Not the moment when its token was renewed: whoever stole the one before would know when that is
/// good for its successor once more, within the [grace](crate::Sessions::reuse_grace).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionPublic {
    /// The public name.
    pub id: String,
    /// What the device said of itself; empty if it said nothing.
    pub device: String,
    /// When it was opened: RFC 3339, in UTC with its `Z`.
    #[serde(serialize_with = "to_rfc3339")]
    pub created_at: SystemTime,
    /// When its token was renewed last: the whole hour before, or when it was opened.
    #[serde(serialize_with = "to_rfc3339")]
    pub last_used_at: SystemTime,
    /// When it is over at the latest, unless its token is renewed before: the whole hour after.
    #[serde(serialize_with = "to_rfc3339")]
    pub expires_at: SystemTime,
    /// Whether it is the one of who asks.
    pub is_current: bool,
}

impl SessionPublic {
    /// The session as it is shown to who has the session `current`.
    pub fn new(session: Session, current: Option<&str>) -> Self {
        Self {
            is_current: current == Some(&*session.id),
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

/// What may stand in a list of devices of what one says of itself: letters, digits, blanks and
/// ASCII's signs, so that no text is turned round or hidden, and not too many of them.
pub(super) fn device(text: &str) -> String {
    let shown =
        |letter: &char| letter.is_alphanumeric() || letter.is_ascii_graphic() || *letter == ' ';
    let text: String = text.chars().filter(shown).take(MAX_DEVICE).collect();
    text.trim().to_owned()
}

const HOUR: Duration = Duration::from_secs(3600);

/// Characters.
const ID: usize = 22;
const MAX_DEVICE: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_called_by_what_can_be_shown() {
        for (said, shown) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64)",
                "Mozilla/5.0 (X11; Linux x86_64)",
            ),
            ("  Jürgens Telefon\t\r\n", "Jürgens Telefon"),
            ("a\u{202e}b\u{200b}c\0d\u{1b}[31m", "abcd[31m"),
            ("\u{7f}\u{85}", ""),
        ] {
            assert_eq!(device(said), shown, "{said:?}");
        }
        assert_eq!(device(&"ä".repeat(9999)), "ä".repeat(200));
    }
}
