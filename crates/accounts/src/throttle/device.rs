//! Signed cookie of a device that has logged in to an account.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ctutils::CtEq;
use tower_warder::HmacSecret;
use tower_warder::private::hmac_sha256;

use crate::model::User;

/// Device that has logged in to an account. Its cookie has one entry for each account, and gives no
/// access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) id: String,
    /// Id of the account: after a deletion, the address can become that of another one.
    pub(super) user: i64,
    /// Token generation of the account at the log-in. A new password makes the device unknown, so
    /// that it does not help an attacker who knew the old one to guess the new one.
    pub(super) generation: u64,
}

impl Device {
    /// Returns `true` if the account is as it was at the log-in.
    pub(crate) fn is_known_to(&self, user: &User) -> bool {
        (self.user, self.generation) == (user.id, user.token_generation)
    }

    /// Creates a random id; `None` if the operating system has no random numbers.
    pub(super) fn random_id() -> Option<String> {
        let mut id = [0; ID_BYTES];
        getrandom::fill(&mut id).ok()?;
        Some(URL_SAFE_NO_PAD.encode(id))
    }

    /// Returns the entry of the cookie for this account.
    pub(super) fn sign(&self, account: &str, secret: &HmacSecret, now: SystemTime) -> String {
        let until = seconds(now).saturating_add(LIFETIME.as_secs());
        let mac = URL_SAFE_NO_PAD.encode(self.mac(account, until, secret));
        let Self {
            id,
            user,
            generation,
        } = self;
        format!("{id}.{user}.{generation}.{until}.{mac}")
    }

    /// Returns the device, if the entry was signed for this account and has not expired.
    pub(super) fn verify(
        entry: &str,
        account: &str,
        secret: &HmacSecret,
        now: SystemTime,
    ) -> Option<Self> {
        let (device, until, sent) = Self::parse(entry)?;
        let sent = URL_SAFE_NO_PAD.decode(sent).ok()?;
        let is_signed = device
            .mac(account, until, secret)
            .as_slice()
            .ct_eq(sent.as_slice())
            .to_bool();
        (is_signed && until > seconds(now)).then_some(device)
    }

    /// Returns `false` if no account can accept the entry.
    pub(super) fn is_entry(entry: &str, now: SystemTime) -> bool {
        let until = Self::parse(entry).map(|(_, until, _)| until);
        entry.len() <= MAX_ENTRY_BYTES && until.is_some_and(|until| until > seconds(now))
    }

    fn parse(entry: &str) -> Option<(Self, u64, &str)> {
        let mut parts = entry.split('.');
        let device = Self {
            id: parts.next()?.to_owned(),
            user: parts.next()?.parse().ok()?,
            generation: parts.next()?.parse().ok()?,
        };
        let (until, mac) = (parts.next()?.parse().ok()?, parts.next()?);
        parts.next().is_none().then_some((device, until, mac))
    }

    /// The text is never the signing input of a token, so the secret may be that of tokens, too.
    fn mac(&self, account: &str, until: u64, secret: &HmacSecret) -> [u8; 32] {
        let Self {
            id,
            user,
            generation,
        } = self;
        // The account is last, because it is the only part that may contain any character.
        let text = format!("tower-warder: device {id} {user} {generation} {until} {account}");
        hmac_sha256(secret, text.as_bytes())
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs())
}

/// Each log-in renews it.
pub(super) const LIFETIME: Duration = Duration::from_secs(180 * 24 * 3600);

const ID_BYTES: usize = 16;

/// Three numbers of 20 digits, an id and a MAC need less.
const MAX_ENTRY_BYTES: usize = 144;

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Device {
        let id = Device::random_id().unwrap();
        Device {
            id,
            user: 3,
            generation: 7,
        }
    }

    #[test]
    fn value_is_valid_for_its_account_secret_and_time_only() {
        let now = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let secret = HmacSecret::generate();
        let device = device();
        let value = device.sign("jane@example.org", &secret, now);
        let verify = |value: &str, account, secret: &HmacSecret, now| {
            Device::verify(value, account, secret, now).is_some_and(|known| known == device)
        };
        assert!(verify(&value, "jane@example.org", &secret, now));
        assert!(verify(
            &value,
            "jane@example.org",
            &secret,
            now + LIFETIME - Duration::from_secs(1)
        ));
        assert!(!verify(&value, "jane@example.org", &secret, now + LIFETIME));
        assert!(!verify(&value, "paul@example.org", &secret, now));
        assert!(!verify(
            &value,
            "jane@example.org",
            &HmacSecret::generate(),
            now
        ));
    }

    #[test]
    fn entry_needs_a_form_a_time_and_a_limited_length() {
        let now = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let signed = device().sign("jane", &HmacSecret::generate(), now);
        let longer = |length: usize| format!("{signed}{}", "A".repeat(length - signed.len()));
        for (entry, now, is_entry) in [
            (signed.clone(), now, true),
            (
                signed.clone(),
                now + LIFETIME - Duration::from_secs(1),
                true,
            ),
            (signed.clone(), now + LIFETIME, false),
            (longer(MAX_ENTRY_BYTES), now, true),
            (longer(MAX_ENTRY_BYTES + 1), now, false),
            (format!("{signed}."), now, false),
            ("x.y.z".to_owned(), now, false),
            (String::new(), now, false),
        ] {
            assert_eq!(Device::is_entry(&entry, now), is_entry, "{entry}");
        }
    }

    #[test]
    fn changed_value_is_rejected() {
        let now = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let secret = HmacSecret::generate();
        let value = device().sign("jane", &secret, now);
        let changes = (0..value.len()).map(|index| {
            let mut bytes = value.clone().into_bytes();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        });
        let more = [
            "",
            ".",
            "..",
            "a.1.2.b",
            "a.1.2.3.b",
            "a.1.b",
            &format!("{value}."),
            &value[1..],
        ];
        for changed in changes.chain(more.map(str::to_owned)) {
            assert_eq!(
                Device::verify(&changed, "jane", &secret, now),
                None,
                "{changed}"
            );
        }
    }
}
