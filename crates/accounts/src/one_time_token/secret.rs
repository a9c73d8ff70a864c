//! The token itself, as it is in a link.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::store_error::StoreError;

/// 256 random bits. Has no `Debug` and no `Display`.
pub(crate) struct TokenSecret(Zeroizing<[u8; SECRET_BYTES]>);

impl TokenSecret {
    pub(crate) fn random() -> Result<Self, StoreError> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        getrandom::fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// Parses a token. Each token has one encoding: spare bits have to be zero.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != ENCODED_CHARS {
            return None;
        }
        // As many bytes as the decoder may write.
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut *bytes).ok()?;
        (length == bytes.len()).then_some(Self(bytes))
    }

    /// Returns the text for the link: letters, digits, `-` and `_`.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        URL_SAFE_NO_PAD.encode(self.0.as_slice()).into()
    }

    /// Returns the digest that is stored.
    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_slice()).into()
    }
}

const SECRET_BYTES: usize = 32;
const ENCODED_CHARS: usize = 43;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_has_one_encoding() {
        let token = TokenSecret::random().unwrap();
        let text = token.to_text();
        assert_eq!(text.len(), ENCODED_CHARS);
        assert!(TokenSecret::parse(&text).unwrap().digest() == token.digest());
        // The last character has two spare bits.
        let (start, last) = text.split_at(ENCODED_CHARS - 1);
        let spellings = ('A'..='Z').chain('a'..='z').chain('0'..='9');
        let same = spellings.chain(['-', '_']).filter(|last| {
            let read = TokenSecret::parse(&format!("{start}{last}"));
            read.is_some_and(|read| read.digest() == token.digest())
        });
        assert_eq!(same.collect::<String>(), last);
        for other in [
            format!("{}=", *text),
            format!("{}A", *text),
            format!(" {start}"),
            format!("{start}\n"),
            format!("{start}+"),
            format!("{start}/"),
            format!("ä{}", &text[2..]),
            start.to_owned(),
            String::new(),
        ] {
            assert!(TokenSecret::parse(&other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn tokens_differ() {
        let [one, other] = [(); 2].map(|()| TokenSecret::random().unwrap());
        assert!(one.to_text() != other.to_text() && one.digest() != other.digest());
    }
}
