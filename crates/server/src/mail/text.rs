//! Texts of mail.

use tower_warder::BoxError;
use tower_warder_accounts::{Mail, MailLink, MailPurpose};

use crate::site::ProductName;

/// Subject and body of a mail.
pub(super) struct Text {
    pub(super) subject: String,
    pub(super) body: String,
}

impl Text {
    /// Returns the text of a mail in the name of the application.
    pub(super) fn new(mail: &Mail, product_name: &ProductName) -> Result<Self, BoxError> {
        match (mail.purpose, &mail.link) {
            (MailPurpose::ResetPassword, Some(link)) => Ok(reset_password(link, product_name)),
            (purpose, _) => Err(format!("there is no text for a mail of {purpose:?}").into()),
        }
    }
}

fn reset_password(link: &MailLink, product_name: &ProductName) -> Text {
    let minutes = link.expires_in.as_secs() / 60;
    let url = link.url.as_str();
    Text {
        subject: format!("New password for {product_name}"),
        body: format!(
            "A new password was requested for your account of {product_name}.\n\
             \n\
             Set it by this link, once and within {minutes} minutes:\n\
             \n\
             {url}\n\
             \n\
             If you did not request it, delete this mail: your password stays as it is.\n"
        ),
    }
}
