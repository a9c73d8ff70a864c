//! HMAC secrets: length, randomness, files, `Debug` output and comparison of MACs.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tower_warder::error::{ConfigError, KeyFileProblem};
use tower_warder::keys::{KeyRing, SigningKey, VerifyingKey};
use tower_warder::private::hmac_sha256;
use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};

use super::forge::*;

#[test]
fn secret_is_at_least_as_long_as_the_hash() {
    for length in [0, 1, 16, 31] {
        let rejected = HmacSecret::new(&SECRET[..length]).unwrap_err();
        assert!(
            matches!(rejected, ConfigError::SecretTooShort { needed: 32, given } if given == length),
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
        let secret = HmacSecret::new(&SECRET[..length]).unwrap();
        assert_eq!(SigningKey::hs384(&secret).is_ok(), hs384, "{length}");
        assert_eq!(VerifyingKey::hs384(&secret).is_ok(), hs384, "{length}");
        assert_eq!(SigningKey::hs512(&secret).is_ok(), hs512, "{length}");
        assert_eq!(VerifyingKey::hs512(&secret).is_ok(), hs512, "{length}");
    }
}

#[test]
fn placeholders_repetitions_and_sequences_are_rejected() {
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
        let rejected = HmacSecret::new(text.as_str()).unwrap_err();
        assert_eq!(
            matches!(rejected, ConfigError::PlaceholderSecret),
            placeholder,
            "{text:?}"
        );
        let predictable = matches!(rejected, ConfigError::PredictableSecret);
        assert_eq!(predictable, !placeholder, "{text:?}");
    }
    let counted: Vec<u8> = (0..=255).collect();
    assert!(matches!(
        HmacSecret::new(counted),
        Err(ConfigError::PredictableSecret)
    ));
}

#[test]
fn predictable_secrets_are_rejected() {
    let repeated = |text: &str, times| text.repeat(times);
    for text in [
        repeated("a", 31) + "b",
        repeated("a", 30) + "42",
        repeated("password", 4) + "1",
        repeated("Password", 4) + "!",
        "SuperSecretPasswordSuperSecretPassword1".to_owned(),
        "mysecretkeymysecretkeymysecretkey!".to_owned(),
        "your-secret-key-your-secret-key-1".to_owned(),
        repeated("admin", 6) + "123",
        repeated("abc", 11) + "x",
        repeated("ab", 15) + "ba",
        repeated("0", 16) + &repeated("1", 16),
        ["a", "b", "c", "d"].map(|it| it.repeat(8)).concat(),
        "1234567812345678123456781234567a".to_owned(),
        // Keyboard rows and columns.
        "qwertyuiopasdfghjklzxcvbnm123456".to_owned(),
        "QWERTYUIOP[]ASDFGHJKL;'ZXCVBNM,./".to_owned(),
        "poiuytrewqlkjhgfdsamnbvcxz987654".to_owned(),
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9".to_owned(),
        "q1w2e3r4t5y6u7i8o9p0q1w2e3r4t5y6".to_owned(),
        repeated("qwertz123456", 3),
        repeated("asdf", 8) + "!",
        // Dates.
        "20240101202401022024010320240104".to_owned(),
        "2024-01-01T00:00:00Z2024-01-01T00:00:00Z".to_owned(),
        repeated("1990-12-24", 3) + "!!",
        repeated("19850312", 4),
        "01012024 02022024 03032024 04042024".to_owned(),
        // Identifiers without randomness.
        "00000000-0000-0000-0000-000000000000".to_owned(),
        "12345678-1234-1234-1234-123456789012".to_owned(),
        "thequickbrownfoxjumpsoverthelazydog".to_owned(),
    ] {
        let rejected = HmacSecret::new(text.as_str()).unwrap_err();
        assert!(matches!(rejected, ConfigError::PredictableSecret), "{text}");
        assert!(!rejected.to_string().contains(&text[..8]));
        // The repeated text is rejected as well.
        let more = HmacSecret::new(text.repeat(2)).unwrap_err();
        assert!(matches!(more, ConfigError::PredictableSecret), "{text}");
    }
}

/// Secrets as common commands and libraries generate them.
#[test]
fn random_secrets_of_every_kind_are_accepted() {
    fn random<const N: usize>() -> [u8; N] {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).unwrap();
        bytes
    }
    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
    /// Skips bytes beyond the largest multiple of the alphabet's length, which would bias the
    /// result.
    fn letters(alphabet: &[u8]) -> Vec<u8> {
        let limit = 256 - 256 % alphabet.len();
        let bytes = std::iter::repeat_with(random::<64>).flatten();
        let bytes = bytes.filter(|byte| usize::from(*byte) < limit);
        bytes
            .map(|byte| alphabet[usize::from(byte) % alphabet.len()])
            .take(32)
            .collect()
    }
    let uuid = || {
        let text = hex(&random::<16>());
        let parts = [
            &text[..8],
            &text[8..12],
            &text[13..16],
            &text[17..20],
            &text[20..],
        ];
        let [a, b, c, d, e] = parts;
        format!("{a}-{b}-4{c}-8{d}-{e}")
    };
    type Make<'a> = &'a dyn Fn() -> Vec<u8>;
    let kinds: [(&str, Make<'_>); 12] = [
        ("32 bytes", &|| random::<32>().to_vec()),
        ("64 bytes", &|| random::<64>().to_vec()),
        ("openssl rand -hex 16", &|| {
            hex(&random::<16>()).into_bytes()
        }),
        ("openssl rand -hex 32", &|| {
            hex(&random::<32>()).into_bytes()
        }),
        ("HEX", &|| hex(&random::<32>()).to_uppercase().into_bytes()),
        ("base64 of 24 bytes", &|| {
            STANDARD.encode(random::<24>()).into_bytes()
        }),
        ("openssl rand -base64 32", &|| {
            STANDARD.encode(random::<32>()).into_bytes()
        }),
        ("base64url of 64 bytes", &|| {
            URL_SAFE_NO_PAD.encode(random::<64>()).into_bytes()
        }),
        ("a UUID", &|| uuid().into_bytes()),
        ("two UUIDs", &|| {
            format!("{}{}", uuid(), uuid()).into_bytes()
        }),
        ("32 letters", &|| letters(b"abcdefghijklmnopqrstuvwxyz")),
        ("32 letters and digits", &|| {
            letters(b"ABCDEFGHJKMNPQRSTVWXYZ0123456789")
        }),
    ];
    for (kind, make) in kinds {
        for _ in 0..2_000 {
            let bytes = make();
            if let Err(error) = HmacSecret::new(bytes.clone()) {
                panic!("{kind}: {error}: {}", String::from_utf8_lossy(&bytes));
            }
        }
    }
}

#[test]
fn public_key_is_rejected_as_hmac_secret() {
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
        let rejected = HmacSecret::new(text.as_str()).unwrap_err();
        assert!(matches!(rejected, ConfigError::InvalidKey(_)), "{text}");
    }
    let text = "a passphrase -----that BEGINs----- with ssh-rsa";
    assert!(HmacSecret::new(text).is_ok(), "{text}");
}

#[test]
fn long_passphrase_containing_a_placeholder_is_accepted() {
    for text in [
        "the secret of my garden is a password: manure",
        "never change_me, not even by test or default!",
        "correct horse battery staple, and a secret",
    ] {
        assert!(HmacSecret::new(text).is_ok(), "{text}");
    }
}

#[test]
fn unset_variable_is_an_error() {
    let rejected = HmacSecret::from_env("TOWER_WARDER_TEST_THAT_NOBODY_SETS").unwrap_err();
    assert!(matches!(rejected, ConfigError::MissingVariable(_)));
}

#[test]
fn variable_is_the_secret_unchanged_and_not_empty() {
    const VARIABLE: &str = "TOWER_WARDER_TEST_SECRET";
    let Ok(value) = env::var(VARIABLE) else {
        // All tests of a process share its variables, so each value has a process of its own.
        for value in ["", SECRET, &format!(" {SECRET}\n")] {
            let mut test = Command::new(env::current_exe().unwrap());
            test.args([
                "--exact",
                "tokens::secrets::variable_is_the_secret_unchanged_and_not_empty",
            ]);
            let output = test.env(VARIABLE, value).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains("1 passed"), "{value:?}: {text}");
        }
        return;
    };
    match HmacSecret::from_env(VARIABLE) {
        Ok(read) => {
            let exact = HmacSecret::new(value).unwrap();
            let token = JwtIssuer::hs256(&read).issue("7").unwrap();
            check_with(&JwtVerifier::hs256(&exact), &token, ACCEPTED, "as it is");
        }
        Err(ConfigError::EmptyVariable(name)) => assert_eq!((&*name, &*value), (VARIABLE, "")),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn hmac_of_a_text_agrees_with_another_implementation() {
    for text in ["", "throttle", "device"] {
        let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        let expected = mac.chain_update(text).finalize().into_bytes();
        let ours = hmac_sha256(&secret(), text.as_bytes());
        assert_eq!(ours[..], expected[..], "{text}");
    }
}

#[test]
fn generated_secrets_differ_and_fit_every_hmac() {
    let (one, other) = (HmacSecret::generate(), HmacSecret::generate());
    assert!(SigningKey::hs512(&one).is_ok());
    let token = JwtIssuer::hs256(&one).issue("7").unwrap();
    check_with(&JwtVerifier::hs256(&one), &token, ACCEPTED, "its own");
    check_with(&JwtVerifier::hs256(&other), &token, SIGNATURE, "another");
}

#[test]
fn secret_file_is_created_once_atomically_and_owner_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let secrets: Vec<HmacSecret> = thread::scope(|scope| {
        let starts: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| HmacSecret::from_file_or_generate(&path).unwrap()))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    let token = JwtIssuer::hs256(&secrets[0]).issue("7").unwrap();
    for secret in &secrets {
        check_with(
            &JwtVerifier::hs256(secret),
            &token,
            ACCEPTED,
            "first starts agree",
        );
    }

    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(&text).unwrap().len(), 64);
    let read = HmacSecret::new(text.clone()).unwrap();
    check_with(
        &JwtVerifier::hs256(&read),
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

    HmacSecret::from_file_or_generate(&path).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        text,
        "a later start changes nothing"
    );
}

#[test]
fn invalid_secret_file_is_an_error_and_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    for text in ["", "short", "CHANGE_ME_before_you_go_to_production"] {
        let path = directory.path().join("secret");
        write_private(&path, text);
        let rejected = HmacSecret::from_file_or_generate(&path).unwrap_err();
        assert!(!matches!(rejected, ConfigError::KeyFile { .. }), "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    let rejected = HmacSecret::from_file_or_generate(directory.path()).unwrap_err();
    assert_eq!(problem_of(rejected), KeyFileProblem::NotAFile);
    let nowhere = directory.path().join("no/such/directory");
    let rejected = HmacSecret::from_file_or_generate(nowhere).unwrap_err();
    assert!(matches!(rejected, ConfigError::File { .. }), "{rejected:?}");
}

#[test]
fn secret_file_is_read_exactly_and_never_created() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let rejected = HmacSecret::from_file(&path).unwrap_err();
    let ConfigError::File { source, .. } = rejected else {
        panic!("{rejected:?}");
    };
    assert_eq!(source.kind(), io::ErrorKind::NotFound);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);

    write_private(&path, format!("{SECRET}\n"));
    let read = HmacSecret::from_file(&path).unwrap();
    let token = JwtIssuer::hs256(&read).issue("7").unwrap();
    let exact = HmacSecret::new(format!("{SECRET}\n")).unwrap();
    check_with(
        &JwtVerifier::hs256(&exact),
        &token,
        ACCEPTED,
        "with its line feed",
    );

    write_private(&path, "x".repeat(64 * 1024 + 1));
    assert_eq!(
        problem_of(HmacSecret::from_file(&path).unwrap_err()),
        KeyFileProblem::TooLarge
    );
}

#[cfg(unix)]
#[test]
fn secret_file_accessible_to_others_is_rejected() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    write_private(&path, SECRET);
    for mode in [0o600, 0o400, 0o700] {
        set_mode(&path, mode);
        assert!(HmacSecret::from_file_or_generate(&path).is_ok(), "{mode:o}");
    }
    for bit in 0..6 {
        let mode = 0o600 | 1 << bit;
        set_mode(&path, mode);
        for rejected in [
            HmacSecret::from_file(&path),
            HmacSecret::from_file_or_generate(&path),
        ] {
            let rejected = rejected.unwrap_err();
            assert!(rejected.to_string().contains("chmod go="), "{rejected}");
            assert_eq!(problem_of(rejected), KeyFileProblem::Accessible { mode });
        }
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), SECRET);
}

#[cfg(unix)]
#[test]
fn symlink_or_non_file_secret_is_rejected() {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    write_private(&path("secret"), SECRET);
    symlink(path("secret"), path("link")).unwrap();
    symlink("nowhere", path("dangling")).unwrap();
    let _listener = UnixListener::bind(path("socket")).unwrap();
    for (name, problem) in [
        ("link", KeyFileProblem::SymbolicLink),
        ("dangling", KeyFileProblem::SymbolicLink),
        ("socket", KeyFileProblem::NotAFile),
    ] {
        for rejected in [
            HmacSecret::from_file(path(name)),
            HmacSecret::from_file_or_generate(path(name)),
        ] {
            assert_eq!(problem_of(rejected.unwrap_err()), problem, "{name}");
        }
    }
    assert!(!path("nowhere").exists());
    // A symbolic link in the directory path is allowed: the operator created it.
    symlink(directory.path(), path("here")).unwrap();
    assert!(HmacSecret::from_file(path("here/secret")).is_ok());
}

#[cfg(unix)]
#[test]
fn secret_file_of_another_owner_is_rejected() {
    use std::os::unix::fs::{MetadataExt, chown};

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    write_private(&path, SECRET);
    let process = fs::metadata(&path).unwrap().uid();
    let owner = process + 12_345;
    if chown(&path, Some(owner), None).is_err() {
        println!("skipped: only root can give files away");
        return;
    }
    for rejected in [
        HmacSecret::from_file(&path),
        HmacSecret::from_file_or_generate(&path),
    ] {
        let rejected = rejected.unwrap_err();
        assert!(
            rejected.to_string().contains(&format!("chown {process}")),
            "{rejected}"
        );
        assert_eq!(
            problem_of(rejected),
            KeyFileProblem::ForeignOwner { owner, process }
        );
    }
    chown(&path, Some(0), None).unwrap();
    assert!(HmacSecret::from_file(&path).is_ok(), "root's");
}

/// A file that is replaced concurrently is read as one of its versions, or rejected.
#[cfg(unix)]
#[test]
fn symlink_replacing_a_secret_file_is_never_followed() {
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};

    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    write_private(
        &path("target"),
        "another secret, which nobody may make us read: q7Lk2vXw",
    );
    let target = HmacSecret::from_file(path("target")).unwrap();
    let token = JwtIssuer::hs256(&target).issue("7").unwrap();
    let stop = AtomicBool::new(false);
    let mut read = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                write_private(&path("new"), SECRET);
                fs::rename(path("new"), path("secret")).unwrap();
                symlink(path("target"), path("link")).unwrap();
                fs::rename(path("link"), path("secret")).unwrap();
            }
        });
        for _ in 0..3_000 {
            if let Ok(secret) = HmacSecret::from_file(path("secret")) {
                read += 1;
                let verifier = JwtVerifier::hs256(&secret);
                assert!(verifier.verify_token(&token).is_err());
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    println!("{read} of 3000 were read");
}

fn problem_of(error: ConfigError) -> KeyFileProblem {
    match error {
        ConfigError::KeyFile { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

fn write_private(path: &Path, content: impl AsRef<[u8]>) {
    fs::write(path, content).unwrap();
    #[cfg(unix)]
    set_mode(path, 0o600);
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

// MACs are compared by `Mac::verify_slice` of the crate `hmac`, which takes as long for a MAC that
// differs in its first byte as for one that differs in its last. This test asserts that the whole
// MAC is compared.
#[test]
fn partially_matching_mac_is_rejected() {
    let [header, payload, signature] = segments(&with_payload(PAYLOAD));
    let mac = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let with_mac = |mac: &[u8]| format!("{header}.{payload}.{}", encode(mac));
    check(&with_mac(&mac), ACCEPTED, "whole");
    for length in 1..mac.len() {
        check(
            &with_mac(&mac[..length]),
            SIGNATURE,
            format!("the first {length} bytes"),
        );
        check(
            &with_mac(&mac[length..]),
            SIGNATURE,
            format!("without the first {length} bytes"),
        );
    }
    for byte in 0..mac.len() {
        let mut other = mac.clone();
        other[byte] ^= 1;
        check(&with_mac(&other), SIGNATURE, format!("another byte {byte}"));
    }
    check(
        &with_mac(&[&mac[..], &[0]].concat()),
        SIGNATURE,
        "one byte more",
    );
    check(
        &with_mac(&[&mac[..], &mac[..]].concat()),
        SIGNATURE,
        "twice",
    );
    check(&with_mac(&[0; 32]), SIGNATURE, "zeros");
}

#[test]
fn formatted_values_never_show_the_secret() {
    let secret = secret();
    let key = SigningKey::hs512(&secret).unwrap().key_id("a");
    let ring = KeyRing::new();
    ring.set_signing_key(key.clone()).unwrap();
    let (issuer, verifier) = (JwtIssuer::hs256(&secret), verifier());
    let token = issuer.issue("7").unwrap();
    let rejected = verifier.verify_token(&format!("{token}x")).unwrap_err();

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
        JwtIssuer::ring(&ring),
        issuer
            .token("7")
            .claims(&serde_json::json!({"own": SECRET})),
        verifier,
        JwtVerifier::ring(&ring),
        rejected,
        HmacSecret::new(&SECRET[..31]).unwrap_err(),
        HmacSecret::new(format!("CHANGE_ME{SECRET}")).unwrap_err(),
        HmacSecret::new(SECRET[..8].repeat(8)).unwrap_err(),
        SigningKey::hs512(&HmacSecret::new(&SECRET[..40]).unwrap()).unwrap_err(),
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
        // `{:#?}` puts a list of numbers on several lines.
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
