//! Mail by SMTP.

use std::net::IpAddr;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tower_warder::BoxError;
use tower_warder_accounts::Mail;
use url::Url;

use super::text::Text;
use crate::site::ProductName;

/// Mail server, and the address that mail comes from.
pub(crate) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    pub(super) fn new(url: &str, from: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
        if !is_protected(url) {
            return Err(("SMTP_URL", NO_TLS));
        }
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
        let transport = transport.map_err(|_| ("SMTP_URL", NO_URL))?.build();
        let from = from.and_then(|from| from.parse().ok());
        let from = from.ok_or(("MAIL_FROM", NO_FROM))?;
        Ok(Self { transport, from })
    }

    pub(super) async fn send(
        &self,
        mail: &Mail,
        product_name: &ProductName,
    ) -> Result<(), BoxError> {
        let message = message(&self.from, &mail.to, Text::new(mail, product_name)?)?;
        self.transport.send(message).await?;
        Ok(())
    }
}

/// Text that is not ASCII is encoded, in the subject as well (RFC 2047).
fn message(from: &Mailbox, to: &str, text: Text) -> Result<Message, BoxError> {
    let message = Message::builder().from(from.clone()).to(to.parse()?);
    let message = message
        .subject(text.subject)
        .header(ContentType::TEXT_PLAIN);
    Ok(message.body(text.body)?)
}

/// Returns `true` if nobody can read the link, and the password of the mail server, on the network.
/// Reads the URL as lettre does, which refuses what is none.
fn is_protected(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return true;
    };
    let tls = url.query_pairs().find(|(name, _)| name == "tls");
    let is_required = tls.is_some_and(|(_, value)| value == "required");
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse();
    let is_loopback = address.is_ok_and(|address: IpAddr| address.is_loopback());
    url.scheme() != "smtp" || is_required || is_loopback || host == "localhost"
}

const NO_URL: &str =
    "give smtps://USER:PASSWORD@HOST, smtp://USER:PASSWORD@HOST:587?tls=required, or log";
const NO_TLS: &str =
    "links could be read on the network; add ?tls=required, or give smtps://USER:PASSWORD@HOST";
const NO_FROM: &str = "give the address that mail comes from, such as Login <login@example.com>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_without_tls_is_for_loopback_only() {
        for (url, accepted) in [
            ("smtps://mail.example.com", true),
            ("smtps://user:p%40ss@mail.example.com:465", true),
            ("smtp://user:pass@mail.example.com:587?tls=required", true),
            ("smtp://127.0.0.1:2525", true),
            ("smtp://[::1]:2525", true),
            ("smtp://localhost", true),
            ("smtp://mail.example.com", false),
            ("smtp://mail.example.com?tls=opportunistic", false),
            ("smtp://127.0.0.1@mail.example.com", false),
            ("smtp://mail.example.com/?x=tls=required", false),
            // As lettre reads them: the scheme in any case, without tabs; the first `tls`.
            ("SMTP://mail.example.com", false),
            ("sm\ttp://mail.example.com", false),
            (
                "smtp://mail.example.com?tls=opportunistic&tls=required",
                false,
            ),
            ("SMTP://mail.example.com?tls=required", true),
            ("http://mail.example.com", false),
            ("mail.example.com", false),
            ("", false),
        ] {
            let parsed = Smtp::new(url, Some("login@example.com"));
            assert_eq!(parsed.is_ok(), accepted, "{url}");
        }
    }

    #[test]
    fn text_that_is_not_ascii_is_encoded() {
        let text = Text {
            subject: "Neues Passwort für Ada & Söhne".to_owned(),
            body: "Für Ihr Konto\n".to_owned(),
        };
        let from = "Login <login@example.com>".parse().unwrap();
        let message = message(&from, "ada@example.com", text).unwrap().formatted();
        assert!(message.is_ascii());
        let message = String::from_utf8(message).unwrap();
        let subject = message.lines().find(|line| line.starts_with("Subject: "));
        assert!(subject.unwrap().contains("=?utf-8?"), "{message}");
        assert!(message.contains("charset=utf-8"), "{message}");
    }

    #[test]
    fn sender_has_to_be_an_address() {
        for (from, accepted) in [
            (Some("login@example.com"), true),
            (Some("Ada & Co <login@example.com>"), true),
            (Some("login"), false),
            (Some("login@example.com\r\nBcc: eve@example.com"), false),
            (None, false),
        ] {
            let parsed = Smtp::new("smtps://mail.example.com", from);
            assert_eq!(parsed.is_ok(), accepted, "{from:?}");
        }
    }
}
