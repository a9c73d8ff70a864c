//! Issuing of tokens.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::claims::Claims;
use super::issue_error::IssueError;
use super::issue_rules::{REGISTERED, check_texts, check_times, is_same_audience, object};
use super::keys::KeyRing;
use super::keys::SigningKey;
use super::limits::{MAX_HEADER_BYTES, MAX_TOKEN_BYTES};
use super::numeric_date::{MAX_DATE_SECONDS, from_system_time};
use crate::clock::Clock;
use crate::jwt::keys::HmacSecret;

/// Issues signed tokens that a [`JwtVerifier`](crate::JwtVerifier) accepts.
///
/// Every token has `sub`, `iat`, `exp` and `jti`. The `jti` defaults to 128 random bits.
#[derive(Clone, Debug)]
#[must_use]
pub struct JwtIssuer {
    keys: Keys,
    issuer: Option<Box<str>>,
    audience: Vec<Box<str>>,
    generation_claim: Option<Box<str>>,
    lifetime: Duration,
    clock: Clock,
}

#[derive(Clone, Debug)]
enum Keys {
    One(SigningKey),
    Ring(KeyRing),
}

impl JwtIssuer {
    /// Signs with HS256 and this secret.
    pub fn hs256(secret: &HmacSecret) -> Self {
        Self::new(SigningKey::hs256(secret))
    }

    /// Signs with this key.
    pub const fn new(key: SigningKey) -> Self {
        Self::with_keys(Keys::One(key))
    }

    /// Signs with the current signing key of `ring`.
    #[doc(alias = "rotation")]
    pub fn ring(ring: &KeyRing) -> Self {
        Self::with_keys(Keys::Ring(ring.clone()))
    }

    const fn with_keys(keys: Keys) -> Self {
        Self {
            keys,
            issuer: None,
            audience: Vec::new(),
            generation_claim: None,
            lifetime: DEFAULT_LIFETIME,
            clock: Clock::system(),
        }
    }

    /// Puts `iss` into every token.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Puts `aud` into every token. Called again, adds another audience. A verifier that is configured
    /// for one of them accepts the token.
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        let audience = audience.into();
        if !self.audience.contains(&audience) {
            self.audience.push(audience);
        }
        self
    }

    /// Writes the [generation](TokenBuilder::generation) into this claim, for verifiers with the same
    /// [`generation_claim`](crate::JwtVerifier::generation_claim). Defaults to `gen`.
    pub fn generation_claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.generation_claim = Some(name.into());
        self
    }

    /// Sets the lifetime of tokens, in whole seconds and at least 1 second. Defaults to 7 days, which
    /// is safe because the account is loaded on every request.
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Takes the time from this clock. Defaults to the system clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Issuer of the tokens (`iss`).
    pub fn issuer_name(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Lifetime of the tokens: `expires_in` of an OAuth 2.0 token response (RFC 6749, section 5.1).
    pub fn expires_in(&self) -> Duration {
        Duration::from_secs(self.lifetime.as_secs().max(1))
    }

    /// Issues a token for `subject`.
    ///
    /// # Errors
    ///
    /// [`IssueError`].
    pub fn issue(&self, subject: &str) -> Result<String, IssueError> {
        self.token(subject).issue()
    }

    /// Returns a builder for a token with more claims than the default ones.
    ///
    /// ```
    /// use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
    ///
    /// let secret = HmacSecret::generate();
    /// let issuer = JwtIssuer::hs256(&secret);
    /// let token = issuer
    ///     .token("7")
    ///     .generation(2)
    ///     .claims(&serde_json::json!({"scope": "orders:read"}))
    ///     .issue()?;
    ///
    /// let claims = JwtVerifier::hs256(&secret).verify_token(&token)?;
    /// assert!(claims.scopes().eq(["orders:read"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn token<'a>(&'a self, subject: &'a str) -> TokenBuilder<'a> {
        TokenBuilder {
            issuer: self,
            subject,
            generation: 0,
            not_before: None,
            auth_time: None,
            token_id: None,
            custom: Ok(Map::new()),
        }
    }

    fn generation_name(&self) -> &str {
        self.generation_claim.as_deref().unwrap_or("gen")
    }

    /// Issues a token of claims that include registered ones, such as a struct that was written for
    /// `jsonwebtoken::encode`.
    ///
    /// The claims are kept if a verifier would accept them: `sub` is required, `exp` is at most the
    /// [lifetime](Self::lifetime) away, `iat` is not in the future, and `nbf` is before `exp`. Absent
    /// (or `null`) claims are added: `iat`, `exp`, `jti`, and `iss` and `aud` of this issuer. Another
    /// `iss` or `aud` than this issuer's is an error.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime, UNIX_EPOCH};
    ///
    /// use tower_warder::{HmacSecret, JwtIssuer, JwtVerifier};
    ///
    /// #[derive(serde::Serialize)]
    /// struct Claims {
    ///     sub: String,
    ///     exp: u64,
    ///     role: String,
    /// }
    ///
    /// let secret = HmacSecret::generate();
    /// let issuer = JwtIssuer::hs256(&secret).lifetime(Duration::from_secs(3600));
    /// let in_15_minutes = SystemTime::now() + Duration::from_secs(15 * 60);
    /// let exp = in_15_minutes.duration_since(UNIX_EPOCH)?.as_secs();
    /// let claims = Claims { sub: "7".to_owned(), exp, role: "editor".to_owned() };
    /// let token = issuer.issue_claims(&claims)?;
    ///
    /// let claims = JwtVerifier::hs256(&secret).verify_token(&token)?;
    /// assert_eq!(claims.expires_at(), UNIX_EPOCH + Duration::from_secs(exp));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`IssueError`].
    pub fn issue_claims(&self, claims: &impl Serialize) -> Result<String, IssueError> {
        self.complete(object(claims)?)
    }

    /// Adds the absent claims, and issues the token if a verifier would accept it.
    fn complete(&self, mut claims: Map<String, Value>) -> Result<String, IssueError> {
        let now = self.clock.numeric_date();
        // Also a clock before 1970, whose tokens would not expire before the year 9999.
        if now >= MAX_DATE_SECONDS {
            return Err(IssueError::ClockOutOfRange);
        }
        let lifetime = self.expires_in().as_secs();
        let issued_at = now as u64;
        let expires_at = issued_at
            .saturating_add(lifetime)
            .min(MAX_DATE_SECONDS as u64);

        // `Option::None` serializes to `null`.
        claims.retain(|name, value| !value.is_null() || !REGISTERED.contains(&name.as_str()));
        claims.entry("iat").or_insert_with(|| issued_at.into());
        claims.entry("exp").or_insert_with(|| expires_at.into());
        if !claims.contains_key("jti") {
            claims.insert("jti".to_owned(), token_id()?.into());
        }
        if let Some(issuer) = self.issuer.as_deref()
            && *claims.entry("iss").or_insert_with(|| issuer.into()) != *issuer
        {
            return Err(IssueError::IssuerMismatch);
        }
        if let Some(audience) = self.audience_claim()
            && !is_same_audience(
                claims.entry("aud").or_insert_with(|| audience.clone()),
                &audience,
            )
        {
            return Err(IssueError::AudienceMismatch);
        }
        check_texts(&claims, self.generation_name())?;
        check_times(&claims, now, lifetime as f64)?;

        let payload = Value::Object(claims).to_string();
        // Every issued token passes the checks of the verifier.
        Claims::parse(&payload).map_err(|_| IssueError::InvalidClaims)?;
        self.sign(&payload)
    }

    /// Value of `aud`: a string, or an array of several.
    fn audience_claim(&self) -> Option<Value> {
        match &*self.audience {
            [] => None,
            [one] => Some((**one).into()),
            many => Some(many.iter().map(|audience| &**audience).collect()),
        }
    }

    fn sign(&self, payload: &str) -> Result<String, IssueError> {
        let key = match &self.keys {
            Keys::One(key) => key.clone(),
            Keys::Ring(ring) => ring.signing_key().ok_or(IssueError::NoSigningKey)?,
        };
        let mut header = json!({"alg": key.algorithm().as_str(), "typ": "JWT"});
        if let (Some(kid), Some(header)) = (key.kid(), header.as_object_mut()) {
            header.insert("kid".to_owned(), kid.into());
        }
        let mut token = URL_SAFE_NO_PAD.encode(header.to_string());
        if token.len() > MAX_HEADER_BYTES {
            return Err(IssueError::TooLarge);
        }
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = key
            .sign(token.as_bytes())
            .ok_or(IssueError::SigningFailed)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        if token.len() > MAX_TOKEN_BYTES {
            return Err(IssueError::TooLarge);
        }
        Ok(token)
    }
}

/// Builder of a token: see [`JwtIssuer::token`].
#[must_use]
pub struct TokenBuilder<'a> {
    issuer: &'a JwtIssuer,
    subject: &'a str,
    generation: u64,
    not_before: Option<SystemTime>,
    auth_time: Option<SystemTime>,
    token_id: Option<&'a str>,
    custom: Result<Map<String, Value>, IssueError>,
}

impl<'a> TokenBuilder<'a> {
    /// Sets the account's [`token_generation`](crate::AuthUser::token_generation) (`gen`).
    pub const fn generation(mut self, generation: u64) -> Self {
        self.generation = generation;
        self
    }

    /// Sets the time before which the token is not valid (`nbf`), in whole seconds and before `exp`.
    /// Defaults to no `nbf`: the token is valid at once.
    pub const fn not_before(mut self, time: SystemTime) -> Self {
        self.not_before = Some(time);
        self
    }

    /// Sets the time of the user's log-in (`auth_time`), in whole seconds, for
    /// [`RecentLogin`](crate::policy::RecentLogin). For a renewed token it is the time of the log-in, not
    /// of the renewal. Defaults to no `auth_time`.
    pub const fn auth_time(mut self, time: SystemTime) -> Self {
        self.auth_time = Some(time);
        self
    }

    /// Sets the ID of the token (`jti`): 1 to 255 bytes without control characters, unique among the
    /// issuer's tokens. Defaults to 128 random bits.
    #[doc(alias = "jti")]
    pub const fn token_id(mut self, id: &'a str) -> Self {
        self.token_id = Some(id);
        self
    }

    /// Adds custom claims: any value that serializes to a JSON object without registered names. For
    /// registered claims use the other methods, or [`JwtIssuer::issue_claims`].
    pub fn claims(mut self, claims: &impl Serialize) -> Self {
        self.custom = self.custom.and_then(|mut custom| {
            custom.extend(object(claims)?);
            Ok(custom)
        });
        self
    }

    /// Signs the token.
    ///
    /// # Errors
    ///
    /// [`IssueError`].
    pub fn issue(self) -> Result<String, IssueError> {
        let mut claims = self.custom?;
        let generation = self.issuer.generation_name();
        let mut registered = REGISTERED.iter().chain([&generation]);
        if REGISTERED.contains(&generation) || registered.any(|name| claims.contains_key(*name)) {
            return Err(IssueError::RegisteredClaim);
        }
        let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        put("sub", self.subject.into());
        if self.generation > 0 {
            put(generation, self.generation.into());
        }
        if let Some(time) = self.not_before {
            put("nbf", from_system_time(time).into());
        }
        if let Some(time) = self.auth_time {
            put("auth_time", from_system_time(time).into());
        }
        if let Some(id) = self.token_id {
            put("jti", id.into());
        }
        self.issuer.complete(claims)
    }
}

impl_debug! { self: TokenBuilder<'_> }

const DEFAULT_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// Returns 128 random bits in base64url.
fn token_id() -> Result<String, IssueError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| IssueError::SigningFailed)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
