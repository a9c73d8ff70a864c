//! Mail to owners of accounts, sent in the background.

use std::fmt;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tower_warder::BoxError;
use tower_warder::private::{LogLimit, log_limited};
use zeroize::Zeroizing;

use super::one_time_token::NewOneTimeToken;

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

/// Mail to the owner of an account, or of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mail {
    /// Address of the recipient: that of the account, its new one, or the one before a change.
    pub to: String,
    /// What the mail is about.
    pub purpose: MailPurpose,
    /// The link, if the mail has one.
    pub link: Option<MailLink>,
    /// First language of the client's `Accept-Language`, such as `de-AT`.
    pub locale: Option<String>,
}

/// What a [`Mail`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MailPurpose {
    /// Its link sets a new password.
    ResetPassword,
    /// Its link verifies the address.
    VerifyEmail,
    /// To a new address: its link gives it to the account.
    ChangeEmail,
    /// Without a link, to the address of the account: a change of it was requested.
    EmailChangeRequested,
    /// Without a link, to the address before a change.
    EmailChanged,
    /// Its link accepts an invitation.
    AcceptInvitation,
    /// Its link sets the password at the end of a registration.
    CompleteRegistration,
    /// The address that somebody wants to register has an account already. Its link sets a new password.
    AccountExists,
    /// The address that somebody wants to register has an account already, which is not approved. Has no
    /// link.
    AccountNotApproved,
}

impl MailPurpose {
    /// Returns all purposes, for a [`Mailer`] with a text for each.
    pub fn all() -> impl Iterator<Item = Self> {
        // The compiler asks for each purpose here.
        iter::successors(Some(Self::ResetPassword), |purpose| match purpose {
            Self::ResetPassword => Some(Self::VerifyEmail),
            Self::VerifyEmail => Some(Self::ChangeEmail),
            Self::ChangeEmail => Some(Self::EmailChangeRequested),
            Self::EmailChangeRequested => Some(Self::EmailChanged),
            Self::EmailChanged => Some(Self::AcceptInvitation),
            Self::AcceptInvitation => Some(Self::CompleteRegistration),
            Self::CompleteRegistration => Some(Self::AccountExists),
            Self::AccountExists => Some(Self::AccountNotApproved),
            Self::AccountNotApproved => None,
        })
    }

    /// Page of the link.
    const fn page(self) -> &'static str {
        match self {
            Self::ResetPassword | Self::AccountExists => "reset-password",
            Self::VerifyEmail => "verify-email",
            Self::ChangeEmail => "change-email",
            Self::AcceptInvitation => "accept-invitation",
            Self::CompleteRegistration => "complete-registration",
            // Without a link.
            Self::EmailChangeRequested | Self::EmailChanged | Self::AccountNotApproved => "",
        }
    }
}

/// Link with a one-time token.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailLink {
    /// The link. Anyone who has it can use it.
    pub url: Zeroizing<String>,
    /// Time for which it is valid.
    pub expires_in: Duration,
}

// By hand: the URL is secret.
impl fmt::Debug for MailLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailLink")
            .field("url", &"[redacted]")
            .field("expires_in", &self.expires_in)
            .finish()
    }
}

/// Queue of mail, passed to [`Accounts::mail`](crate::Accounts::mail).
///
/// No response waits for it, and none depends on it. At most 256 mails wait, also for their next
/// attempt; a further request is dropped, which is logged at WARN at most once a minute. Mails that were
/// not sent when the process ends are lost: their users ask again. [`flush`](Self::flush) waits for them.
#[derive(Clone)]
#[must_use]
pub struct MailQueue {
    mailer: Arc<dyn Mailer>,
    pages: Arc<str>,
    waiting: Arc<Semaphore>,
    sending: Arc<Semaphore>,
}

impl MailQueue {
    /// Creates a queue. `pages` is the URL below which the pages of the links are, such as
    /// `https://login.example.com`. A link has the token in its fragment.
    ///
    /// | purpose | page |
    /// |---|---|
    /// | [`ResetPassword`](MailPurpose::ResetPassword) | `/reset-password` |
    /// | [`VerifyEmail`](MailPurpose::VerifyEmail) | `/verify-email` |
    /// | [`ChangeEmail`](MailPurpose::ChangeEmail) | `/change-email` |
    /// | [`AccountExists`](MailPurpose::AccountExists) | `/reset-password` |
    /// | [`AcceptInvitation`](MailPurpose::AcceptInvitation) | `/accept-invitation` |
    /// | [`CompleteRegistration`](MailPurpose::CompleteRegistration) | `/complete-registration` |
    pub fn new(mailer: impl Mailer, pages: &str) -> Self {
        Self {
            mailer: Arc::new(mailer),
            pages: pages.trim_end_matches('/').into(),
            waiting: Arc::new(Semaphore::new(MAX_WAITING as usize)),
            sending: Arc::new(Semaphore::new(MAX_SENDING)),
        }
    }

    /// Waits until no mail waits. Call it at the end of the process, within a timeout: a mail that waits
    /// for its next attempt can take a minute.
    pub async fn flush(&self) {
        let all = self.waiting.acquire_many(MAX_WAITING).await;
        drop(all);
    }

    /// Returns a place in the queue, or `None` if it is full.
    fn place(&self) -> Option<OwnedSemaphorePermit> {
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

    /// Runs `work`, which sends a mail, in the background. Returns `false` if the queue is full.
    pub(crate) fn spawn<F>(&self, work: impl FnOnce(Self) -> F) -> bool
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        static LIMIT: LogLimit = LogLimit::new();

        let Some(place) = self.place() else {
            return false;
        };
        let work = work(self.clone());
        tokio::spawn(async move {
            if let Err(source) = work.await {
                log_limited!(LIMIT, error, %source, "a mail was not sent");
            }
            drop(place);
        });
        true
    }

    /// Returns a mail, with a link if there is a token.
    pub(crate) fn mail(
        &self,
        purpose: MailPurpose,
        to: String,
        token: Option<&NewOneTimeToken>,
        locale: Option<String>,
    ) -> Mail {
        Mail {
            to,
            purpose,
            link: token.map(|token| self.link(purpose, token)),
            locale,
        }
    }

    /// Returns the link to the page of the purpose with the token in the fragment, which is sent to no
    /// server.
    fn link(&self, purpose: MailPurpose, token: &NewOneTimeToken) -> MailLink {
        MailLink {
            url: format!("{}/{}#{}", self.pages, purpose.page(), *token.token).into(),
            expires_in: token.expires_in,
        }
    }

    /// Sends a mail, with retries.
    pub(crate) async fn send(&self, mail: &Mail) -> Result<(), BoxError> {
        for pause in PAUSES {
            match self.attempt(mail).await {
                Ok(()) => return Ok(()),
                Err(source) => {
                    tracing::debug!(%source, "an attempt to send a mail failed");
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
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}

const MAX_WAITING: u32 = 256;

const MAX_SENDING: usize = 4;

const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Before the second attempt, and before the third one.
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(60)];
