//! Beginning of an e-mail address, for a search.

use std::error::Error;
use std::fmt;

use super::email::Email;

/// Beginning of the e-mail addresses that a search finds, in lower case.
///
/// Every character stands for itself: there are no wildcards.
///
/// ```
/// use tower_warder_accounts::EmailPrefix;
///
/// let prefix = EmailPrefix::new("Jane_D").unwrap();
/// assert!(prefix.matches("jane_doe@example.org"));
/// assert!(!prefix.matches("janet.d@example.org"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmailPrefix(String);

impl EmailPrefix {
    /// Maximum length in characters: that of an address.
    pub const MAX_CHARS: usize = Email::MAX_CHARS;

    /// Creates a prefix from 1 to 254 characters without control characters.
    ///
    /// # Errors
    ///
    /// [`InvalidEmailPrefix`] for any other text.
    pub fn new(text: &str) -> Result<Self, InvalidEmailPrefix> {
        // PostgreSQL has no NUL in a text.
        let is_valid = (1..=Self::MAX_CHARS).contains(&text.chars().count())
            && !text.chars().any(char::is_control);
        is_valid
            // The same conversion as that of `Email::new`.
            .then(|| Self(text.to_ascii_lowercase()))
            .ok_or(InvalidEmailPrefix)
    }

    /// Returns the prefix: the lower bound of a search in an index.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the upper bound of a search in an index: the first text in byte order that comes after
    /// all texts with this prefix. `None` if there is no such text.
    ///
    /// In SQL, `email >= $1 AND email < $2` needs no escaping and uses the index of a column with
    /// byte order (SQLite: by default; PostgreSQL: `COLLATE "C"`), unlike `LIKE`.
    pub fn upper_bound(&self) -> Option<String> {
        let mut bound = self.0.clone();
        while let Some(last) = bound.pop() {
            // UTF-8 sorts by code point.
            if let Some(next) = (last..=char::MAX).nth(1) {
                bound.push(next);
                return Some(bound);
            }
        }
        None
    }

    /// Returns `true` if the address of an account begins with this prefix.
    pub fn matches(&self, email: &str) -> bool {
        email.starts_with(&self.0)
    }
}

/// Error for a text that is not a valid [`EmailPrefix`]. It does not contain the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidEmailPrefix;

impl fmt::Display for InvalidEmailPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = EmailPrefix::MAX_CHARS;
        write!(
            f,
            "String should have 1 to {max} characters, none of them a control character"
        )
    }
}

impl Error for InvalidEmailPrefix {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prefix_is_in_lower_case() {
        for (text, prefix) in [
            ("JANE", "jane"),
            ("%_\\'\"", "%_\\'\""),
            ("É\u{212a}", "É\u{212a}"),
        ] {
            assert_eq!(EmailPrefix::new(text).unwrap().as_str(), prefix);
        }
    }

    #[test]
    fn prefix_has_1_to_254_characters() {
        for (text, is_valid) in [
            (String::new(), false),
            ("é".repeat(254), true),
            ("é".repeat(255), false),
        ] {
            assert_eq!(EmailPrefix::new(&text).is_ok(), is_valid, "{text}");
        }
    }

    #[test]
    fn control_characters_are_rejected() {
        for text in ["\0", "jane\n", "ja\tne", "\u{7f}", "\u{85}"] {
            assert_eq!(EmailPrefix::new(text), Err(InvalidEmailPrefix), "{text:?}");
        }
    }

    #[test]
    fn upper_bound_skips_what_is_no_character() {
        for (text, bound) in [
            ("jane", Some("janf")),
            ("~", Some("\u{7f}")),
            ("a\u{d7ff}", Some("a\u{e000}")),
            ("a\u{10ffff}\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
        ] {
            let prefix = EmailPrefix::new(text).unwrap();
            assert_eq!(prefix.upper_bound().as_deref(), bound);
        }
    }

    proptest! {
        #[test]
        fn bounds_enclose_what_matches(
            prefix in "[aby~\u{d7ff}\u{10ffff}]{1,3}",
            text in "[aby~\u{d7ff}\u{10ffff}]{0,5}",
        ) {
            let prefix = EmailPrefix::new(&prefix).unwrap();
            let is_below = prefix.upper_bound().is_none_or(|bound| text < bound);
            let is_enclosed = text.as_str() >= prefix.as_str() && is_below;
            prop_assert_eq!(is_enclosed, prefix.matches(&text));
        }
    }
}
