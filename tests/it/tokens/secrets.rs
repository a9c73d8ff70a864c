//! K1, K3, K4 and T13: secrets are long, drawn by lot, never shown and compared in constant time.

use std::fs;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tower_warder::{
    ConfigError, KeyRing, Secret, SigningKey, TokenIssuer, TokenVerifier, VerifyingKey,
};

use super::forge::*;

#[test]
fn a_secret_is_as_long_as_the_hash_of_its_algorithm() {
    for length in [0, 1, 16, 31] {
        let refused = Secret::new(&SECRET[..length]).unwrap_err();
        assert!(
            matches!(refused, ConfigError::SecretTooShort { needed: 32, given } if given == length),
            "{length}"
        );
    }
    for (length, hs384, hs512) in [
        (32, false, false),
        (47, false, false),
        (48, true, false),
        (63, true, false),
        (64, true, true),
    ] {
        let secret = Secret::new(&SECRET[..length]).unwrap();
        assert_eq!(SigningKey::hs384(&secret).is_ok(), hs384, "{length}");
        assert_eq!(VerifyingKey::hs384(&secret).is_ok(), hs384, "{length}");
        assert_eq!(SigningKey::hs512(&secret).is_ok(), hs512, "{length}");
        assert_eq!(VerifyingKey::hs512(&secret).is_ok(), hs512, "{length}");
    }
}

#[test]
fn placeholders_repetitions_and_sequences_are_no_secrets() {
    for (text, placeholder) in [
        ("CHANGE_ME".to_owned(), true),
        (
            "change-me-to-something-long-and-random-please".to_owned(),
            true,
        ),
        (
            "  Change Me  in production, this is not a secret".to_owned(),
            true,
        ),
        ("changemechangemechangemechangeme".to_owned(), true),
        ("\"CHANGE_ME_before_you_go_to_production\"".to_owned(), true),
        ("'CHANGE_ME_before_you_go_to_production'".to_owned(), true),
        ("<change-me-before-you-go-to-production>".to_owned(), true),
        (
            "super-secret-jwt-token-with-at-least-32-characters-long".to_owned(),
            true,
        ),
        (
            "your-super-secret-jwt-token-with-at-least-32-characters-long".to_owned(),
            true,
        ),
        (
            "a-valid-string-secret-that-is-at-least-384-bits-long".to_owned(),
            true,
        ),
        ("secret".to_owned(), true),
        ("SECRET\n".to_owned(), true),
        ("your-256-bit-secret".to_owned(), true),
        ("a-string-secret-at-least-256-bits-long".to_owned(), true),
        (
            "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7".to_owned(),
            true,
        ),
        ("0".repeat(32), false),
        ("\0".repeat(64), false),
        ("aB".repeat(20), false),
        ("deadbeef".repeat(8), false),
        ("0123456789abcdef".repeat(4), false),
        ("0123456789abcdefghijklmnopqrstuvwxyz".to_owned(), false),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".to_owned(), false),
    ] {
        let refused = Secret::new(text.as_str()).unwrap_err();
        assert_eq!(
            matches!(refused, ConfigError::PlaceholderSecret),
            placeholder,
            "{text:?}"
        );
        let predictable = matches!(refused, ConfigError::PredictableSecret);
        assert_eq!(predictable, !placeholder, "{text:?}");
    }
    let counted: Vec<u8> = (0..=255).collect();
    assert!(matches!(
        Secret::new(counted),
        Err(ConfigError::PredictableSecret)
    ));
}

#[test]
fn a_key_that_may_be_public_is_no_secret_for_hmac() {
    let rsa = include_str!("../../keys/rsa-2048-public.pem");
    let body = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA";
    for text in [
        rsa.to_owned(),
        format!("\r\n  {rsa}"),
        format!("Subject: x\n{rsa}"),
        rsa.replace('\n', "\r\n"),
        rsa.replace('\n', r"\n"),
        include_str!("../../keys/p256-public.pem").to_owned(),
        include_str!("../../keys/ed25519-public.pem").to_owned(),
        include_str!("../../keys/rsa-2048.pem").to_owned(),
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"),
        format!("-----BEGIN RSA PUBLIC KEY-----\n{body}"),
        format!("ssh-rsa {body} jane@example"),
        format!("ssh-ed25519 {body}"),
        format!("ecdsa-sha2-nistp256 {body}"),
        format!("sk-ssh-ed25519@openssh.com {body}"),
    ] {
        let refused = Secret::new(text.as_str()).unwrap_err();
        assert!(matches!(refused, ConfigError::InvalidKey(_)), "{text}");
    }
    let text = "a passphrase -----that BEGINs----- with ssh-rsa";
    assert!(Secret::new(text).is_ok(), "{text}");
}

#[test]
fn a_long_passphrase_with_a_placeholder_in_it_is_a_secret() {
    for text in [
        "the secret of my garden is a password: manure",
        "never change_me, not even by test or default!",
        "correct horse battery staple, and a secret",
    ] {
        assert!(Secret::new(text).is_ok(), "{text}");
    }
}

#[test]
fn a_variable_that_is_not_set_is_an_error_and_no_default() {
    let refused = Secret::from_env("TOWER_WARDER_TEST_THAT_NOBODY_SETS").unwrap_err();
    assert!(matches!(refused, ConfigError::MissingVariable(_)));
}

#[test]
fn generated_secrets_differ_and_are_good_for_every_hmac() {
    let (one, other) = (Secret::generate(), Secret::generate());
    assert!(SigningKey::hs512(&one).is_ok());
    let token = TokenIssuer::hs256(&one).issue("7").unwrap();
    judge_with(&TokenVerifier::hs256(&one), &token, ACCEPTED, "its own");
    judge_with(&TokenVerifier::hs256(&other), &token, SIGNATURE, "another");
}

#[test]
fn a_secret_file_is_made_once_and_whole_and_for_its_owner_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let secrets: Vec<Secret> = thread::scope(|scope| {
        let starts: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| Secret::from_file_or_generate(&path).unwrap()))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    let token = TokenIssuer::hs256(&secrets[0]).issue("7").unwrap();
    for secret in &secrets {
        judge_with(
            &TokenVerifier::hs256(secret),
            &token,
            ACCEPTED,
            "first starts agree",
        );
    }

    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(&text).unwrap().len(), 64);
    let read = Secret::new(text.clone()).unwrap();
    judge_with(
        &TokenVerifier::hs256(&read),
        &token,
        ACCEPTED,
        "the text is the secret",
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let names = fs::read_dir(directory.path()).unwrap();
    assert_eq!(names.count(), 1, "no drafts stay behind");

    Secret::from_file_or_generate(&path).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        text,
        "a later start changes nothing"
    );
}

#[test]
fn a_secret_file_that_is_no_good_is_an_error_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    for text in ["", "short", "CHANGE_ME_before_you_go_to_production"] {
        let path = directory.path().join("secret");
        fs::write(&path, text).unwrap();
        assert!(Secret::from_file_or_generate(&path).is_err(), "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    for path in [
        directory.path().to_owned(),
        directory.path().join("no/such/directory"),
    ] {
        let refused = Secret::from_file_or_generate(path).unwrap_err();
        assert!(matches!(refused, ConfigError::File { .. }), "{refused:?}");
    }
}

// MACs are compared by `Mac::verify_slice` of the crate `hmac`, which takes as long for a MAC that
// differs in its first byte as for one that differs in its last. What can be seen from outside is
// that it compares the whole.
#[test]
fn a_mac_that_agrees_only_in_part_is_refused() {
    let [header, payload, signature] = segments(&with_payload(PAYLOAD));
    let mac = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let with_mac = |mac: &[u8]| format!("{header}.{payload}.{}", encode(mac));
    judge(&with_mac(&mac), ACCEPTED, "whole");
    for length in 1..mac.len() {
        judge(
            &with_mac(&mac[..length]),
            SIGNATURE,
            format!("the first {length} bytes"),
        );
        judge(
            &with_mac(&mac[length..]),
            SIGNATURE,
            format!("without the first {length} bytes"),
        );
    }
    for byte in 0..mac.len() {
        let mut other = mac.clone();
        other[byte] ^= 1;
        judge(&with_mac(&other), SIGNATURE, format!("another byte {byte}"));
    }
    judge(
        &with_mac(&[&mac[..], &[0]].concat()),
        SIGNATURE,
        "one byte more",
    );
    judge(
        &with_mac(&[&mac[..], &mac[..]].concat()),
        SIGNATURE,
        "twice",
    );
    judge(&with_mac(&[0; 32]), SIGNATURE, "zeros");
}

#[test]
fn nothing_that_is_formatted_shows_the_secret() {
    let secret = secret();
    let key = SigningKey::hs512(&secret).unwrap().key_id("a");
    let ring = KeyRing::new();
    ring.sign_with(key.clone()).unwrap();
    let (issuer, verifier) = (TokenIssuer::hs256(&secret), verifier());
    let token = issuer.issue("7").unwrap();
    let refused = verifier.verify_token(&format!("{token}x")).unwrap_err();

    let mut shown = Vec::new();
    macro_rules! show {
        ($($value:expr),* $(,)?) => {
            $(shown.extend([format!("{:?}", $value), format!("{:#?}", $value)]);)*
        };
    }
    show!(
        secret,
        key,
        key.verifying_key(),
        ring,
        issuer,
        TokenIssuer::ring(&ring),
        issuer
            .token("7")
            .claims(&serde_json::json!({"own": SECRET})),
        verifier,
        TokenVerifier::ring(&ring),
        refused,
        Secret::new(&SECRET[..31]).unwrap_err(),
        Secret::new(format!("CHANGE_ME{SECRET}")).unwrap_err(),
        Secret::new(SECRET[..8].repeat(8)).unwrap_err(),
        SigningKey::hs512(&Secret::new(&SECRET[..40]).unwrap()).unwrap_err(),
        SigningKey::from_jwk(SECRET).unwrap_err(),
        tower_warder::testing::issuer(),
        tower_warder::testing::verifier(),
    );
    let bytes = |text: &[u8]| format!("{text:?}").trim_matches(['[', ']']).to_owned();
    let start = &SECRET.as_bytes()[..8];
    let forms = [
        SECRET[..8].to_owned(),
        start.iter().map(|byte| format!("{byte:02x}")).collect(),
        start.iter().map(|byte| format!("{byte:02X}")).collect(),
        STANDARD.encode(&start[..6]),
        encode(&start[..6]),
        bytes(&start[..4]),
        bytes(&start[..4]).replace(", ", ",\n"),
        "everybody who reads".to_owned(),
    ];
    for text in shown {
        // A pretty list of numbers stands on several lines.
        let plain = text.replace([' ', '\n'], "");
        for form in &forms {
            assert!(!text.contains(form), "{text} shows {form}");
            assert!(
                !plain.contains(&form.replace([' ', '\n'], "")),
                "{text} shows {form}"
            );
        }
    }
}
