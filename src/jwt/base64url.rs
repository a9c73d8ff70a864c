//! Strict base64url decoding.

use base64::Engine;

use crate::error::RejectReason;

/// Decodes into the front of `buffer`. Rejects padding, other alphabets, white space and unused bits
/// that are not zero (RFC 7515, section 2), so that each token has exactly one accepted encoding.
///
/// # Errors
///
/// [`RejectReason::Base64`], also when the buffer is too short.
pub(super) fn decode<'b>(text: &str, buffer: &'b mut [u8]) -> Result<&'b [u8], RejectReason> {
    let length = ENGINE
        .decode_slice(text, buffer)
        .map_err(|_| RejectReason::Base64)?;
    buffer.get(..length).ok_or(RejectReason::Base64)
}

// Detects the SIMD instructions of the machine once.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: std::sync::LazyLock<base64::engine::simd::Simd> = std::sync::LazyLock::new(|| {
    base64::engine::simd::Simd::url_safe(base64::engine::general_purpose::NO_PAD)
});
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static ENGINE: base64::engine::GeneralPurpose = base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    /// Decodes with the engine for this machine and with the portable one.
    fn both(text: &str) -> [Option<Vec<u8>>; 2] {
        let mut buffer = [0; 256];
        let native = decode(text, &mut buffer).ok().map(<[u8]>::to_vec);
        [native, URL_SAFE_NO_PAD.decode(text).ok()]
    }

    #[test]
    fn simd_and_portable_engine_agree_on_every_character() {
        // Longer than two iterations of the widest SIMD instructions, with every remainder.
        for length in 0..=100 {
            let text: Vec<u8> = (0..length)
                .map(|position| ALPHABET[position * 7 % 64])
                .collect();
            for position in 0..length {
                for byte in 0..128 {
                    let mut text = text.clone();
                    text[position] = byte;
                    let text = str::from_utf8(&text).unwrap();
                    let [native, portable] = both(text);
                    assert_eq!(native, portable, "{text:?}");
                    let valid = ALPHABET.contains(&byte) || position + 1 == length;
                    assert!(valid || native.is_none(), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn characters_outside_the_alphabet_are_rejected() {
        for length in 0..=100 {
            for position in 0..=length {
                for invalid in ["é", "\u{a0}", "ÿ", "Ａ", "=", "==", "\r\n"] {
                    let (before, after) = ("A".repeat(position), "A".repeat(length - position));
                    let text = format!("{before}{invalid}{after}");
                    assert_eq!(both(&text), [None, None], "{text:?}");
                }
            }
        }
    }

    #[test]
    fn decoded_bytes_have_one_encoding() {
        for length in 1..=100 {
            let bytes: Vec<u8> = (0..length)
                .map(|position| (position as u8).wrapping_mul(37))
                .collect();
            let text = URL_SAFE_NO_PAD.encode(&bytes);
            let passes = |last: &u8| {
                let text = [text.get(..text.len() - 1)?, str::from_utf8(&[*last]).ok()?].concat();
                (both(&text)[0].as_ref()? == &bytes).then_some(())
            };
            assert_eq!(ALPHABET.iter().filter_map(passes).count(), 1, "{text}");
        }
    }

    #[test]
    fn short_buffer_is_an_error() {
        let text = URL_SAFE_NO_PAD.encode([7; 100]);
        for length in 0..100 {
            assert!(decode(&text, &mut vec![0; length]).is_err(), "{length}");
        }
        assert_eq!(decode(&text, &mut [0; 100]).unwrap(), [7; 100]);
    }

    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
}
