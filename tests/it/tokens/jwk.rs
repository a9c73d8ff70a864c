//! Parsing of JWKs, compared with a second, independent reader.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use tower_warder::keys::{Algorithm, VerifyingKey};

const KEYS: [(Algorithm, &str); 4] = [
    (
        Algorithm::RS256,
        include_str!("../../keys/rsa-2048-public.pem"),
    ),
    (Algorithm::ES256, include_str!("../../keys/p256-public.pem")),
    (Algorithm::ES384, include_str!("../../keys/p384-public.pem")),
    (
        Algorithm::EdDSA,
        include_str!("../../keys/ed25519-public.pem"),
    ),
];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4096,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn jwk_reader_agrees_with_a_second_reader(
        key in 0..KEYS.len(),
        changes in vec((select(&NAMES[..]), change()), 0..4),
    ) {
        let mut jwk = good(key);
        for (name, change) in changes {
            change.make(&mut jwk, name);
        }
        let read = VerifyingKey::from_jwk(Value::Object(jwk.clone()).to_string());
        let read = read.ok().map(|key| serde_json::from_str(&key.to_jwk().unwrap()).unwrap());
        prop_assert_eq!(read, second_reader(&jwk), "{}", Value::Object(jwk));
    }
}

/// Change of one member.
#[derive(Clone, Debug)]
enum Change {
    Goes,
    Becomes(Value),
    IsPadded,
    HasZerosInFront,
    IsOfTheOtherAlphabet,
}

fn change() -> impl Strategy<Value = Change> {
    let lists = [
        json!([]),
        json!(["verify"]),
        json!(["sign"]),
        json!(["sign", "verify"]),
        json!([null]),
        json!(["verify", 7]),
    ];
    prop_oneof![
        1 => Just(Change::Goes),
        3 => Just(Change::Becomes(Value::Null)),
        1 => select(vec![json!(7), json!(true), json!({})]).prop_map(Change::Becomes),
        4 => select(&CHANGED[..]).prop_map(|text| Change::Becomes(json!(text))),
        2 => select(lists.to_vec()).prop_map(Change::Becomes),
        1 => Just(Change::IsPadded),
        2 => Just(Change::HasZerosInFront),
        1 => Just(Change::IsOfTheOtherAlphabet),
    ]
}

impl Change {
    fn make(self, jwk: &mut Map<String, Value>, name: &str) {
        let text = jwk.get(name).and_then(Value::as_str).map(str::to_owned);
        let value = match (self, text) {
            (Self::Goes, _) => {
                jwk.remove(name);
                return;
            }
            (Self::Becomes(value), _) => value,
            (Self::IsPadded, Some(text)) => json!(format!("{text}=")),
            // Three bytes are four characters of base64url.
            (Self::HasZerosInFront, Some(text)) => json!(format!("AAAA{text}")),
            (Self::IsOfTheOtherAlphabet, Some(text)) => {
                json!(text.replace('-', "+").replace('_', "/"))
            }
            (_, None) => return,
        };
        jwk.insert(name.to_owned(), value);
    }
}

fn good(key: usize) -> Map<String, Value> {
    let (algorithm, pem) = KEYS[key];
    let key = VerifyingKey::from_pem(algorithm, pem).unwrap().key_id("a");
    let Value::Object(jwk) = serde_json::from_str(&key.to_jwk().unwrap()).unwrap() else {
        panic!("no object");
    };
    jwk
}

/// Published form of the key if it is valid, by RFC 7517 and RFC 7518, section 6, on parsed JSON.
/// Only the numbers of the four test keys count as valid.
fn second_reader(jwk: &Map<String, Value>) -> Option<Value> {
    let member = |name: &str| jwk.get(name).filter(|value| !value.is_null());
    let text = |name: &str| member(name).map(|value| value.as_str());
    if PRIVATE.iter().any(|name| member(name).is_some()) {
        return None;
    }
    if TEXTS.iter().any(|name| text(name) == Some(None)) {
        return None;
    }
    let text = |name: &str| text(name).flatten();
    if let Some(operations) = member("key_ops") {
        let operations: Option<Vec<_>> = operations.as_array()?.iter().map(Value::as_str).collect();
        operations?.iter().find(|one| **one == "verify")?;
    }
    if text("use").is_some_and(|usage| usage != "sig") {
        return None;
    }
    let (number, algorithms): (_, &[&str]) = match (text("kty")?, text("crv")) {
        ("RSA", None) => (0, &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]),
        ("EC", Some("P-256")) => (1, &["ES256"]),
        ("EC", Some("P-384")) => (2, &["ES384"]),
        ("OKP", Some("Ed25519")) => (3, &["EdDSA"]),
        _ => return None,
    };
    let alg = match text("alg") {
        Some("Ed25519") => "EdDSA",
        Some(alg) => alg,
        None if algorithms.len() == 1 => algorithms[0],
        None => return None,
    };
    if !algorithms.contains(&alg) {
        return None;
    }
    let mut expected = good(number);
    let names: &[&str] = match number {
        0 => &["n", "e"],
        3 => &["x"],
        _ => &["x", "y"],
    };
    for name in names {
        let mut bytes = decode(text(name)?)?;
        if number == 0 {
            bytes = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
        }
        let is_exponent = *name == "e" && is_sound_exponent(&bytes);
        if !is_exponent && bytes != decode(expected[*name].as_str()?)? {
            return None;
        }
        expected[*name] = json!(URL_SAFE_NO_PAD.encode(bytes));
    }
    expected["alg"] = json!(alg);
    match text("kid") {
        Some(kid) => expected.insert("kid".to_owned(), json!(kid)),
        None => expected.remove("kid"),
    };
    Some(Value::Object(expected))
}

/// Returns `true` for an odd exponent above 1 and below 2³³.
fn is_sound_exponent(bytes: &[u8]) -> bool {
    let value = bytes.iter().try_fold(0_u64, |value, byte| {
        Some(value.checked_mul(256)? + u64::from(*byte))
    });
    value.is_some_and(|value| value % 2 == 1 && value > 1 && value < 1 << 33)
}

/// Decodes base64url without padding (RFC 4648, section 5): six bits per character, unused bits
/// zero.
fn decode(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = Vec::new();
    let (mut bits, mut value) = (0, 0);
    for character in text.chars() {
        value = value << 6 | u32::try_from(ALPHABET.find(character)?).unwrap();
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(value >> bits).unwrap());
            value &= (1 << bits) - 1;
        }
    }
    (bits < 6 && value == 0 && !bytes.is_empty()).then_some(bytes)
}

const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "k", "oth"];
const TEXTS: [&str; 9] = ["kty", "crv", "alg", "kid", "use", "x", "y", "n", "e"];
const NAMES: [&str; 20] = [
    "kty", "crv", "alg", "kid", "use", "key_ops", "x", "y", "n", "e", "d", "p", "q", "dp", "dq",
    "qi", "k", "oth", "x5c", "x5t",
];
/// Texts, also for numbers: some of them are valid exponents.
const CHANGED: [&str; 24] = [
    "", "sig", "enc", "RSA", "EC", "OKP", "oct", "RS256", "PS256", "ES256", "ES384", "EdDSA",
    "Ed25519", "HS256", "RSA-OAEP", "none", "P-256", "P-384", "AQAB", "AQ", "Ag", "Aw", "QQ==",
    "a b",
];
