use proptest::prelude::*;

use super::*;

const PASSWORD: &str = "grüße, wörld";

/// Hashes of [`PASSWORD`], made by Django 5.2.19, Werkzeug 3.1.9, passlib 1.7.4, pwdlib 0.3.1 and
/// argon2-cffi 25.1.0, at costs that are low enough for tests.
const MADE_BY_OTHERS: [&str; 24] = [
    // Django: `PBKDF2PasswordHasher` and the others of `PASSWORD_HASHERS`.
    "pbkdf2_sha256$10$SUJdRMllUJCxB13y6G6RRJ$6S7kztZpSAsIkJXlz5lYR5TE60NMCzF1OPbyHghcwZk=",
    "pbkdf2_sha1$10$RzP5ldzfjdgyTqCqA0di3y$oc8Fi1YF0pyLjta41Fi0x3DKZNs=",
    "argon2$argon2id$v=19$m=1024,t=2,p=8$Q2RTaU4zeHI2VXVqZFZqNjh5ZDIxUw\
     $XjXgC0wnZJdOA6Voeyq8RS6fW4Z5SRVSKESXX9Q3J/k",
    "bcrypt_sha256$$2b$04$ZFpykudWiDLHKoeTAvsqEuuCvxgrhdZutZhLsqjkLq9FjWS/SAERK",
    "bcrypt$$2b$04$b2TxDhyv5pChbxSRX27cju51P0cgARnT48Z9q/W2.PAq1zEsHWBO6",
    "scrypt$1024$4AWiEGvgMC8BCo6V0tra8Z$8$5\
     $eg7Uugc4TtPlgYyUuzU2zDJkpKSUSoa0Hzqetuftl31VmQatMwK2g3+j6L7vZ0Bm4B6uSt/fQlVFX/D1RAQ5ag==",
    // Werkzeug: `generate_password_hash`.
    "scrypt:32768:8:1$UzbLg2hUMNGHhTp9$6476171a903f7a997bd99289773041924fbfb76e42ad3eee7c8614648041\
     df30faa7dd2a1cc3c1affda95b0e124f419340c91d6259da9d200063f7c53ed659ec",
    "scrypt:1024:8:2$qmf4oXIJZb0i9eqK$d0dc9cd03ffe74b70032a3043e4684a48898857baf04092adf1b4bae1b2a\
     c67e2eaa3a3a33bb993aeaed710d53d94df45d725782f3bbf6f04e56323fb82376d6",
    "pbkdf2:sha512:10$MYIUcGJWMPv1uMQo$8fafa1376266c6f70c91388a297dde1bf1378612c18a178271e383\
     4c805509907d4f9386207c2eff1563c33b25fa4c8a5b1f85efc16bf2e0f19ffba9ab4c4b1c",
    "pbkdf2:sha1:10$qBp3OBta52FgOi2C$4868f2a80c47be486872a83df4111d07449e1048",
    // passlib: `passlib.hash`.
    "$pbkdf2$10$jrFWytlbC2GMsdbau5dSSg$yFomU2gH6ZJTsfXonl9TN/BfRi0",
    "$pbkdf2-sha256$10$kZJSijHGuDdGyNnbe2/tfQ$cbT6gE3SHvpH9DWwM1xyiQockZIYSbKg0y9QOqsyZJE",
    "$pbkdf2-sha512$10$FEIohZBy7p1zrlXK2dub0w$5SQ7OwDfSk7VG.bvdMBfKc3bnsbljkjG4xZ6OZfRyTGWCkM\
     qoUovF2zmt8KrXm0ILNf.L1LHze1o9zWGYZvebA",
    "$scrypt$ln=10,r=8,p=1$uZdS6n3P+b/3Xut9750zxg$K+4xb9fOxdJXt+ofwzbFkw33LylbCcdZBbseaznCHVM",
    "$2y$04$6/S8aJlK/4MY6zJtdjFKWeMXx7rsovEHbagMR8FhX.hpS.9CyE5XS",
    "$bcrypt-sha256$v=2,t=2b,r=4$rwJcOxRmZthYIsGPx4oit.$OlakVS7j79pwhI24IShUGNBLG1LP.HC",
    "$bcrypt-sha256$2b,4$P2rISHSQP2bTR8M6UsvFxu$7q55Pko0UwB17CUyh4LpMXFJ8oBaNxe",
    // pwdlib: `BcryptHasher`.
    "$2b$04$JIqeLzAqCcePNvPXpEKlv.VheHCbDdAwYQIvUTDwfB/sLnbPrFh2m",
    "$2a$04$sTrqPAWufm3WXAzJa9R7xubTAJx4zf3V8dE1AwfOLUJnktsdm6h1m",
    // argon2-cffi: `hash_secret` by type and version; the last is from before versions were written.
    "$argon2i$v=16$m=256,t=2,p=2$c2FsdHNhbHRzYWx0c2FsdA\
     $xxp719N3x2+gfc0YomqhBy9GpjuMAEeTbWkm8M9ALt0",
    "$argon2i$v=19$m=256,t=2,p=2$c2FsdHNhbHRzYWx0c2FsdA\
     $+OE6FgOkdwKQ4Kozi/XTZ4DAhn0FZgBiWUmQBr4Hgds",
    "$argon2d$v=16$m=256,t=2,p=2$c2FsdHNhbHRzYWx0c2FsdA\
     $4aQOlLCvtGWjebvwUKjy5Qp1wKm3bS39kOvQIuKp+9o",
    "$argon2d$v=19$m=256,t=2,p=2$c2FsdHNhbHRzYWx0c2FsdA\
     $1RvMTFH0LfGL/HYhd0DDgo/aKe4HC+3pRePgF+I74Sw",
    "$argon2i$m=256,t=2,p=2$c2FsdHNhbHRzYWx0c2FsdA$xxp719N3x2+gfc0YomqhBy9GpjuMAEeTbWkm8M9ALt0",
];

/// Passwords and hashes from John the Ripper's and jBCrypt's tests of bcrypt, and RFC 6070 and
/// RFC 7914 in the formats of Django and passlib.
const PUBLISHED: [(&str, &str); 6] = [
    (
        "U*U",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    ),
    (
        "",
        "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
    ),
    (
        "abc",
        "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i",
    ),
    (
        "password",
        "pbkdf2_sha1$4096$salt$SwB5AbdlSJq+rUnZJvch0GWkKcE=",
    ),
    (
        "pleaseletmein",
        "scrypt$16384$SodiumChloride$8$1$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLV\
         QylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw==",
    ),
    (
        "password",
        "$scrypt$ln=10,r=8,p=16$TmFDbA\
         $/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA",
    ),
];

fn matches(stored: &str, password: &str) -> bool {
    let hash = LegacyFormats.parse(stored).unwrap().unwrap();
    hash.matches(password).unwrap()
}

fn accepts(stored: &str) -> bool {
    let parsed = LegacyFormats.parse(stored).ok().flatten();
    parsed.is_some_and(|hash| hash.matches(PASSWORD).unwrap())
}

#[test]
fn hashes_made_by_other_frameworks_match() {
    for stored in MADE_BY_OTHERS {
        assert!(matches(stored, PASSWORD), "{stored}");
        for wrong in ["grüße, wörl", "grüße, wörldx", "", "\0"] {
            assert!(!matches(stored, wrong), "{stored} {wrong:?}");
        }
    }
}

#[test]
fn published_hashes_match() {
    for (password, stored) in PUBLISHED {
        assert!(matches(stored, password), "{stored}");
        assert!(!matches(stored, "passwore"), "{stored}");
    }
}

#[test]
fn any_changed_byte_is_rejected() {
    for stored in MADE_BY_OTHERS {
        // Costs more than the others, and has the form of the next.
        if stored.starts_with("scrypt:32768") {
            continue;
        }
        for (position, byte) in stored.bytes().enumerate() {
            // Stays within the alphabets, and makes no cost expensive.
            let other = if byte == b'0' { "2" } else { "0" };
            let mut changed = stored.to_owned();
            changed.replace_range(position..=position, other);
            assert!(!accepts(&changed), "{changed}");
        }
        for changed in [
            format!("{stored} "),
            format!("{stored}\n"),
            format!(" {stored}"),
            format!("{stored}$"),
            format!("{stored}0"),
            format!("{stored}="),
            format!("${stored}"),
            stored[..stored.len() - 1].to_owned(),
            stored[1..].to_owned(),
            stored.to_uppercase(),
        ] {
            assert!(!accepts(&changed), "{changed:?}");
        }
    }
}

#[test]
fn malformed_and_excessive_parameters_are_rejected() {
    let bcrypt = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    let sha256 = "mupMsTmjxqnSjRKfLQsqrG0htEXL6HZ4xhZBStl9ysA=";
    let key = "K+4xb9fOxdJXt+ofwzbFkw33LylbCcdZBbseaznCHVM";
    let readable = |stored: &str| LegacyFormats.parse(stored).map(|hash| hash.is_some());

    for (cost, valid) in [
        ("04", true),
        ("15", true),
        ("03", false),
        ("16", false),
        ("31", false),
        ("99", false),
        ("00", false),
        ("4", false),
        ("004", false),
        ("+4", false),
        ("", false),
        ("4294967300", false),
    ] {
        let stored = format!("$2b${cost}${bcrypt}");
        assert_eq!(readable(&stored).is_ok(), valid, "{stored}");
    }
    for (iterations, valid) in [
        ("1", true),
        ("5000000", true),
        ("5000001", false),
        ("0", false),
        ("01", false),
        ("-1", false),
        ("", false),
        ("4294967297", false),
    ] {
        let stored = format!("pbkdf2_sha256${iterations}$salt${sha256}");
        assert_eq!(readable(&stored).is_ok(), valid, "{stored}");
    }
    for (params, valid) in [
        ("ln=1,r=1,p=1", true),
        ("ln=17,r=8,p=1", true),
        ("ln=20,r=8,p=4", true),
        ("ln=18,r=32,p=4", true),
        ("ln=20,r=8,p=5", false),
        ("ln=20,r=9,p=1", false),
        ("ln=21,r=1,p=1", false),
        ("ln=10,r=33,p=1", false),
        ("ln=10,r=8,p=17", false),
        ("ln=20,r=32,p=16", false),
        ("ln=0,r=8,p=1", false),
        ("ln=10,r=0,p=1", false),
        ("ln=10,r=8,p=0", false),
        ("ln=256,r=8,p=1", false),
        ("ln=10,r=4294967295,p=4294967295", false),
        ("r=8,ln=10,p=1", false),
        ("ln=10,r=8", false),
    ] {
        let stored = format!("$scrypt${params}$c2FsdHNhbHQ${key}");
        assert_eq!(readable(&stored).is_ok(), valid, "{stored}");
    }
    for n in ["0", "1", "1000", "2097152", "4294967296"] {
        assert!(
            readable(&format!("scrypt${n}$salt$8$1${key}=")).is_err(),
            "{n}"
        );
    }
    for params in ["m=1048577,t=1,p=1", "m=256,t=17,p=2", "m=256,t=2,p=17"] {
        let stored = format!("$argon2i$v=19${params}$c2FsdHNhbHRzYWx0c2FsdA${key}");
        assert!(readable(&stored).is_err(), "{stored}");
    }
}

#[test]
fn short_hashes_are_rejected() {
    for stored in [
        "pbkdf2_sha256$1000$salt$",
        "pbkdf2_sha256$1000$salt$mupM",
        "pbkdf2:sha256:1000$salt$99",
        "pbkdf2:sha256:1000$salt$99b419a9c5218822943ff2f7ef2a406446da6479",
        "$pbkdf2-sha512$1000$c2FsdA$.gxgUGXMER7wMgL6N8PIXvHUg2hBwxVMFh27UQGkcrc",
        "scrypt:1024:8:1$salt$",
        "scrypt:1024:8:1$salt$d0dc9cd03ffe74b70032a3043e4684",
        "$scrypt$ln=10,r=8,p=1$c2FsdA$",
        "$2b$04$JIqeLzAqCcePNvPXpEKlv.",
        "$argon2i$v=19$m=256,t=2,p=2$c2FsdHNhbHQ$c2FsdHNhbHQ",
    ] {
        assert!(LegacyFormats.parse(stored).is_err(), "{stored}");
    }
}

#[test]
fn other_formats_are_left_to_the_next() {
    for stored in [
        "",
        "!",
        "!r3YIrNd4pXTE2b2JpcxJCU9rnyJ4FhpClLCPQMYP",
        "plain text",
        "md5$t518bxe0cj0JgCvV12BiV4$939c2d1e674a0af03f73035d7297df85",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$5$rounds=1000$salt$hash",
        "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",
        "pbkdf2:md5:1000$salt$939c2d1e674a0af03f73035d7297df85",
        "argon2",
    ] {
        assert!(matches!(LegacyFormats.parse(stored), Ok(None)), "{stored}");
    }
}

#[test]
fn bcrypt_reads_72_bytes_of_a_password() {
    // By the Python package bcrypt 4.3.0, of `0123456789` eight times.
    let stored = "$2b$04$RbBnlOjh6fXFhVXuJPS8/udq1WhXrF4U.tC.RPMioatei343UJ85G";
    let long = "0123456789".repeat(8);
    for (password, expected) in [
        (&long[..], true),
        (&long[..72], true),
        (&long[..71], false),
        (&format!("{}x", &long[..72]), true),
        (&format!("{}x", &long[..71]), false),
    ] {
        assert_eq!(matches(stored, password), expected, "{password}");
    }
}

#[test]
fn password_with_nul_matches_no_bcrypt() {
    // `nul\0inside`, by the Python package bcrypt; then U*U, whose key is repeated with its NUL.
    let with_nul = "$2b$05$6JZ0OYEzGaGnAF.XPDBOT.p2Ewwj5nvSfz/FAPsTxmrC/yclAWeSy";
    assert!(!matches(with_nul, "nul\0inside"));
    assert!(!matches(with_nul, "nul"));
    let (password, stored) = PUBLISHED[0];
    assert!(matches(stored, password));
    for password in ["U*U\0", "U*U\0U*U", "\0U*U"] {
        assert!(!matches(stored, password), "{password:?}");
    }
}

proptest! {
    #[test]
    fn random_text_is_rejected(
        format in 0..MADE_BY_OTHERS.len(),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        text in "(\\PC|[$,=0-9]){0,24}",
    ) {
        // Nothing is verified, so that no cost matters.
        let _ = LegacyFormats.parse(&text);
        let stored = MADE_BY_OTHERS[format];
        let (from, to) = (from.index(stored.len()), to.index(stored.len()));
        let mut changed = stored.to_owned();
        changed.replace_range(from.min(to)..from.max(to), &text);
        let _ = LegacyFormats.parse(&changed);
    }
}
