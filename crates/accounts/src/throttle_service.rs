//! Limits of attempts, as a part of the operations on accounts.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::{AUTHORIZATION, HeaderMap, SET_COOKIE};
use http::request::Parts;
use http::{Extensions, Response};
use tower_warder::Identity;
use tower_warder::password::{HashCaller, PasswordHasher};
use tower_warder::private::ThrottledRoute;

use super::email::Email;
use super::error::AccountError;
use super::input::UserLogin;
use super::model::User;
use super::registration::MailRegistration;
use super::service::Accounts;
use super::store::AccountStore;
use super::throttle::{Attempt, Client, Throttle, TrustedProxies};

impl<S: AccountStore> Accounts<S> {
    /// Sets the limits of attempts to log in, to register, to change a password, to renew tokens, to use
    /// one-time tokens and to request mail. Defaults to [`Throttle::new`].
    #[doc(alias = "rate limit")]
    pub fn throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = Some(Arc::new(throttle));
        self
    }

    /// Switches the limits of attempts off, for tests, or if another service limits them: otherwise
    /// anyone can guess passwords as fast as they are hashed. So are the shares of clients and accounts
    /// in the queue of the [hasher](Self::hasher).
    pub fn throttle_off(mut self) -> Self {
        self.throttle = None;
        self
    }

    /// Sets the proxies that tell the address of the client. Defaults to none: it is the address of the
    /// peer.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = Arc::new(proxies);
        self
    }

    /// Returns the client of a request, for a log-in or registration route of your own:
    /// [`UserLogin::client`], [`UserCreate::client`](crate::UserCreate::client) and
    /// [`remember_device`](Self::remember_device). [`Client`] is also an extractor. Costs a look-up of
    /// the account if the request has a valid bearer token.
    pub async fn client(&self, parts: &mut Parts) -> Client {
        let mut client = Client::new(&parts.extensions, &parts.headers, &self.proxies);
        let Some(throttle) = &self.throttle else {
            return client;
        };
        throttle.add_devices(&mut client, parts);
        // A cookie has the device's own beside it.
        if parts.headers.contains_key(AUTHORIZATION) {
            client.account = self.account_of_token(parts).await;
        }
        client
    }

    /// Returns these accounts for the request of a client: the audit events of its operations have the
    /// client's address. For routes of your own; [`authenticate`](Self::authenticate),
    /// [`login`](Self::login) and [`register`](Self::register) do so by themselves.
    pub fn for_client(&self, client: &Client) -> Self {
        let mut accounts = self.clone();
        accounts.audit.address = client.ip.or(accounts.audit.address);
        accounts
    }

    /// Returns these accounts for a request.
    pub(super) fn for_request(&self, extensions: &Extensions, headers: &HeaderMap) -> Self {
        self.for_client(&Client::new(extensions, headers, &self.proxies))
    }

    /// Returns the address of the account that a bearer token belongs to, unless it is revoked.
    async fn account_of_token(&self, parts: &Parts) -> Option<String> {
        let identity = Identity::<User>::from_extensions(&parts.extensions).ok()?;
        let claims = identity.claims().await.ok()?;
        if !self.is_issuer_of(&claims) {
            return None;
        }
        let user = identity.user().await.ok()?;
        Some(user.email.clone())
    }

    /// Adds the cookie by which the device of the client is known to the account from now on. The
    /// routes call it after a log-in and a change of the password. Adds none if a page of another
    /// origin sent the request.
    pub fn remember_device<B>(&self, response: &mut Response<B>, user: &User, client: &Client) {
        let Some(throttle) = &self.throttle else {
            return;
        };
        let cookie = throttle.remember(user, client, self.now());
        if let Some(cookie) = cookie {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }

    /// Adds the cookie that keeps the device of the client known to the account in its next token
    /// generation, if it is known in this one.
    pub(super) fn keep_device<B>(&self, response: &mut Response<B>, user: &User, client: &Client) {
        let Some(throttle) = &self.throttle else {
            return;
        };
        let device = throttle.device(&user.email, client, self.now());
        if device.is_some_and(|device| device.is_known_to(user)) {
            let user = User {
                token_generation: user.token_generation + 1,
                ..user.clone()
            };
            self.remember_device(response, &user, client);
        }
    }

    pub(super) async fn begin_login(
        &self,
        login: &UserLogin,
    ) -> Result<(Option<Attempt<'_>>, PasswordHasher), AccountError> {
        let Some(throttle) = &self.throttle else {
            return Ok((None, self.hasher.clone()));
        };
        let client = &login.client;
        let username = login.username.trim();
        let (account, device) = match Email::new(username) {
            Ok(email) => {
                let device = self.known_device(throttle, &email, client).await;
                (email.as_str().to_owned(), device)
            }
            // Also what is no address: an attempt costs the same.
            Err(_) => (username.to_lowercase(), None),
        };
        let device = device.as_deref();
        let attempt = throttle.login(&account, device, client, &self.clock);
        let caller = client.hash_caller().account(&account);
        let caller = caller.preferred(device.is_some());
        Ok((Some(attempt.await?), self.hasher.for_caller(caller)))
    }

    /// Returns the hasher as this caller uses it. Without a throttle callers are not limited.
    pub(super) fn hasher_for(&self, caller: HashCaller) -> PasswordHasher {
        match &self.throttle {
            Some(_) => self.hasher.for_caller(caller),
            None => self.hasher.clone(),
        }
    }

    /// Returns the hasher as a user with a valid token uses it.
    pub(super) fn hasher_for_user(&self, user: &User) -> PasswordHasher {
        let caller = HashCaller::new().account(&user.email);
        self.hasher_for(caller.preferred(true))
    }

    /// Returns what distinguishes the device, if the client has logged in to the account before.
    async fn known_device(
        &self,
        throttle: &Throttle,
        email: &Email,
        client: &Client,
    ) -> Option<String> {
        if client.account.as_deref() == Some(email.as_str()) {
            // All clients with a token are one: they have no id.
            return Some(TOKEN.to_owned());
        }
        // Only a signed cookie costs a query.
        let device = throttle.device(email.as_str(), client, self.now())?;
        let user = self.store.find_by_email(email).await.ok()??;
        device.is_known_to(&user).then_some(device.id)
    }

    pub(super) async fn begin_registration(
        &self,
        client: &Client,
    ) -> Result<Option<Attempt<'_>>, AccountError> {
        Ok(match &self.throttle {
            Some(throttle) => Some(throttle.register(client, &self.clock).await?),
            None => None,
        })
    }

    pub(super) async fn begin_password_change(
        &self,
        user: &User,
    ) -> Result<Option<Attempt<'_>>, AccountError> {
        Ok(match &self.throttle {
            Some(throttle) => Some(throttle.change_password(user.id, &self.clock).await?),
            None => None,
        })
    }

    pub(super) async fn begin_display_name(
        &self,
        user: &User,
    ) -> Result<Option<Attempt<'_>>, AccountError> {
        Ok(match &self.throttle {
            Some(throttle) => Some(throttle.set_display_name(user.id, &self.clock).await?),
            None => None,
        })
    }

    pub(super) async fn begin_token_use(
        &self,
        route: ThrottledRoute,
        client: &Client,
    ) -> Result<Option<Attempt<'_>>, AccountError> {
        Ok(match &self.throttle {
            Some(throttle) => Some(throttle.use_token(route, client, &self.clock).await?),
            None => None,
        })
    }

    /// Returns `true` if the account may get a mail now.
    pub(super) async fn may_mail(
        &self,
        route: ThrottledRoute,
        email: &Email,
        client: &Client,
    ) -> Result<bool, AccountError> {
        let Some(throttle) = &self.throttle else {
            return Ok(true);
        };
        let account = email.as_str();
        Ok(throttle
            .may_mail(route, account, client, &self.clock)
            .await?)
    }

    /// Returns `true` if a mail about a registration may be sent to the address now.
    pub(super) async fn may_mail_registration(
        &self,
        registration: &MailRegistration,
    ) -> Result<bool, AccountError> {
        Ok(match &self.throttle {
            Some(throttle) => {
                let email = registration.email.as_str();
                throttle.may_mail_registration(email, &self.clock).await
            }
            None => true,
        })
    }

    pub(super) async fn begin_refresh(
        &self,
        client: &Client,
    ) -> Result<Option<Attempt<'_>>, AccountError> {
        Ok(match &self.throttle {
            Some(throttle) => Some(throttle.refresh(client, &self.clock).await?),
            None => None,
        })
    }
}

impl<S> Accounts<S> {
    /// Gives the attempt back, unless its result tells the client that a guess was wrong.
    pub(super) async fn settle<T>(
        attempt: Option<Attempt<'_>>,
        result: Result<T, AccountError>,
    ) -> Result<T, AccountError> {
        let was_guess = matches!(&result, Err(error) if error.is_guess());
        if let Some(attempt) = attempt
            && !was_guess
        {
            attempt.refund().await;
        }
        result
    }
}

/// Stands for the id of a device; no id has this form.
const TOKEN: &str = "token";

impl<S: AccountStore> FromRequestParts<Accounts<S>> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        accounts: &Accounts<S>,
    ) -> Result<Self, Infallible> {
        Ok(accounts.client(parts).await)
    }
}

/// Extractor of the accounts for the request of a client, for routes that need nothing else of it.
pub(super) struct ForRequest<S>(pub(super) Accounts<S>);

impl<S: AccountStore> FromRequestParts<Accounts<S>> for ForRequest<S> {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        accounts: &Accounts<S>,
    ) -> Result<Self, Infallible> {
        let accounts = accounts.for_request(&parts.extensions, &parts.headers);
        Ok(Self(accounts))
    }
}
