//! Mail of the server: by SMTP, or as lines of its log.

#[cfg(feature = "smtp")]
mod text;
#[cfg(feature = "smtp")]
mod smtp;

use tower_warder::{BoxError, async_trait};
use tower_warder_accounts::{Mail, Mailer};

#[cfg(feature = "smtp")]
use self::smtp::Smtp;
use super::site::ProductName;

/// Value of `SMTP_URL`, with that of `MAIL_FROM`.
pub(crate) enum MailServer {
    /// Logs each link, for development.
    Log,
    #[cfg(feature = "smtp")]
    Smtp(Box<Smtp>),
}

impl MailServer {
    /// Parses the two settings. The error is the name of the wrong one, and how to fix it.
    pub(crate) fn new(url: &str, from: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
        match url {
            "log" => Ok(Self::Log),
            #[cfg(feature = "smtp")]
            url => Smtp::new(url, from).map(|smtp| Self::Smtp(Box::new(smtp))),
            #[cfg(not(feature = "smtp"))]
            _ => {
                let _ = from;
                Err(("SMTP_URL", "build it with `--features smtp`, or give log"))
            }
        }
    }

    /// Returns the sender of mail in the name of the application.
    pub(crate) const fn mailer(self, product_name: ProductName) -> ServerMailer {
        ServerMailer {
            server: self,
            product_name,
        }
    }
}

/// Sender of mail.
pub(crate) struct ServerMailer {
    server: MailServer,
    #[cfg_attr(
        not(feature = "smtp"),
        expect(dead_code, reason = "mail has a text only there")
    )]
    product_name: ProductName,
}

#[async_trait]
impl Mailer for ServerMailer {
    async fn send(&self, mail: &Mail) -> Result<(), BoxError> {
        match &self.server {
            MailServer::Log => {
                // Chosen by the operator: the only place where a link is logged.
                let link = mail.link.as_ref().map(|link| link.url.as_str());
                let (to, purpose) = (mail.to.as_str(), mail.purpose);
                tracing::warn!(to, ?purpose, link, "mail is only logged: SMTP_URL is log");
                Ok(())
            }
            #[cfg(feature = "smtp")]
            MailServer::Smtp(smtp) => smtp.send(mail, &self.product_name).await,
        }
    }
}
