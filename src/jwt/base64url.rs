//! The one spelling of base64url that a token may have.

use base64::Engine;

use crate::error::RejectReason;

/// Decodes into the front of `buffer`: no padding, no other alphabet, no white space, unused bits
/// zero (RFC 7515, section 2), so that two spellings of one token never both pass.
///
/// # Errors
///
/// [`RejectReason::Base64`], also if the buffer is too short.
pub(super) fn decode<'b>(text: &str, buffer: &'b mut [u8]) -> Result<&'b [u8], RejectReason> {
    let length = ENGINE
        .decode_slice(text, buffer)
        .map_err(|_| RejectReason::Base64)?;
    buffer.get(..length).ok_or(RejectReason::Base64)
}

// By whatever instructions the machine has: asked once.
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

    /// What the engine for this machine says, and what the one without its instructions says.
    fn both(text: &str) -> [Option<Vec<u8>>; 2] {
        let mut buffer = [0; 256];
        let ours = decode(text, &mut buffer).ok().map(<[u8]>::to_vec);
        [ours, URL_SAFE_NO_PAD.decode(text).ok()]
    }

    #[test]
    fn whatever_the_machine_each_character_in_each_place_is_judged_alike() {
        // Longer than two rounds of the widest instructions, and every remainder.
        for length in 0..=100 {
            let text: Vec<u8> = (0..length).map(|place| ALPHABET[place * 7 % 64]).collect();
            for place in 0..length {
                for byte in 0..128 {
                    let mut text = text.clone();
                    text[place] = byte;
                    let text = str::from_utf8(&text).unwrap();
                    let [ours, theirs] = both(text);
                    assert_eq!(ours, theirs, "{text:?}");
                    let strict = ALPHABET.contains(&byte) || place + 1 == length;
                    assert!(strict || ours.is_none(), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn whatever_the_machine_no_other_characters_are_let_in() {
        for length in 0..=100 {
            for place in 0..=length {
                for odd in ["é", "\u{a0}", "ÿ", "Ａ", "=", "==", "\r\n"] {
                    let (before, after) = ("A".repeat(place), "A".repeat(length - place));
                    let text = format!("{before}{odd}{after}");
                    assert_eq!(both(&text), [None, None], "{text:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_decoded_has_one_spelling() {
        for length in 1..=100 {
            let bytes: Vec<u8> = (0..length)
                .map(|place| (place as u8).wrapping_mul(37))
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
    fn a_buffer_that_is_too_short_is_an_error() {
        let text = URL_SAFE_NO_PAD.encode([7; 100]);
        for length in 0..100 {
            assert!(decode(&text, &mut vec![0; length]).is_err(), "{length}");
        }
        assert_eq!(decode(&text, &mut [0; 100]).unwrap(), [7; 100]);
    }

    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
}
