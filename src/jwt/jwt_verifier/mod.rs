//! The judgement of a token: bytes in, claims out, or a reason why not.

mod rules;

use std::sync::Arc;
use std::time::Duration;

use super::claim_rules::ClaimRules;
use super::claims::Claims;
use super::compact::Compact;
use super::issuer_rule::IssuerRule;
#[cfg(feature = "jwks")]
use super::jwks::RemoteJwks;
use super::keys::KeyRing;
use super::keys::Keyset;
use super::keys::VerifyingKey;
#[cfg(feature = "jwks")]
use super::limits::OTHER_ISSUERS_LEEWAY;
use super::limits::{MAX_HEADER_BYTES, MAX_LEEWAY, MAX_TOKEN_BYTES};
use super::strict_json::Value;
use super::token_cache::TokenCache;
use super::verifier::{Verification, Verifier};
use crate::clock::Clock;
use crate::error::{AuthError, ConfigError, RejectReason};
use crate::jwt::keys::HmacSecret;
use crate::metrics::record;

/// Verifies JSON Web Tokens (RFC 7519), strictly.
///
/// The algorithm is the key's and never chosen by the token. What the RFCs leave to be refused
/// is refused: extensions (`crit`), duplicate names, other spellings of base64url, registered
/// claims of the wrong type, tokens without `exp`, audiences that nobody configured.
///
/// ```
/// use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
///
/// let secret = HmacSecret::generate();
/// let issuer = JwtIssuer::hs256(&secret).issuer("https://login.example");
/// let verifier = JwtVerifier::hs256(&secret).issuer("https://login.example");
///
/// let token = issuer.issue("7")?;
/// assert_eq!(verifier.verify_token(&token)?.subject(), "7");
/// assert!(verifier.verify_token(&token.replace('.', "")).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct JwtVerifier {
    keys: Keys,
    issuer: IssuerRule,
    rules: Option<Arc<ClaimRules>>,
    audience: Vec<Box<str>>,
    audience_claim: Option<Box<str>>,
    leeway: f64,
    max_token_bytes: usize,
    max_header_bytes: usize,
    types: Option<Arc<[Box<str>]>>,
    clock: Clock,
    cache: Option<Arc<TokenCache>>,
}

#[derive(Clone, Debug)]
enum Keys {
    One(Arc<Keyset>),
    Ring(KeyRing),
    #[cfg(feature = "jwks")]
    Published(RemoteJwks),
}

impl JwtVerifier {
    /// Accepts tokens signed with HS256 and this secret.
    pub fn hs256(secret: &HmacSecret) -> Self {
        Self::new(VerifyingKey::hs256(secret))
    }

    /// Accepts tokens signed with this key's counterpart. If the key has an id, a token that
    /// names another is refused.
    pub fn new(key: VerifyingKey) -> Self {
        Self::with_keys(Keys::One(Arc::new(Keyset::lone(key))))
    }

    /// Accepts tokens of the keys in `ring`, now and after every change to it.
    pub fn ring(ring: &KeyRing) -> Self {
        Self::with_keys(Keys::Ring(ring.clone()))
    }

    /// Accepts tokens of the keys that somebody else publishes, as they are at the time.
    ///
    /// Keys that were [discovered](RemoteJwks::from_oidc_issuer) demand their issuer, until another is set. Those
    /// that were [fetched](RemoteJwks::from_url) need a rule, such as [`issuer`](Self::issuer): one key set can
    /// serve many tenants, as that of Entra does, and without a rule every token is refused, with the
    /// [reason](AuthError::reason) `no_issuer_rule`.
    #[cfg(feature = "jwks")]
    pub fn jwks(keys: &RemoteJwks) -> Self {
        Self {
            issuer: match keys.issuer() {
                Some(issuer) => IssuerRule::One(issuer.into()),
                None => IssuerRule::Demanded,
            },
            leeway: OTHER_ISSUERS_LEEWAY.as_secs_f64(),
            ..Self::with_keys(Keys::Published(keys.clone()))
        }
    }

    const fn with_keys(keys: Keys) -> Self {
        Self {
            keys,
            issuer: IssuerRule::Any,
            rules: None,
            audience: Vec::new(),
            audience_claim: None,
            leeway: 0.0,
            max_token_bytes: MAX_TOKEN_BYTES,
            max_header_bytes: MAX_HEADER_BYTES,
            types: None,
            clock: Clock::system(),
            cache: None,
        }
    }

    /// Demands that `iss` is exactly this. Without it `iss` is not looked at. The last rule for the
    /// issuer counts: this one, [`issuers`](Self::issuers),
    /// [`issuer_template`](Self::issuer_template) or [`issuer_check`](Self::issuer_check).
    pub fn issuer(self, issuer: impl Into<Box<str>>) -> Self {
        self.issuer_rule(IssuerRule::One(issuer.into()))
    }

    /// Demands that `aud` names exactly this; called again, this one or the earlier ones. Without
    /// it a token with an `aud` is refused (RFC 7519, section 4.1.3).
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audience.push(audience.into());
        self.forget_tokens()
    }

    /// How far the clocks of issuer and verifier may differ. Defaults to 0 seconds, and to 60 seconds
    /// with the published keys (`JwtVerifier::jwks`) of another issuer. A token is accepted so long
    /// after its `exp`; and its `nbf` and `iat` may be so far ahead, and 5 seconds more.
    ///
    /// # Errors
    ///
    /// [`ConfigError::LeewayTooLong`] above 300 seconds.
    pub fn leeway(mut self, leeway: Duration) -> Result<Self, ConfigError> {
        if leeway > MAX_LEEWAY {
            return Err(ConfigError::LeewayTooLong);
        }
        self.leeway = leeway.as_secs_f64();
        Ok(self)
    }

    /// How long a token may be, in bytes. Defaults to 8 KiB.
    pub fn max_token_bytes(mut self, bytes: usize) -> Self {
        self.max_token_bytes = bytes;
        self.forget_tokens()
    }

    /// How long the encoded header may be, in bytes. Defaults to 1 KiB; tokens with certificates
    /// (`x5c`) have more, and those certificates are not used.
    pub fn max_header_bytes(mut self, bytes: usize) -> Self {
        self.max_header_bytes = bytes;
        self.forget_tokens()
    }

    /// Accepts only tokens whose `typ` is one of these (RFC 7515, section 4.1.9), in any case and
    /// with or without `application/`. For example `["JWT", "Bearer"]` for the tokens of an old
    /// Keycloak.
    ///
    /// Defaults to `JWT`, `at+jwt` and tokens without a `typ`; where types are named, a token has to
    /// have one. Never name a type whose tokens serve another purpose: refresh tokens, password
    /// resets, log-out tokens.
    ///
    /// ```
    /// # use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
    /// # let secret = HmacSecret::generate();
    /// # let token = JwtIssuer::hs256(&secret).issue("7")?; // with the type `JWT`
    /// let verifier = JwtVerifier::hs256(&secret).token_types(["at+jwt"]);
    /// assert_eq!(verifier.verify_token(&token).unwrap_err().reason(), "type");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn token_types(mut self, types: impl IntoIterator<Item: Into<Box<str>>>) -> Self {
        self.types = Some(types.into_iter().map(Into::into).collect());
        self.forget_tokens()
    }

    /// Judges times by this clock. Defaults to the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Remembers the last accepted tokens, about `capacity` of them, so that one that comes again
    /// is only compared and its times checked. Defaults to none.
    ///
    /// Worth it for asymmetric signatures, which cost tens of microseconds each. With HMAC it helps
    /// a few hot tokens; among thousands a look-up is as far from the processor's caches as the MAC
    /// is dear. What is remembered is the whole token: nothing but the same bytes hits. A change to
    /// the keys forgets all. Only accepted tokens come in, and those that come once do not
    /// drive out those that come again. Give it about twice as many places as there are tokens in
    /// use.
    ///
    /// Tokens of more than 2 KiB are verified each time, so that `capacity` tokens with their
    /// claims take at most 8 KiB each. Clones share what is remembered, unless they are then
    /// configured otherwise.
    pub fn cache(mut self, capacity: usize) -> Self {
        self.cache = Some(Arc::new(TokenCache::new(capacity)));
        self
    }

    pub(super) const fn header_size(&self) -> usize {
        self.max_header_bytes
    }

    /// Whether the verifier may demand exactly this issuer, whatever it demanded before.
    pub(super) fn allows_issuer(&self, issuer: &str) -> bool {
        self.issuer.allows(issuer)
    }

    /// What was accepted before may not be any more.
    fn forget_tokens(mut self) -> Self {
        self.cache = self.cache.map(|cache| Arc::new(cache.emptied()));
        self
    }

    /// Judges a token.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::error::AuthErrorKind::InvalidToken) with the reason as its source;
    /// [`Unavailable`](crate::error::AuthErrorKind::Unavailable) where published keys would have to be
    /// waited for, which [`Verifier::verify`] does.
    pub fn verify_token(&self, token: &str) -> Result<Claims, AuthError> {
        match &self.keys {
            Keys::One(keys) => self.verify_with(keys, token).map_err(AuthError::refused),
            Keys::Ring(ring) => {
                let keys = ring.keys();
                let judged = self.verify_with(&keys.verifying, token);
                judged.map_err(AuthError::refused)
            }
            #[cfg(feature = "jwks")]
            Keys::Published(jwks) => jwks.verify_now(token, |keys| self.verify_with(keys, token)),
        }
    }

    fn verify_with(&self, keys: &Keyset, token: &str) -> Result<Claims, RejectReason> {
        let cache = self.cache.as_deref();
        if let Some(claims) = cache.and_then(|cache| cache.get(token, keys.generation())) {
            record::token_cache_hit();
            claims.check_times(self.clock.numeric_date(), self.leeway)?;
            return Ok(claims);
        }
        if cache.is_some() {
            record::token_cache_miss();
        }
        let compact = Compact::split(token, self.max_token_bytes, self.max_header_bytes)?;
        keys.verify(&compact, self.types.as_deref())?;
        let claims = Claims::decode(compact.payload, self.rules.as_deref())?;
        let now = self.clock.numeric_date();
        claims.check_times(now, self.leeway)?;
        self.issuer.check(&claims)?;
        self.check_audience(&claims)?;
        if let Some(cache) = cache {
            cache.put(token, keys.generation(), &claims, now - self.leeway);
        }
        Ok(claims)
    }

    fn check_audience(&self, claims: &Claims) -> Result<(), RejectReason> {
        if let Some(name) = &self.audience_claim {
            let named = match claims.value(name) {
                None | Some(Value::Null) => None,
                Some(Value::Text(text)) => Some(vec![text]),
                Some(Value::Texts(texts)) => Some(texts),
                Some(_) => return Err(RejectReason::AudienceType),
            };
            let named = named.as_deref();
            self.check_values(named.map(|values| values.iter().map(|value| &**value)))?;
            // `aud` need not be there, too.
            if !claims.has_audience() {
                return Ok(());
            }
        }
        self.check_values(claims.has_audience().then(|| claims.audience()))
    }

    fn check_values<'a>(
        &self,
        theirs: Option<impl Iterator<Item = &'a str>>,
    ) -> Result<(), RejectReason> {
        match (self.audience.is_empty(), theirs) {
            (true, None) => Ok(()),
            // RFC 7519, section 4.1.3: it is for somebody, and nobody said that it is us.
            (true, Some(_)) => Err(RejectReason::UnexpectedAudience),
            (false, None) => Err(RejectReason::NoAudience),
            (false, Some(mut theirs)) => {
                let ours = theirs.any(|theirs| self.audience.iter().any(|ours| **ours == *theirs));
                ours.then_some(()).ok_or(RejectReason::Audience)
            }
        }
    }
}

impl Verifier for JwtVerifier {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        match &self.keys {
            Keys::One(_) | Keys::Ring(_) => Verification::Ready(self.verify_token(credential)),
            #[cfg(feature = "jwks")]
            Keys::Published(jwks) => {
                jwks.verify(credential, |keys| self.verify_with(keys, credential))
            }
        }
    }

    fn max_credential_bytes(&self) -> usize {
        self.max_token_bytes
    }

    // Dots between segments of strict base64url.
    fn checks_characters(&self) -> bool {
        true
    }
}
