//! Names of the owners of accounts, as others see them.

use std::error::Error;
use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// Display name of 1 to 64 code points.
///
/// Blanks around it are removed, and it is kept in Unicode's composed form NFC. Letters of all scripts,
/// marks, punctuation and emoji are allowed. Control characters, line breaks and what changes the
/// direction of text are not, so that a name cannot disguise the text beside it; nor are names that
/// nobody can see. Two accounts can have the same name: identify an account by its ID. It is text, not
/// HTML: escape it.
///
/// ```
/// use tower_warder_accounts::{DisplayName, InvalidDisplayName};
///
/// assert_eq!(DisplayName::new(" Zoe\u{308} ")?.as_str(), "Zo\u{eb}");
/// assert_eq!(DisplayName::new("\u{202e}nimda").unwrap_err(), InvalidDisplayName::Forbidden);
/// # Ok::<(), InvalidDisplayName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Maximum length in code points, in NFC.
    pub const MAX_CHARS: usize = 64;

    /// Checks a name.
    ///
    /// # Errors
    ///
    /// [`InvalidDisplayName`], which does not contain the text.
    pub fn new(text: &str) -> Result<Self, InvalidDisplayName> {
        // Also of a text without an end.
        let name: String = text.trim().nfc().take(Self::MAX_CHARS + 1).collect();
        if name.chars().count() > Self::MAX_CHARS {
            return Err(InvalidDisplayName::TooLong);
        }
        if name.chars().any(is_forbidden) {
            return Err(InvalidDisplayName::Forbidden);
        }
        if name.chars().all(is_invisible) {
            return Err(InvalidDisplayName::Empty);
        }
        Ok(Self(name))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<DisplayName> for String {
    fn from(name: DisplayName) -> Self {
        name.0
    }
}

/// Error for a text that is not a valid [`DisplayName`]. It does not contain the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidDisplayName {
    /// It is empty, or has nothing that can be seen.
    Empty,
    /// It has more than 64 code points.
    TooLong,
    /// It has a control character, a line break, or a character that changes the direction of text.
    Forbidden,
}

impl fmt::Display for InvalidDisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty"),
            Self::TooLong => write!(
                f,
                "the name has more than {} characters",
                DisplayName::MAX_CHARS
            ),
            Self::Forbidden => f.write_str("the name has a control character"),
        }
    }
}

impl Error for InvalidDisplayName {}

/// Control characters, line and paragraph separators, and those that change the direction of text
/// (Unicode Standard Annex 9) or that are for other protocols (tags, annotations).
fn is_forbidden(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{61c}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Blanks, and what is displayed as nothing by itself: joiners are parts of words and emoji.
fn is_invisible(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{34f}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200d}'
                | '\u{2060}'..='\u{2065}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{ffa0}'
                | '\u{e0100}'..='\u{e01ef}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_scripts_are_kept_in_nfc() {
        for (text, kept) in [
            ("Jane Doe", "Jane Doe"),
            ("  Jane\u{a0}Doe \u{3000}", "Jane\u{a0}Doe"),
            (
                "Zoe\u{308} O'Brien-Smith, Jr.",
                "Zo\u{eb} O'Brien-Smith, Jr.",
            ),
            ("محمد", "محمد"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("한글 山田", "한글 山田"),
            ("👩\u{200d}💻", "👩\u{200d}💻"),
            // Text, which pages escape.
            ("<b>&amp;\"'", "<b>&amp;\"'"),
            ("x", "x"),
        ] {
            assert_eq!(DisplayName::new(text).unwrap().as_str(), kept, "{text}");
        }
    }

    #[test]
    fn length_is_that_of_nfc() {
        for (text, expected) in [
            ("ä".repeat(64), Ok(())),
            ("ä".repeat(65), Err(InvalidDisplayName::TooLong)),
            ("a\u{308}".repeat(64), Ok(())),
            ("🗼".repeat(64), Ok(())),
            (format!("{}x", " ".repeat(5000)), Ok(())),
            (
                format!("x{}x", " ".repeat(63)),
                Err(InvalidDisplayName::TooLong),
            ),
            ("x".repeat(10_000_000), Err(InvalidDisplayName::TooLong)),
        ] {
            let name = DisplayName::new(&text).map(drop);
            assert_eq!(name, expected, "{} bytes", text.len());
        }
    }

    #[test]
    fn control_and_direction_characters_are_rejected() {
        for letter in [
            '\0',
            '\t',
            '\n',
            '\r',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{61c}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202e}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            let name = DisplayName::new(&format!("Jane{letter}Doe"));
            assert_eq!(name, Err(InvalidDisplayName::Forbidden), "{letter:?}");
        }
    }

    #[test]
    fn invisible_names_are_rejected() {
        for text in [
            "",
            "   ",
            "\u{200b}",
            "\u{200d}\u{200c} \u{fe0f}",
            "\u{3164}",
            "\u{2800}\u{2800}",
            "\u{ad}",
        ] {
            assert_eq!(
                DisplayName::new(text),
                Err(InvalidDisplayName::Empty),
                "{text:?}"
            );
        }
    }
}
