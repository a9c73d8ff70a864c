//! New passwords, of valid length.

use std::error::Error;
use std::fmt;

use zeroize::Zeroizing;

/// New password of 8 to 128 code points.
///
/// The text is neither trimmed nor normalized, and any character is allowed. It is zeroized on
/// drop, and `Debug` does not show it.
///
/// ```
/// use tower_warder_accounts::{InvalidPassword, Password};
///
/// assert!(Password::new("grüße 🗼!").is_ok());
/// assert_eq!(Password::new("ä🗼").unwrap_err(), InvalidPassword::TooShort);
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
            Self::MIN_CHARS..=Self::MAX_CHARS => Ok(Self(text)),
            _ => Err(InvalidPassword::TooLong),
        }
    }

    /// Returns the password, for a hasher.
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
    fn passwords_are_neither_trimmed_nor_normalized() {
        for text in [
            " padded ",
            "        ",
            "nul\0inside",
            "e\u{301}e\u{301}e\u{301}e\u{301}",
        ] {
            assert_eq!(Password::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn debug_does_not_show_the_password() {
        let password = Password::new("correct horse").unwrap();
        assert!(!format!("{password:?} {password:#?}").contains("horse"));
    }
}
