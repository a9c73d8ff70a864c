//! Accounts, and their public representation.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use tower_warder::{AuthUser, UserStatus};

/// Account as it is stored.
///
/// Clients get a [`UserPublic`]. This type cannot be serialized, so that the password hash does not
/// leak.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Positive, and never reused for another account.
    pub id: i64,
    /// The canonical address: see [`Email`](crate::Email).
    pub email: String,
    /// Password hash as a PHC string. With one that cannot be parsed, every log-in is answered like a
    /// wrong password. [`NO_PASSWORD`](Self::NO_PASSWORD) stands for none.
    pub hashed_password: String,
    /// Whether the account is an admin. Has effect only while the account is approved.
    pub is_admin: bool,
    /// Status of the account; requests are authorized only while it is approved.
    pub status: UserStatus,
    /// Time of registration. Tokens and sessions from before are rejected, so keep this value when
    /// you move accounts to another database.
    pub created_at: SystemTime,
    /// Time of the first approval.
    pub approved_at: Option<SystemTime>,
    /// Id of the admin that gave the first approval; `None` if the account was approved on
    /// registration or by the application itself.
    pub approved_by: Option<i64>,
    /// Generation of the valid tokens: those of another generation are rejected. Raised by each reset
    /// or change of the password, by a change of the address that its owner confirmed, by a log-out of
    /// all sessions, and when the account is no longer approved.
    pub token_generation: u64,
    /// Time when the owner of the account proved to receive mail at [`email`](Self::email); `None` if
    /// that was not proved.
    pub email_verified_at: Option<SystemTime>,
    /// Name of the owner, as others see it.
    pub display_name: Option<String>,
    /// Whether the next log-in has to be followed by a change of the password.
    pub must_change_password: bool,
}

impl User {
    /// Stands for the hash of an account whose owner has not set a password yet: no password matches
    /// it. Such an account cannot be approved.
    pub const NO_PASSWORD: &'static str = "!";

    /// Returns `false` for an account whose owner has not set a password yet: one that was invited, or
    /// that registers by mail.
    pub fn has_password(&self) -> bool {
        self.hashed_password != Self::NO_PASSWORD
    }

    /// Returns the hash that a password is compared with, if there is one.
    pub(super) fn password_hash(&self) -> Option<&str> {
        self.has_password().then_some(&self.hashed_password)
    }

    /// Returns `true` if the owner can still set the first password of the account.
    pub(super) fn awaits_password(&self) -> bool {
        self.status == UserStatus::Pending && !self.has_password()
    }

    /// Returns `true` if the account is an admin *and* approved. The last such account cannot be
    /// demoted, disabled or deleted.
    pub fn is_active_admin(&self) -> bool {
        self.is_admin && self.status == UserStatus::Approved
    }

    /// Returns `true` if the account is new, which is pending and was never approved, and its address is
    /// not verified. One without a password is not new: an admin has invited its owner, or a link by mail
    /// will verify the address.
    pub(super) fn is_new_and_unverified(&self) -> bool {
        self.status == UserStatus::Pending
            && self.has_password()
            && self.approved_at.is_none()
            && self.email_verified_at.is_none()
    }
}

impl AuthUser for User {
    fn status(&self) -> UserStatus {
        self.status
    }

    fn is_admin(&self) -> bool {
        self.is_admin
    }

    fn is_email_verified(&self) -> bool {
        self.email_verified_at.is_some()
    }

    fn token_generation(&self) -> Option<u64> {
        Some(self.token_generation)
    }

    fn tokens_valid_since(&self) -> Option<SystemTime> {
        Some(self.created_at)
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("email", &self.email)
            .field("hashed_password", &"[redacted]")
            .field("is_admin", &self.is_admin)
            .field("status", &self.status)
            .field("created_at", &self.created_at)
            .field("approved_at", &self.approved_at)
            .field("approved_by", &self.approved_by)
            .field("token_generation", &self.token_generation)
            .field("email_verified_at", &self.email_verified_at)
            .field("display_name", &self.display_name)
            .field("must_change_password", &self.must_change_password)
            .finish()
    }
}

/// Public representation of an account, as clients get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPublic {
    /// The canonical address.
    pub email: String,
    /// The account's id.
    pub id: i64,
    /// Whether the account is an admin.
    pub is_admin: bool,
    /// Status of the account; requests are authorized only while it is approved.
    pub status: UserStatus,
    /// Time of registration; in JSON in the format of RFC 3339, in UTC with `Z`.
    #[serde(serialize_with = "to_rfc3339", deserialize_with = "from_rfc3339")]
    pub created_at: SystemTime,
    /// Time when the address was verified, in the same format; absent if it was not.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "option_to_rfc3339",
        deserialize_with = "option_from_rfc3339"
    )]
    pub email_verified_at: Option<SystemTime>,
    /// Name of the owner; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether the account has a password: `false` until the owner of an account that was invited, or
    /// that registers by mail, has set one. Absent if it has.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub has_password: bool,
}

impl From<&User> for UserPublic {
    fn from(user: &User) -> Self {
        Self {
            email: user.email.clone(),
            id: user.id,
            is_admin: user.is_admin,
            status: user.status,
            created_at: user.created_at,
            email_verified_at: user.email_verified_at,
            display_name: user.display_name.clone(),
            has_password: user.has_password(),
        }
    }
}

const fn yes() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_yes(is_set: &bool) -> bool {
    *is_set
}

/// Response to a log-in (RFC 6749, section 5.1).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The token to send as `Authorization: Bearer …`.
    pub access_token: String,
    /// Always `bearer`.
    pub token_type: String,
    /// Lifetime of the access token in seconds.
    pub expires_in: u64,
    /// Refresh token (RFC 6749, section 6), to be used once; only with
    /// [sessions](crate::Accounts::sessions).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Lifetime of the refresh token in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_expires_in: Option<u64>,
}

impl Token {
    /// Creates a bearer token with this lifetime.
    pub fn bearer(access_token: impl Into<String>, lifetime: Duration) -> Self {
        Self {
            access_token: access_token.into(),
            token_type: "bearer".to_owned(),
            expires_in: lifetime.as_secs(),
            refresh_token: None,
            refresh_expires_in: None,
        }
    }

    /// Adds a refresh token with this lifetime.
    #[must_use]
    pub fn refresh(mut self, refresh_token: impl Into<String>, lifetime: Duration) -> Self {
        self.refresh_token = Some(refresh_token.into());
        self.refresh_expires_in = Some(lifetime.as_secs());
        self
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("access_token", &"[redacted]")
            .field("token_type", &self.token_type)
            .field("expires_in", &self.expires_in)
            .field(
                "refresh_token",
                &self.refresh_token.as_ref().map(|_| "[redacted]"),
            )
            .field("refresh_expires_in", &self.refresh_expires_in)
            .finish()
    }
}

/// Rounds a time down to whole microseconds, which every database can store.
pub(super) fn whole_micros(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH);
    let micros = since.map_or(0, |since| since.as_micros());
    UNIX_EPOCH + Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

pub(super) fn to_rfc3339<S: Serializer>(
    time: &SystemTime,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let time = Timestamp::try_from(*time).map_err(ser::Error::custom)?;
    serializer.collect_str(&time)
}

fn from_rfc3339<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    let time: Timestamp = String::deserialize(deserializer)?
        .parse()
        .map_err(de::Error::custom)?;
    SystemTime::try_from(time).map_err(de::Error::custom)
}

fn option_to_rfc3339<S: Serializer>(
    time: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => to_rfc3339(time, serializer),
        None => serializer.serialize_none(),
    }
}

fn option_from_rfc3339<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SystemTime>, D::Error> {
    from_rfc3339(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user() -> User {
        User {
            id: 7,
            email: "jane@example.org".to_owned(),
            hashed_password: "$argon2id$v=19$hash".to_owned(),
            is_admin: false,
            status: UserStatus::Pending,
            created_at: UNIX_EPOCH + Duration::from_millis(1_767_225_600_250),
            approved_at: None,
            approved_by: None,
            token_generation: 0,
            email_verified_at: None,
            display_name: None,
            must_change_password: false,
        }
    }

    #[test]
    fn public_json_has_five_fields_and_a_utc_time() {
        let public = UserPublic::from(&user());
        let json = serde_json::to_value(&public).unwrap();
        assert_eq!(
            json,
            json!({
                "email": "jane@example.org",
                "id": 7,
                "is_admin": false,
                "status": "pending",
                "created_at": "2026-01-01T00:00:00.25Z",
            })
        );
        assert_eq!(serde_json::from_value::<UserPublic>(json).unwrap(), public);
    }

    #[test]
    fn public_json_has_what_is_optional_only_if_set() {
        let public = UserPublic::from(&User {
            email_verified_at: Some(UNIX_EPOCH + Duration::from_secs(1_767_225_600)),
            display_name: Some("Jane".to_owned()),
            hashed_password: User::NO_PASSWORD.to_owned(),
            ..user()
        });
        let json = serde_json::to_value(&public).unwrap();
        assert_eq!(json["email_verified_at"], "2026-01-01T00:00:00Z");
        assert_eq!(json["display_name"], "Jane");
        assert_eq!(json["has_password"], false);
        assert_eq!(serde_json::from_value::<UserPublic>(json).unwrap(), public);
    }

    #[test]
    fn debug_shows_neither_hash_nor_token() {
        let token = Token::bearer("ey.ab.cd", Duration::from_secs(60));
        let text = format!("{:?} {:#?} {token:?} {token:#?}", user(), user());
        assert!(!text.contains("argon2id") && !text.contains("ey.ab"));
    }

    #[test]
    fn token_json_has_type_bearer_and_lifetime_in_seconds() {
        let token = Token::bearer("ey.ab.cd", Duration::from_secs(604_800));
        assert_eq!(
            serde_json::to_value(token).unwrap(),
            json!({"access_token": "ey.ab.cd", "token_type": "bearer", "expires_in": 604_800})
        );
    }
}
