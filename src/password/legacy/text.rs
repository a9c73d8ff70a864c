//! Parts of stored hashes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Splits text into exactly `N` parts.
pub(super) fn split<const N: usize>(text: &str, separator: char) -> Option<[&str; N]> {
    text.split(separator).collect::<Vec<_>>().try_into().ok()
}

/// Decodes lower-case hexadecimal digits.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    pairs
        .iter()
        .map(|[high, low]| Some(digit(high)? << 4 | digit(low)?))
        .collect()
}

/// Decodes the base64 of passlib, which has `.` in place of `+`, and no padding.
pub(super) fn adapted_base64(text: &str) -> Option<Vec<u8>> {
    if text.contains('+') {
        return None;
    }
    STANDARD_NO_PAD.decode(text.replace('.', "+")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_have_one_spelling() {
        assert_eq!(hex("00ff1a").unwrap(), [0, 255, 26]);
        for text in ["0", "0g", "FF", "+1", " 1", "é0"] {
            assert_eq!(hex(text), None, "{text}");
        }
    }
}
