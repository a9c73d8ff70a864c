//! Mail to owners of accounts, sent in the background.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tower_warder::BoxError;
use tower_warder::private::{LogLimit, log_limited};
use zeroize::Zeroizing;

use super::one_time_token::{NewOneTimeToken, TokenPurpose};

/// Sender of mail, to be implemented for a mail server or a service.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Sends a mail. Called in the background, at most four times at once; after an error, or after 30
    /// seconds, it is called again, twice at most.
    ///
    /// # Errors
    ///
    /// The mail was not accepted. The error is logged, so it must not contain the link.
    async fn send(&self, mail: &Mail) -> Result<(), BoxError>;
}

#[async_trait]
impl<M: Mailer + ?Sized> Mailer for Arc<M> {
    async fn send(&self, mail: &Mail) -> Result<(), BoxError> {
        (**self).send(mail).await
    }
}

/// Mail with a link to the owner of an account.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mail {
    /// Address of the account.
    pub to: String,
    /// What the link is for.
    pub purpose: TokenPurpose,
    /// The link. Anyone who has it can use it.
    pub link: Zeroizing<String>,
    /// Time for which the link is valid.
    pub expires_in: Duration,
    /// First language of the client's `Accept-Language`, such as `de-AT`.
    pub locale: Option<String>,
}

// By hand: the link is secret.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("to", &self.to)
            .field("purpose", &self.purpose)
            .field("link", &"[redacted]")
            .field("expires_in", &self.expires_in)
            .field("locale", &self.locale)
            .finish()
    }
}

/// Queue of mail, passed to [`Accounts::mail`](crate::Accounts::mail).
///
/// No response waits for it, and none depends on it. At most 256 mails wait, also for their next
/// attempt; a further request is dropped, which is logged at WARN at most once a minute. Mails that were
/// not sent when the process ends are lost: their users ask again.
#[derive(Clone)]
#[must_use]
pub struct MailQueue {
    mailer: Arc<dyn Mailer>,
    reset_password_page: Arc<str>,
    waiting: Arc<Semaphore>,
    sending: Arc<Semaphore>,
}

impl MailQueue {
    /// Creates a queue. `reset_password_page` is the URL of the page that sets a new password, such as
    /// `https://login.example.com/reset-password`: a link has the token in its fragment.
    pub fn new(mailer: impl Mailer, reset_password_page: &str) -> Self {
        Self {
            mailer: Arc::new(mailer),
            reset_password_page: reset_password_page.into(),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            sending: Arc::new(Semaphore::new(MAX_SENDING)),
        }
    }

    /// Returns a place in the queue, or `None` if it is full.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        static LIMIT: LogLimit = LogLimit::new();

        let place = Arc::clone(&self.waiting).try_acquire_owned().ok();
        if place.is_none() {
            log_limited!(
                LIMIT,
                warn,
                "the queue of mail is full, and a request for one is dropped: see whether the mail \
                 server answers"
            );
        }
        place
    }

    /// Waits until fewer than four others send.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.sending).acquire_owned().await.ok()
    }

    /// Returns the mail with the link for a new password.
    pub(crate) fn reset_password(
        &self,
        to: String,
        token: &NewOneTimeToken,
        locale: Option<String>,
    ) -> Mail {
        Mail {
            to,
            purpose: TokenPurpose::RESET_PASSWORD,
            link: format!("{}#{}", self.reset_password_page, *token.token).into(),
            expires_in: token.expires_in,
            locale,
        }
    }

    /// Sends a mail, with retries.
    pub(crate) async fn send(&self, mail: &Mail) -> Result<(), BoxError> {
        for pause in PAUSES {
            match self.attempt(mail).await {
                Ok(()) => return Ok(()),
                Err(source) => {
                    tracing::debug!(%source, "a mail was not sent; it is tried again");
                    sleep(pause).await;
                }
            }
        }
        self.attempt(mail).await
    }

    async fn attempt(&self, mail: &Mail) -> Result<(), BoxError> {
        // Not while others wait for their next attempt.
        let _turn = self.turn().await;
        timeout(SEND_TIMEOUT, self.mailer.send(mail)).await?
    }
}

impl fmt::Debug for MailQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailQueue")
            .field("reset_password_page", &self.reset_password_page)
            .finish_non_exhaustive()
    }
}

const MAX_WAITING: usize = 256;

const MAX_SENDING: usize = 4;

const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Before the second attempt, and before the third one.
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(60)];
