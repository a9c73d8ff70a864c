//! Verification of a token alone.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::row::Row;
use crate::support::tokens;

pub(crate) fn rows() -> Vec<Row> {
    vec![
        hot(),
        hot_cached(),
        refused("garbage", "garbage"),
        refused("oversized", &tokens::oversized()),
        refused("bad signature", &tokens::bad_signature()),
        refused("expired", &tokens::expired()),
    ]
}

/// The counted rows, and those that only make sense as times.
pub(crate) fn timed() -> Vec<Row> {
    let mut rows = rows();
    rows.push(many());
    #[cfg(feature = "aws-lc-rs")]
    rows.extend(
        ASYMMETRIC
            .into_iter()
            .flat_map(|pair| [asymmetric::verified(pair), asymmetric::bare(pair)]),
    );
    rows
}

/// One token, repeatedly.
pub(crate) fn hot() -> Row {
    let (verifier, token) = (tokens::verifier(), tokens::hs256(tokens::SUBJECT));
    assert_eq!(token.len(), 336);
    Row::new("HS256", move || verifier.verify_token(&token).unwrap())
}

/// The same, with the token cache.
pub(crate) fn hot_cached() -> Row {
    let verifier = tokens::verifier().cache(20_000);
    let token = tokens::hs256(tokens::SUBJECT);
    Row::new("HS256, cached", move || {
        verifier.verify_token(&token).unwrap()
    })
}

/// 10 000 tokens in turn.
fn many() -> Row {
    let verifier = tokens::verifier();
    let tokens: Vec<_> = tokens::many().collect();
    let next = AtomicUsize::new(0);
    Row::new("HS256, 10 000 tokens", move || {
        let index = next.fetch_add(7919, Ordering::Relaxed) % tokens.len();
        verifier.verify_token(&tokens[index]).unwrap()
    })
}

fn refused(what: &str, token: &str) -> Row {
    let (verifier, token) = (tokens::verifier(), token.to_owned());
    Row::new(format!("refused, {what}"), move || {
        verifier.verify_token(&token).unwrap_err()
    })
}

#[cfg(feature = "aws-lc-rs")]
pub(crate) use asymmetric::{ASYMMETRIC, demanding};

#[cfg(feature = "aws-lc-rs")]
mod asymmetric {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    };
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use tower_warder::JwtVerifier;
    use tower_warder::keys::{Algorithm, VerifyingKey};

    use crate::support::keys;
    use crate::support::row::Row;
    use crate::support::tokens;

    /// The asymmetric algorithms, each with its public key.
    pub(crate) const ASYMMETRIC: [(Algorithm, &str); 3] = [
        (Algorithm::ES256, keys::P256_PUBLIC),
        (Algorithm::RS256, keys::RSA_PUBLIC),
        (Algorithm::EdDSA, keys::ED25519_PUBLIC),
    ];

    pub(crate) fn demanding((algorithm, public): (Algorithm, &str)) -> JwtVerifier {
        let key = VerifyingKey::from_pem(algorithm, public).unwrap();
        tokens::demanding(JwtVerifier::new(key))
    }

    pub(crate) fn verified((algorithm, public): (Algorithm, &str)) -> Row {
        let verifier = demanding((algorithm, public));
        let token = tokens::signed(algorithm);
        Row::new(algorithm.as_str(), move || {
            verifier.verify_token(&token).unwrap()
        })
    }

    /// The signature alone, with a parsed key: the lower limit with aws-lc-rs.
    pub(crate) fn bare((algorithm, public): (Algorithm, &str)) -> Row {
        let public = keys::der(public);
        let key = match algorithm {
            Algorithm::ES256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public),
            Algorithm::RS256 => ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public),
            _ => ParsedPublicKey::new(&ED25519, public),
        };
        let key = key.unwrap();
        let token = tokens::signed(algorithm);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (signed, signature) = (
            signed.to_owned(),
            URL_SAFE_NO_PAD.decode(signature).unwrap(),
        );
        Row::new(
            format!("{}, bare aws-lc-rs", algorithm.as_str()),
            move || key.verify_sig(signed.as_bytes(), &signature).unwrap(),
        )
    }
}
