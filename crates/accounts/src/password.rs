//! New passwords, of valid length, and the composed form of passwords.

use std::error::Error;
use std::fmt;

use unicode_normalization::{UnicodeNormalization, is_nfc};
use zeroize::Zeroizing;

/// New password of 8 to 128 code points.
///
/// The text is not trimmed, and any character is allowed. It is kept in Unicode's composed form NFC
/// (RFC 8265, section 4.2.2; NIST SP 800-63B), so that it matches whether a keyboard sends `é` or `e`
/// and an accent; the length is that of the text as it was typed. It is zeroized on drop, and `Debug`
/// does not show it.
///
/// ```
/// use tower_warder_accounts::{InvalidPassword, Password};
///
/// assert!(Password::new("grüße 🗼!").is_ok());
/// assert_eq!(Password::new("cafe\u{301} noir")?.as_str(), "caf\u{e9} noir");
/// assert_eq!(Password::new("ä🗼").unwrap_err(), InvalidPassword::TooShort);
/// # Ok::<(), InvalidPassword>(())
/// ```
pub struct Password(Zeroizing<String>);

impl Password {
    /// Minimum length in code points.
    pub const MIN_CHARS: usize = 8;

    /// Maximum length in code points.
    pub const MAX_CHARS: usize = 128;

    /// Checks the length of a password.
    ///
    /// # Errors
    ///
    /// [`InvalidPassword`] if it is too short or too long.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidPassword> {
        let text = Zeroizing::new(text.into());
        match text.chars().take(Self::MAX_CHARS + 1).count() {
            ..Self::MIN_CHARS => Err(InvalidPassword::TooShort),
            Self::MIN_CHARS..=Self::MAX_CHARS => Ok(Self(composed(&text).unwrap_or(text))),
            _ => Err(InvalidPassword::TooLong),
        }
    }

    /// Returns the password in NFC, for a hasher.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password([redacted])")
    }
}

/// Error for a text that is not a valid [`Password`]. It does not contain the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidPassword {
    /// It has fewer than 8 code points.
    TooShort,
    /// It has more than 128 code points.
    TooLong,
}

impl fmt::Display for InvalidPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, max) = (Password::MIN_CHARS, Password::MAX_CHARS);
        match self {
            Self::TooShort => write!(f, "the password has fewer than {min} characters"),
            Self::TooLong => write!(f, "the password has more than {max} characters"),
        }
    }
}

impl Error for InvalidPassword {}

/// Returns a password in NFC, if that differs from what was typed.
pub(crate) fn composed(typed: &str) -> Option<Zeroizing<String>> {
    if is_nfc(typed) {
        return None;
    }
    // No text becomes longer than that, so that nothing is left behind by a reallocation.
    let capacity = typed.len() * MAX_NFC_EXPANSION;
    let mut composed = Zeroizing::new(String::with_capacity(capacity));
    composed.extend(typed.nfc());
    Some(composed)
}

/// In UTF-8 (Unicode Standard Annex 15).
const MAX_NFC_EXPANSION: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_code_points() {
        for (text, expected) in [
            ("ä".repeat(7), Err(InvalidPassword::TooShort)),
            ("ä".repeat(8), Ok(())),
            ("🗼".repeat(128), Ok(())),
            ("🗼".repeat(129), Err(InvalidPassword::TooLong)),
            // One grapheme, two code points.
            ("e\u{301}".repeat(4), Ok(())),
        ] {
            assert_eq!(Password::new(text.as_str()).map(drop), expected, "{text}");
        }
    }

    #[test]
    fn passwords_are_not_trimmed() {
        for text in [
            " padded ",
            "        ",
            "nul\0inside",
            // Other characters, not another form of the same.
            "\u{fb01}ve \u{ff45}\u{ff4e}\u{ff44}s",
            "\u{a0}no\u{2003}breaks",
        ] {
            assert_eq!(Password::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn passwords_are_kept_in_nfc() {
        for (typed, kept) in [
            ("e\u{301}".repeat(4), "\u{e9}".repeat(4)),
            ("\u{212b}ngstroms".to_owned(), "\u{c5}ngstroms".to_owned()),
            // Marks in another order.
            ("q\u{307}\u{323}".repeat(4), "q\u{323}\u{307}".repeat(4)),
            ("\u{1112}\u{1161}\u{11ab}".repeat(3), "\u{d55c}".repeat(3)),
            // NFC has no composed form of these: three times as long.
            (
                "\u{1d160}".repeat(128),
                "\u{1d158}\u{1d165}\u{1d16e}".repeat(128),
            ),
            ("\u{fb2c}".repeat(8), "\u{5e9}\u{5bc}\u{5c1}".repeat(8)),
        ] {
            let password = Password::new(typed.as_str()).unwrap();
            assert_eq!(password.as_str(), kept, "{typed}");
            assert!(kept.len() <= typed.len() * MAX_NFC_EXPANSION, "{typed}");
            assert!(composed(&kept).is_none(), "{typed}");
        }
        // The length is that of the typed text.
        assert!(Password::new("e\u{301}".repeat(64)).is_ok());
        assert!(Password::new("e\u{301}".repeat(65)).is_err());
    }

    #[test]
    fn debug_does_not_show_the_password() {
        let password = Password::new("correct horse").unwrap();
        assert!(!format!("{password:?} {password:#?}").contains("horse"));
    }
}
