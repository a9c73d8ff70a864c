//! Verification of JSON Web Tokens.

mod rules;

use std::sync::Arc;
use std::time::Duration;

use super::claim_rules::ClaimRules;
use super::claims::Claims;
use super::compact::Compact;
use super::issuer_rule::IssuerRule;
use super::json_reader::Value;
#[cfg(feature = "jwks")]
use super::jwks::RemoteJwks;
use super::keys::KeyRing;
use super::keys::Keyset;
use super::keys::VerifyingKey;
#[cfg(feature = "jwks")]
use super::limits::EXTERNAL_ISSUER_LEEWAY;
use super::limits::{MAX_HEADER_BYTES, MAX_LEEWAY, MAX_TOKEN_BYTES};
use super::token_cache::TokenCache;
use super::verifier::{Verification, Verifier};
use crate::clock::Clock;
use crate::error::{AuthError, ConfigError, RejectReason};
use crate::jwt::keys::HmacSecret;
use crate::metrics::record;

/// Strict verifier of JSON Web Tokens (RFC 7519).
///
/// The algorithm is the key's and never chosen by the token. Where the RFCs leave a choice, the verifier
/// rejects: extensions (`crit`), duplicate names, non-canonical base64url, registered claims of the
/// wrong type, tokens without `exp`, and audiences that are not configured.
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

    /// Accepts tokens signed with the counterpart of this key. If the key has an ID, a token with
    /// another `kid` is rejected.
    pub fn new(key: VerifyingKey) -> Self {
        Self::with_keys(Keys::One(Arc::new(Keyset::lone(key))))
    }

    /// Accepts tokens signed with the keys in `ring`. Changes to the ring take effect at once.
    #[doc(alias = "kid")]
    #[doc(alias = "rotation")]
    pub fn ring(ring: &KeyRing) -> Self {
        Self::with_keys(Keys::Ring(ring.clone()))
    }

    /// Accepts tokens signed with the keys that an external issuer currently publishes.
    ///
    /// Keys that were [discovered](RemoteJwks::from_oidc_issuer) require their issuer, until another is
    /// set. Keys [from a URL](RemoteJwks::from_url) need a rule, such as [`issuer`](Self::issuer): one key
    /// set can serve many tenants, as that of Entra does. Without a rule every token is rejected with the
    /// [reason](AuthError::reason) `no_issuer_rule`.
    #[doc(alias = "openid")]
    #[doc(alias = "oidc")]
    #[doc(alias = "rotation")]
    #[cfg(feature = "jwks")]
    pub fn jwks(keys: &RemoteJwks) -> Self {
        Self {
            issuer: match keys.issuer() {
                Some(issuer) => IssuerRule::One(issuer.into()),
                None => IssuerRule::Unset,
            },
            leeway: EXTERNAL_ISSUER_LEEWAY.as_secs_f64(),
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

    /// Requires this issuer (`iss`). Without a rule `iss` is not checked. A later rule replaces an
    /// earlier one: this one, [`issuers`](Self::issuers), [`issuer_template`](Self::issuer_template) or
    /// [`issuer_check`](Self::issuer_check).
    pub fn issuer(self, issuer: impl Into<Box<str>>) -> Self {
        self.issuer_rule(IssuerRule::One(issuer.into()))
    }

    /// Requires this audience (`aud`). Called again, accepts another audience as well. Without it a
    /// token with an `aud` is rejected (RFC 7519, section 4.1.3).
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audience.push(audience.into());
        self.clear_cache()
    }

    /// Sets how far the clocks of issuer and verifier may differ. Defaults to 0 seconds, and to
    /// 60 seconds with the published keys of an external issuer (`JwtVerifier::jwks`). A token is accepted
    /// for this long after its `exp`, and its `nbf` and `iat` may be this far in the future plus 5 seconds.
    ///
    /// # Errors
    ///
    /// [`ConfigError::LeewayTooLong`] above 300 seconds.
    #[doc(alias = "clock skew")]
    pub fn leeway(mut self, leeway: Duration) -> Result<Self, ConfigError> {
        if leeway > MAX_LEEWAY {
            return Err(ConfigError::LeewayTooLong);
        }
        self.leeway = leeway.as_secs_f64();
        Ok(self)
    }

    /// Sets the maximum length of a token, in bytes. Defaults to 8 KiB.
    pub fn max_token_bytes(mut self, bytes: usize) -> Self {
        self.max_token_bytes = bytes;
        self.clear_cache()
    }

    /// Sets the maximum length of the encoded header, in bytes. Defaults to 1 KiB. Headers with
    /// certificates (`x5c`) are longer; the certificates are not used.
    pub fn max_header_bytes(mut self, bytes: usize) -> Self {
        self.max_header_bytes = bytes;
        self.clear_cache()
    }

    /// Accepts only tokens whose `typ` is one of these (RFC 7515, section 4.1.9), compared without case
    /// and with or without `application/`. For example `["JWT", "Bearer"]` for the tokens of old
    /// versions of Keycloak.
    ///
    /// Defaults to `JWT`, `at+jwt` and tokens without a `typ`. Once types are set, `typ` is required.
    /// Never add a type whose tokens serve another purpose, such as refresh tokens, password resets and
    /// log-out tokens.
    ///
    /// ```
    /// use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
    ///
    /// let secret = HmacSecret::generate();
    /// let token = JwtIssuer::hs256(&secret).issue("7")?; // `typ` is `JWT`
    /// let verifier = JwtVerifier::hs256(&secret).token_types(["at+jwt"]);
    /// assert_eq!(verifier.verify_token(&token).unwrap_err().reason(), "type");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn token_types(mut self, types: impl IntoIterator<Item: Into<Box<str>>>) -> Self {
        self.types = Some(types.into_iter().map(Into::into).collect());
        self.clear_cache()
    }

    /// Compares times with this clock. Defaults to the system clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Caches about `capacity` accepted tokens. A cached token is compared byte by byte and its times
    /// are checked; its signature is not verified again. Defaults to no cache.
    ///
    /// Use it for asymmetric signatures, whose verification takes tens of microseconds. With HMAC it
    /// helps for a few frequent tokens; with thousands of tokens a look-up misses the processor's caches
    /// and takes as long as the MAC. A change to the keys invalidates all entries. Only accepted tokens
    /// are cached, and tokens that are used once do not evict those that are used again. Set `capacity`
    /// to about twice the number of tokens in use.
    ///
    /// Tokens of more than 2 KiB are verified each time, so that an entry with its claims takes at most
    /// 8 KiB. Clones share the cache until one of them is configured differently.
    pub fn cache(mut self, capacity: usize) -> Self {
        self.cache = Some(Arc::new(TokenCache::new(capacity)));
        self
    }

    pub(super) const fn header_size(&self) -> usize {
        self.max_header_bytes
    }

    /// Returns `true` if the current rule may be replaced by one that requires exactly this issuer.
    pub(super) fn allows_issuer(&self, issuer: &str) -> bool {
        self.issuer.allows(issuer)
    }

    /// Replaces the cache by an empty one: the new configuration may reject tokens that were accepted.
    fn clear_cache(mut self) -> Self {
        self.cache = self.cache.map(|cache| Arc::new(cache.emptied()));
        self
    }

    /// Verifies a token without waiting.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::error::AuthErrorKind::InvalidToken) with the reason as its source;
    /// [`Unavailable`](crate::error::AuthErrorKind::Unavailable) if published keys have to be fetched
    /// first, for which [`Verifier::verify`] waits.
    pub fn verify_token(&self, token: &str) -> Result<Claims, AuthError> {
        match &self.keys {
            Keys::One(keys) => self.verify_with(keys, token).map_err(AuthError::rejected),
            Keys::Ring(ring) => {
                let keys = ring.keys();
                let claims = self.verify_with(&keys.verifying, token);
                claims.map_err(AuthError::rejected)
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
                Some(Value::Texts(texts)) => Some(texts.collect()),
                Some(_) => return Err(RejectReason::AudienceType),
            };
            let named = named.as_deref();
            self.check_values(named.map(|values| values.iter().map(|value| &**value)))?;
            // `aud` is optional here.
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
            // RFC 7519, section 4.1.3: the token has an audience, and none is configured here.
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

    // Only dots between segments of strict base64url are accepted.
    fn checks_characters(&self) -> bool {
        true
    }
}
