//! E-mail addresses, compared with `email_address`.

use email_address::EmailAddress;
use tower_warder_accounts::{Email, EmailPrefix};

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let Ok(email) = Email::new(text) else {
        return;
    };
    let canonical = email.as_str();
    assert_eq!(canonical, text.to_lowercase());
    assert_eq!(Email::new(canonical).as_ref(), Ok(&email));
    assert_eq!(Email::new(&text.to_uppercase()).as_ref(), Ok(&email));
    assert!(Email::new(&format!(" {text}")).is_err());
    assert!(EmailAddress::is_valid(canonical));
    // An account is found by each beginning of its address.
    for length in 1..=text.len() {
        let prefix = EmailPrefix::new(&text[..length]).unwrap();
        assert!(prefix.matches(canonical));
        let bound = prefix.upper_bound();
        assert!(prefix.as_str() <= canonical && bound.is_none_or(|bound| canonical < &*bound));
    }
}
