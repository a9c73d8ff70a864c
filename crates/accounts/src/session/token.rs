//! Refresh tokens: who holds one goes on with a session, once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::AccountError;

/// Says which session (its selector), and that its holder may go on with it (its secret, which is
/// another after every use). Cannot be shown.
pub(crate) struct RefreshToken(Zeroizing<[u8; SELECTOR + SECRET]>);

impl RefreshToken {
    /// The first token of a session.
    pub(crate) fn random() -> Result<Self, AccountError> {
        let mut bytes = Zeroizing::new([0; SELECTOR + SECRET]);
        getrandom::fill(&mut *bytes).map_err(AccountError::unavailable)?;
        Ok(Self(bytes))
    }

    /// The next token of the session.
    pub(crate) fn successor(&self) -> Result<Self, AccountError> {
        let mut bytes = self.0.clone();
        getrandom::fill(Self::secret_of(&mut bytes)).map_err(AccountError::unavailable)?;
        Ok(Self(bytes))
    }

    /// Reads a token in its one spelling: 64 characters of base64url have no bits to spare.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(PREFIX)?;
        if encoded.len() != ENCODED {
            return None;
        }
        let mut bytes = Zeroizing::new([0; SELECTOR + SECRET]);
        let length = URL_SAFE_NO_PAD.decode_slice(encoded, &mut *bytes).ok()?;
        (length == bytes.len()).then_some(Self(bytes))
    }

    /// What the client keeps.
    pub(crate) fn to_text(&self) -> String {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    /// The public name of its session. Whoever reads it learns nothing of the selector, so nobody
    /// ends a session by a token made up for it.
    pub(crate) fn session_id(&self) -> String {
        let (selector, _) = self.0.split_at(SELECTOR);
        let digest = digest(b"session", selector);
        let (id, _) = digest.split_at(SESSION_ID);
        URL_SAFE_NO_PAD.encode(id)
    }

    /// What is stored of it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        digest(b"token", self.0.as_slice())
    }

    /// The secret of the successor, for the holder of this token alone. The pad is used once: a
    /// token has one successor.
    pub(crate) fn seal(&self, successor: &Self) -> [u8; SECRET] {
        let mut sealed = self.pad();
        let (_, secret) = successor.0.split_at(SELECTOR);
        for (byte, secret) in sealed.iter_mut().zip(secret) {
            *byte ^= secret;
        }
        *sealed
    }

    /// The successor that was sealed with this token.
    pub(crate) fn unseal(&self, sealed: &[u8; SECRET]) -> Self {
        let mut bytes = self.0.clone();
        let pad = self.pad();
        let secret = Self::secret_of(&mut bytes).iter_mut();
        for ((byte, sealed), pad) in secret.zip(sealed).zip(pad.iter()) {
            *byte = sealed ^ pad;
        }
        Self(bytes)
    }

    fn pad(&self) -> Zeroizing<[u8; SECRET]> {
        Zeroizing::new(digest(b"successor", self.0.as_slice()))
    }

    fn secret_of(bytes: &mut [u8; SELECTOR + SECRET]) -> &mut [u8] {
        let (_, secret) = bytes.split_at_mut(SELECTOR);
        secret
    }
}

/// One digest is not another: each is for one purpose.
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

/// Bytes.
const SELECTOR: usize = 16;
const SECRET: usize = 32;
const SESSION_ID: usize = 16;

/// Characters.
const ENCODED: usize = (SELECTOR + SECRET) / 3 * 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_spelling() {
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
        // Whatever else is read is another token.
        for (place, new) in (0..64).flat_map(|place| ['A', 'b', '-'].map(|new| (place, new))) {
            let mut other = encoded.to_owned();
            other.replace_range(place..=place, &new.to_string());
            let read = RefreshToken::parse(&format!("{PREFIX}{other}")).unwrap();
            assert_eq!(read.digest() == token.digest(), other == encoded);
        }
    }

    #[test]
    fn a_successor_is_another_token_of_the_same_session() {
        let token = RefreshToken::random().unwrap();
        let successor = token.successor().unwrap();
        assert_eq!(successor.session_id(), token.session_id());
        assert_ne!(successor.digest(), token.digest());
        let other = RefreshToken::random().unwrap();
        assert_ne!(other.session_id(), token.session_id());
    }

    #[test]
    fn only_the_holder_of_a_token_opens_what_was_sealed_with_it() {
        let token = RefreshToken::random().unwrap();
        let successor = token.successor().unwrap();
        let sealed = token.seal(&successor);
        assert_eq!(token.unseal(&sealed).to_text(), successor.to_text());
        let other = token.successor().unwrap();
        assert_ne!(other.unseal(&sealed).digest(), successor.digest());
        let (_, secret) = successor.0.split_at(SELECTOR);
        assert_ne!(sealed, secret);
    }

    #[test]
    fn the_id_of_a_session_tells_nothing_of_its_selector() {
        let token = RefreshToken::random().unwrap();
        let id = URL_SAFE_NO_PAD.decode(token.session_id()).unwrap();
        assert_eq!(id.len(), SESSION_ID);
        assert_ne!(id, token.0[..SELECTOR]);
    }
}
