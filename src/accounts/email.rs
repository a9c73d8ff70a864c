//! E-mail addresses in their one spelling.

use std::error::Error;
use std::fmt;

/// An e-mail address as accounts know it: in lower case, so that one mailbox is one account.
///
/// ```
/// use tower_warder::accounts::Email;
///
/// assert_eq!(Email::new("Jane.Doe@Example.org").unwrap().as_str(), "jane.doe@example.org");
/// assert!(Email::new(" jane@example.org").is_err());
/// assert!(Email::new("jane@localhost").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

impl Email {
    /// How many characters it has at most: the longest path of RFC 5321, section 4.5.3.1.3, without
    /// its angle brackets.
    pub const MAX_CHARS: usize = 254;

    /// Takes `local@domain.tld`: ASCII letters, digits and `._%+-`, an `@`, letters, digits and
    /// `.-`, and a last label of two letters or more.
    ///
    /// White space is refused wherever it stands, never trimmed.
    ///
    /// # Errors
    ///
    /// [`InvalidEmail`] if it looks otherwise or has more than 254 characters.
    pub fn new(text: &str) -> Result<Self, InvalidEmail> {
        if text.len() > Self::MAX_CHARS {
            return Err(InvalidEmail);
        }
        let (local, domain) = text.split_once('@').ok_or(InvalidEmail)?;
        let (labels, last) = domain.rsplit_once('.').ok_or(InvalidEmail)?;
        let valid = !local.is_empty()
            && local.bytes().all(is_local)
            && !labels.is_empty()
            && labels.bytes().all(is_domain)
            && last.len() >= 2
            && last.bytes().all(|byte| byte.is_ascii_alphabetic());
        valid
            .then(|| Self(text.to_ascii_lowercase()))
            .ok_or(InvalidEmail)
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no [`Email`]. Says nothing of what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidEmail;

impl fmt::Display for InvalidEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("value is not a valid email address")
    }
}

impl Error for InvalidEmail {}

const fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
}

const fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_in_lower_case() {
        for (text, canonical) in [
            ("a@b.cd", "a@b.cd"),
            ("JANE@EXAMPLE.ORG", "jane@example.org"),
            ("a.b_c%d+e-f@g-h.i.museum", "a.b_c%d+e-f@g-h.i.museum"),
        ] {
            assert_eq!(Email::new(text).unwrap().as_str(), canonical);
        }
    }

    #[test]
    fn canonical_addresses_are_their_own_canonical_form() {
        let email = Email::new("Jane+News@Mail.Example.Org").unwrap();
        assert_eq!(Email::new(email.as_str()), Ok(email));
    }

    #[test]
    fn what_is_not_local_at_domain_dot_tld_is_refused() {
        for text in [
            "",
            "@",
            "jane",
            "jane@",
            "@example.org",
            "jane@example",
            "jane@.org",
            "jane@example.o",
            "jane@example.o1",
            "jane@example.",
            "jane@@example.org",
            "jane@doe@example.org",
            "jane,doe@example.org",
            "\"jane\"@example.org",
            "jane@exam_ple.org",
            "jané@example.org",
            "jane@exämple.org",
            "jane@example.оrg",
            "\u{212a}ate@example.org",
            "jane@example.org\0",
            "jane@[127.0.0.1]",
        ] {
            assert_eq!(Email::new(text), Err(InvalidEmail), "{text:?}");
        }
    }

    #[test]
    fn white_space_anywhere_is_refused() {
        for space in [" ", "\t", "\n", "\r\n", "\u{a0}", "\u{2003}", "\u{feff}"] {
            for text in [
                format!("{space}jane@example.org"),
                format!("jane@example.org{space}"),
                format!("ja{space}ne@example.org"),
                format!("jane@{space}example.org"),
            ] {
                assert_eq!(Email::new(&text), Err(InvalidEmail), "{text:?}");
            }
        }
    }

    #[test]
    fn addresses_have_at_most_254_characters() {
        let domain = "@example.org";
        let local = "j".repeat(254 - domain.len());
        assert!(Email::new(&format!("{local}{domain}")).is_ok());
        assert!(Email::new(&format!("j{local}{domain}")).is_err());
    }
}
