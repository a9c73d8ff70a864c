//! Refresh tokens, which are rotated at each use.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::AccountError;

/// Refresh token: a selector that identifies the session, and a secret that is replaced at each
/// use. Has no `Debug` and no `Display`.
pub(crate) struct RefreshToken(Zeroizing<[u8; SELECTOR_BYTES + SECRET_BYTES]>);

impl RefreshToken {
    /// Creates the first token of a session.
    pub(crate) fn random() -> Result<Self, AccountError> {
        let mut bytes = Zeroizing::new([0; SELECTOR_BYTES + SECRET_BYTES]);
        getrandom::fill(&mut *bytes).map_err(AccountError::unavailable)?;
        Ok(Self(bytes))
    }

    /// Creates the next token of the session.
    pub(crate) fn successor(&self) -> Result<Self, AccountError> {
        let mut bytes = self.0.clone();
        getrandom::fill(Self::secret_of(&mut bytes)).map_err(AccountError::unavailable)?;
        Ok(Self(bytes))
    }

    /// Parses a token. Each token has one encoding: 64 characters of base64url have no spare bits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(PREFIX)?;
        if encoded.len() != ENCODED_CHARS {
            return None;
        }
        let mut bytes = Zeroizing::new([0; SELECTOR_BYTES + SECRET_BYTES]);
        let length = URL_SAFE_NO_PAD.decode_slice(encoded, &mut *bytes).ok()?;
        (length == bytes.len()).then_some(Self(bytes))
    }

    /// Returns the text that the client keeps.
    pub(crate) fn to_text(&self) -> String {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    /// Returns the public ID of the session. It reveals nothing of the selector, so nobody can end
    /// a session with a made-up token.
    pub(crate) fn session_id(&self) -> String {
        let (selector, _) = self.0.split_at(SELECTOR_BYTES);
        let digest = digest(b"session", selector);
        let (id, _) = digest.split_at(SESSION_ID_BYTES);
        URL_SAFE_NO_PAD.encode(id)
    }

    /// Returns the digest that is stored.
    pub(crate) fn digest(&self) -> [u8; 32] {
        digest(b"token", self.0.as_slice())
    }

    /// Encrypts the secret of the successor for the holder of this token. The pad is used once: a
    /// token has one successor.
    pub(crate) fn seal(&self, successor: &Self) -> [u8; SECRET_BYTES] {
        let mut sealed = self.pad();
        let (_, secret) = successor.0.split_at(SELECTOR_BYTES);
        for (byte, secret) in sealed.iter_mut().zip(secret) {
            *byte ^= secret;
        }
        *sealed
    }

    /// Decrypts the successor that was sealed with this token.
    pub(crate) fn unseal(&self, sealed: &[u8; SECRET_BYTES]) -> Self {
        let mut bytes = self.0.clone();
        let pad = self.pad();
        let secret = Self::secret_of(&mut bytes).iter_mut();
        for ((byte, sealed), pad) in secret.zip(sealed).zip(pad.iter()) {
            *byte = sealed ^ pad;
        }
        Self(bytes)
    }

    fn pad(&self) -> Zeroizing<[u8; SECRET_BYTES]> {
        Zeroizing::new(digest(b"successor", self.0.as_slice()))
    }

    fn secret_of(bytes: &mut [u8; SELECTOR_BYTES + SECRET_BYTES]) -> &mut [u8] {
        let (_, secret) = bytes.split_at_mut(SELECTOR_BYTES);
        secret
    }
}

/// Hashes with domain separation by purpose.
fn digest(purpose: &[u8], bytes: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"tower-warder refresh ")
        .chain_update(purpose)
        .chain_update([0])
        .chain_update(bytes)
        .finalize()
        .into()
}

const PREFIX: &str = "refresh_";

const SELECTOR_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
const SESSION_ID_BYTES: usize = 16;

const ENCODED_CHARS: usize = (SELECTOR_BYTES + SECRET_BYTES) / 3 * 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_has_one_encoding() {
        let token = RefreshToken::random().unwrap();
        let text = token.to_text();
        assert_eq!(text.len(), PREFIX.len() + 64);
        let read = RefreshToken::parse(&text).unwrap();
        assert_eq!(
            (read.to_text(), read.digest()),
            (text.clone(), token.digest())
        );
        let encoded = text.strip_prefix(PREFIX).unwrap();
        for other in [
            encoded.to_owned(),
            format!(" {text}"),
            format!("{text}\n"),
            format!("{text}="),
            format!("{text}A"),
            format!("{text}AAAA"),
            format!("Refresh_{encoded}"),
            format!("refresh_{}", &encoded[1..]),
            format!("refresh_{}=", &encoded[1..]),
            format!("refresh_+{}", &encoded[1..]),
            format!("refresh_/{}", &encoded[1..]),
            format!("refresh_ {}", &encoded[1..]),
            format!("refresh_ä{}", &encoded[2..]),
            String::new(),
            PREFIX.to_owned(),
        ] {
            assert!(RefreshToken::parse(&other).is_none(), "{other:?}");
        }
        // Every other text that parses is another token.
        for (place, new) in (0..64).flat_map(|place| ['A', 'b', '-'].map(|new| (place, new))) {
            let mut other = encoded.to_owned();
            other.replace_range(place..=place, &new.to_string());
            let read = RefreshToken::parse(&format!("{PREFIX}{other}")).unwrap();
            assert_eq!(read.digest() == token.digest(), other == encoded);
        }
    }

    #[test]
    fn successor_belongs_to_the_same_session() {
        let token = RefreshToken::random().unwrap();
        let successor = token.successor().unwrap();
        assert_eq!(successor.session_id(), token.session_id());
        assert_ne!(successor.digest(), token.digest());
        let other = RefreshToken::random().unwrap();
        assert_ne!(other.session_id(), token.session_id());
    }

    #[test]
    fn sealed_successor_opens_only_with_its_token() {
        let token = RefreshToken::random().unwrap();
        let successor = token.successor().unwrap();
        let sealed = token.seal(&successor);
        assert_eq!(token.unseal(&sealed).to_text(), successor.to_text());
        let other = token.successor().unwrap();
        assert_ne!(other.unseal(&sealed).digest(), successor.digest());
        let (_, secret) = successor.0.split_at(SELECTOR_BYTES);
        assert_ne!(sealed, secret);
    }

    #[test]
    fn session_id_does_not_reveal_the_selector() {
        let token = RefreshToken::random().unwrap();
        let id = URL_SAFE_NO_PAD.decode(token.session_id()).unwrap();
        assert_eq!(id.len(), SESSION_ID_BYTES);
        assert_ne!(id, token.0[..SELECTOR_BYTES]);
    }
}
