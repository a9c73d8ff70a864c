//! E-mail addresses in canonical form.

use std::error::Error;
use std::fmt;

/// E-mail address in lower case, so that one mailbox has one account.
///
/// ```
/// use tower_warder_accounts::Email;
///
/// assert_eq!(Email::new("Jane.Doe@Example.org").unwrap().as_str(), "jane.doe@example.org");
/// assert!(Email::new(" jane@example.org").is_err());
/// assert!(Email::new("jane@localhost").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

impl Email {
    /// Maximum length in characters: that of a path (RFC 5321, section 4.5.3.1.3) without its angle
    /// brackets.
    pub const MAX_CHARS: usize = 254;

    /// Parses `local@domain.tld`.
    ///
    /// The local part is a dot-atom (RFC 5322, section 3.2.3) of 64 characters at most, such as
    /// `o'brien` or `jane.doe+news`. The domain has two labels or more of 1 to 63 letters, digits and
    /// `-`, which begin and end with a letter or a digit; the last one is two letters or more, or the
    /// ASCII form of an internationalized one, such as `xn--p1ai`. Only ASCII is accepted.
    /// Quoted local parts, comments, IP addresses and white space are rejected.
    ///
    /// # Errors
    ///
    /// [`InvalidEmail`] if the text has another form or more than 254 characters.
    pub fn new(text: &str) -> Result<Self, InvalidEmail> {
        if text.len() > Self::MAX_CHARS {
            return Err(InvalidEmail);
        }
        let (local, domain) = text.split_once('@').ok_or(InvalidEmail)?;
        let (labels, last) = domain.rsplit_once('.').ok_or(InvalidEmail)?;
        let is_valid = local.len() <= MAX_LOCAL_BYTES
            && local.split('.').all(is_atom)
            && labels.split('.').all(is_label)
            && is_top_level(last);
        is_valid
            .then(|| Self(text.to_ascii_lowercase()))
            .ok_or(InvalidEmail)
    }

    /// Returns the address.
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

/// Error for a text that is not a valid [`Email`]. It does not contain the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidEmail;

impl fmt::Display for InvalidEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("value is not a valid email address")
    }
}

impl Error for InvalidEmail {}

// Parsed here, because a wrapper around a library would be as long: `email_address`, the oracle of
// the property tests below, also accepts non-ASCII text, quoted local parts and numeric top-level
// labels, and has no option against them.

/// Returns `true` for an `atom` (RFC 5322, section 3.2.3) without comments.
fn is_atom(text: &str) -> bool {
    let is_atext =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_atext)
}

/// Returns `true` for a label of a host name (RFC 1123, section 2.1).
fn is_label(text: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Returns `true` for letters (RFC 3696, section 2) or an A-label (RFC 5890, section 2.3.2.1).
fn is_top_level(label: &str) -> bool {
    let is_alphabetic = label.len() >= 2 && label.bytes().all(|byte| byte.is_ascii_alphabetic());
    let prefix = label.get(..4).unwrap_or_default();
    let is_a_label = label.len() > 4 && prefix.eq_ignore_ascii_case("xn--");
    is_label(label) && (is_alphabetic || is_a_label)
}

/// RFC 5321, section 4.5.3.1.1.
const MAX_LOCAL_BYTES: usize = 64;

/// RFC 1035, section 2.3.4.
const MAX_LABEL_BYTES: usize = 63;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_stored_in_lower_case() {
        for (text, canonical) in [
            ("a@b.cd", "a@b.cd"),
            ("JANE@EXAMPLE.ORG", "jane@example.org"),
            ("a.b_c%d+e-f@g-h.i.museum", "a.b_c%d+e-f@g-h.i.museum"),
            ("O'Brien@example.ie", "o'brien@example.ie"),
            (
                "!#$%&'*+-/=?^_`{|}~@example.org",
                "!#$%&'*+-/=?^_`{|}~@example.org",
            ),
            ("-@0-9.1.example", "-@0-9.1.example"),
            (
                "ada@XN--80afvemcl9d.xn--P1ai",
                "ada@xn--80afvemcl9d.xn--p1ai",
            ),
        ] {
            assert_eq!(Email::new(text).unwrap().as_str(), canonical);
        }
    }

    #[test]
    fn parsing_a_canonical_address_does_not_change_it() {
        let email = Email::new("Jane+News@Mail.Example.Org").unwrap();
        assert_eq!(Email::new(email.as_str()), Ok(email));
    }

    #[test]
    fn invalid_addresses_are_rejected() {
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
            "jane@example.1234",
            "jane@127.0.0.1",
            "jane@example.",
            "jane@example.org.",
            "jane@example..org",
            "jane@.example.org",
            "jane@-example.org",
            "jane@example-.org",
            "jane@example.-org",
            "jane@example.org-",
            "jane@example.o-rg",
            "jane@example.xn--",
            "jane@example.xn--a-",
            "jane@example.xnn--a",
            "jane@@example.org",
            "jane@doe@example.org",
            ".jane@example.org",
            "jane.@example.org",
            "ja..ne@example.org",
            ".@example.org",
            "jane,doe@example.org",
            "jane;doe@example.org",
            "jane:doe@example.org",
            "jane\\doe@example.org",
            "<jane@example.org>",
            "jane(comment)@example.org",
            "jane@example.org(comment)",
            "jane@(comment)example.org",
            "\"jane\"@example.org",
            "\"jane\".doe@example.org",
            "jane@exam_ple.org",
            "jane@exam'ple.org",
            "jané@example.org",
            "jane@exämple.org",
            "jane@example.оrg",
            "\u{212a}ate@example.org",
            "jane@example.org\0",
            "ja\u{7f}ne@example.org",
            "jane@[127.0.0.1]",
            "jane@[IPv6:::1]",
        ] {
            assert_eq!(Email::new(text), Err(InvalidEmail), "{text:?}");
        }
    }

    #[test]
    fn white_space_anywhere_is_rejected() {
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
    fn local_parts_and_labels_have_maximum_lengths() {
        let label = "a".repeat(63);
        for (text, is_valid) in [
            (format!("{}@example.org", "j".repeat(64)), true),
            (format!("{}@example.org", "j".repeat(65)), false),
            (format!("jane@{label}.org"), true),
            (format!("jane@a{label}.org"), false),
            (format!("jane@example.{label}"), true),
            (format!("jane@example.a{label}"), false),
            (format!("jane@example.xn--{}", "a".repeat(59)), true),
            (format!("jane@example.xn--{}", "a".repeat(60)), false),
        ] {
            assert_eq!(Email::new(&text).is_ok(), is_valid, "{text}");
        }
        let domain = format!("@{label}.{label}.{label}.org");
        let local = "j".repeat(Email::MAX_CHARS - domain.len());
        assert!(Email::new(&format!("{local}{domain}")).is_ok());
        assert!(Email::new(&format!("j{local}{domain}")).is_err());
    }

    /// The same rule, by the library `email_address` and checks of what it accepts beyond ours.
    fn is_valid_in_library(text: &str) -> bool {
        let options = email_address::Options::default()
            .with_minimum_sub_domains(2)
            .without_domain_literal()
            .without_display_text();
        let top_level = text.rsplit('.').next().unwrap();
        text.is_ascii()
            && text.len() <= 254
            && !text.contains('"')
            && email_address::EmailAddress::parse_with_options(text, options).is_ok()
            && (top_level.starts_with("xn--") || !top_level.contains(['-', '0', '1']))
            && top_level.len() > 1
    }

    proptest! {
        #[test]
        fn email_address_library_agrees(text in "[a01.'\"@ é-]{0,6}@?[a0.-]{0,4}\\.?(a{0,2}|xn--[a0-]{0,3})") {
            prop_assert_eq!(Email::new(&text).is_ok(), is_valid_in_library(&text), "{}", text);
        }

        #[test]
        fn email_address_library_agrees_on_lengths(
            local in 60..68_usize,
            label in 60..66_usize,
            others in 0..4_usize,
            last in 0..66_usize,
        ) {
            let labels = format!("{}.", "b".repeat(label)).repeat(others);
            let text = format!("{}@{labels}a.{}", "a".repeat(local), "c".repeat(last));
            prop_assert_eq!(Email::new(&text).is_ok(), is_valid_in_library(&text), "{}", text);
        }

        #[test]
        fn any_text_is_parsed_without_a_panic(text in any::<String>()) {
            prop_assert!(Email::new(&text).is_err() || is_valid_in_library(&text));
        }
    }
}
