//! `jwt-simple`: `verify_token` alone, with a prebuilt key and options.

use std::collections::HashSet;

use jwt_simple::prelude::{HS256Key, MACLike, NoCustomClaims, VerificationOptions};

use crate::support::row::Row;
use crate::support::tokens;

pub(crate) fn rows() -> Vec<Row> {
    let token = tokens::hs256(tokens::SUBJECT);
    let key = HS256Key::from_bytes(tokens::SECRET.as_bytes());
    let options = VerificationOptions {
        allowed_issuers: Some(HashSet::from([tokens::ISSUER.to_owned()])),
        allowed_audiences: Some(HashSet::from([tokens::AUDIENCE.to_owned()])),
        ..VerificationOptions::default()
    };
    // It takes the options by value.
    vec![Row::new("jwt-simple verify_token", move || {
        key.verify_token::<NoCustomClaims>(&token, Some(options.clone()))
            .unwrap()
    })]
}
