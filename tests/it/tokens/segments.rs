//! Token segments: number, size and strict base64url.

use tower_warder::JwtVerifier;
use tower_warder::error::AuthErrorKind;

use super::forge::*;

#[test]
fn token_has_exactly_three_non_empty_segments() {
    let token = with_payload(PAYLOAD);
    let [header, payload, signature] = segments(&token);
    check(&token, ACCEPTED, "three");
    for row in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        header.clone(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!(".{token}"),
        format!("{token}."),
        format!("{token}.{signature}"),
        // A JWE has five segments.
        format!("{token}.{payload}.{signature}"),
        format!("{header}.{payload}..{signature}"),
        // Signed as written.
        sign(&format!("{header}.{payload}.{payload}")),
        sign(&format!("{header}..{payload}")),
        sign(&format!("{header}.")),
        sign(&format!(".{payload}")),
        sign(&header),
    ] {
        check(&row, SEGMENTS, &row);
    }
}

#[test]
fn token_size_limit_is_8_kib() {
    for (length, expected) in [
        (8191, ACCEPTED),
        (8192, ACCEPTED),
        (8193, SIZE),
        (8194, SIZE),
        (100_000, SIZE),
    ] {
        let token = token_of(length);
        assert_eq!(token.len(), length);
        check(&token, expected, length);
    }
}

#[test]
fn token_size_limit_is_configurable() {
    let verifier = verifier().max_token_bytes(500);
    check_with(&verifier, &token_of(500), ACCEPTED, "at the limit");
    check_with(&verifier, &token_of(501), SIZE, "beyond the limit");
    let verifier = verifier.max_token_bytes(usize::MAX);
    check_with(&verifier, &token_of(100_000), ACCEPTED, "any size");
    check_with(&verifier.max_token_bytes(0), &token_of(200), SIZE, "none");
}

#[test]
fn header_size_limit_is_1024_bytes() {
    let header = |length: usize| encode(format!("{HEADER:<length$}"));
    let (largest, larger) = (header(768), header(769));
    assert_eq!((largest.len(), larger.len()), (1024, 1026));
    let payload = encode(PAYLOAD);
    for (header, expected) in [
        (header(767), ACCEPTED),
        (format!("{largest}A"), HEADER_SIZE),
        (largest, ACCEPTED),
        (larger, HEADER_SIZE),
        (header(3000), HEADER_SIZE),
    ] {
        let token = sign(&format!("{header}.{payload}"));
        check(&token, expected, header.len());
    }
}

#[test]
fn size_is_checked_before_decoding() {
    for (row, token, expected) in [
        ("not base64", "!".repeat(8193), SIZE),
        ("all dots", ".".repeat(8193), SIZE),
        ("no JSON", format!("{}.e30.e30", "A".repeat(8193)), SIZE),
        (
            "header only",
            format!("{}.e30.e30", "!".repeat(1025)),
            HEADER_SIZE,
        ),
    ] {
        check(&token, expected, row);
    }
}

#[test]
fn oversized_signature_is_rejected_without_a_panic() {
    let [header, payload, _] = segments(&with_payload(PAYLOAD));
    for (length, expected) in [
        (4, SIGNATURE),
        (1364, SIGNATURE),
        (1366, SIGNATURE),
        // More than 1024 bytes.
        (1367, BASE64),
        (1368, BASE64),
        (6000, BASE64),
    ] {
        let token = format!("{header}.{payload}.{}", "A".repeat(length));
        check(&token, expected, length);
    }
}

#[test]
fn segments_must_be_strict_base64url() {
    // The length of one value varies until all spellings below have occurred.
    let mut rows = 0;
    for filler in 0..40 {
        let header = encode(format!(
            r#"{{"alg":"HS256","x":"~?{}"}}"#,
            "?".repeat(filler)
        ));
        let payload = encode(format!(
            r#"{{"sub":"7","exp":1767229200,"x":"~?{filler:?<40}"}}"#
        ));
        let token = sign(&format!("{header}.{payload}"));
        check(&token, ACCEPTED, filler);

        // Signed as written, so that only the spelling is wrong.
        for (row, header) in misspellings(&header) {
            check(
                &sign(&format!("{header}.{payload}")),
                BASE64,
                format!("header: {row}"),
            );
            rows += 1;
        }
        for (row, payload) in misspellings(&payload) {
            check(
                &sign(&format!("{header}.{payload}")),
                BASE64,
                format!("payload: {row}"),
            );
            rows += 1;
        }
        let [header, payload, signature] = segments(&token);
        for (row, signature) in misspellings(&signature) {
            check(
                &format!("{header}.{payload}.{signature}"),
                BASE64,
                format!("signature: {row}"),
            );
            rows += 1;
        }
    }
    assert!(rows > 40 * 3 * 12, "{rows}");
}

#[test]
fn only_one_encoding_of_a_signature_is_accepted() {
    let token = with_payload(PAYLOAD);
    let (rest, last) = token.split_at(token.len() - 1);
    for letter in ALPHABET.chars() {
        let expected = match letter {
            letter if last.starts_with(letter) => ACCEPTED,
            letter if !value(letter).is_multiple_of(4) => BASE64,
            _ => SIGNATURE,
        };
        check(&format!("{rest}{letter}"), expected, letter);
    }
}

#[test]
fn rejected_token_is_always_invalid_token() {
    for token in ["", "a", "a.b.c", "\u{0}", "é.é.é", "🦀", " . . "] {
        let error = JwtVerifier::hs256(&secret()).verify_token(token);
        assert_eq!(error.unwrap_err().kind(), AuthErrorKind::InvalidToken);
    }
}

/// Other spellings that lenient readers decode to the same bytes.
fn misspellings(segment: &str) -> Vec<(String, String)> {
    let (first, rest) = segment.split_at(1);
    // A remainder of one letter encodes no byte.
    let more = "A".repeat((5 - segment.len() % 4) % 4);
    let mut rows = vec![
        ("=".to_owned(), format!("{segment}=")),
        ("==".to_owned(), format!("{segment}==")),
        ("===".to_owned(), format!("{segment}===")),
        ("inner =".to_owned(), format!("{first}={rest}")),
        ("one letter over".to_owned(), format!("{segment}{more}")),
    ];
    for blank in [' ', '\t', '\n', '\r', '\0', '\u{a0}', '%', ',', '~', 'é'] {
        rows.push((format!("{blank:?} after"), format!("{segment}{blank}")));
        rows.push((format!("{blank:?} before"), format!("{blank}{segment}")));
        rows.push((format!("{blank:?} within"), format!("{first}{blank}{rest}")));
    }
    for (ours, theirs) in [('-', "+"), ('_', "/"), ('-', "%2D"), ('_', "%5F")] {
        if segment.contains(ours) {
            rows.push((theirs.to_owned(), segment.replace(ours, theirs)));
        }
    }
    // Unused bits: two in the third letter of a group, four in the second.
    let unused = match segment.len() % 4 {
        2 => 16,
        3 => 4,
        _ => 1,
    };
    let (rest, last) = segment.split_at(segment.len() - 1);
    let last = value(last.chars().next().unwrap());
    for bits in 1..unused {
        let letter = ALPHABET.chars().nth(last + bits).unwrap();
        rows.push((format!("unused bits {bits:04b}"), format!("{rest}{letter}")));
    }
    rows
}

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn value(letter: char) -> usize {
    ALPHABET.find(letter).unwrap()
}

/// Valid token of exactly `length` bytes.
fn token_of(length: usize) -> String {
    let signature = 43;
    (0..4)
        .find_map(|blanks| {
            let header = encode(format!("{HEADER}{}", " ".repeat(blanks)));
            let payload = length - header.len() - signature - 2;
            let bytes = payload * 3 / 4;
            (payload % 4 != 1).then(|| {
                let payload = format!("{PAYLOAD}{}", " ".repeat(bytes - PAYLOAD.len()));
                sign(&format!("{header}.{}", encode(payload)))
            })
        })
        .unwrap()
}
