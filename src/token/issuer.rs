//! The making of tokens.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::claims::{self, Claims};
use super::key::SigningKey;
use super::payload::LAST_DATE;
use super::ring::KeyRing;
use super::{MAX_HEADER, MAX_TOKEN};
use crate::clock::Clock;
use crate::secret::Secret;

/// Makes signed tokens that [`TokenVerifier`](crate::TokenVerifier) accepts.
///
/// Every token has `sub`, `iat`, `exp` and a random `jti` of 128 bits.
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenIssuer {
    keys: Keys,
    issuer: Option<Box<str>>,
    audience: Option<Box<str>>,
    generation_claim: Option<Box<str>>,
    lifetime: Duration,
    clock: Clock,
}

#[derive(Clone, Debug)]
enum Keys {
    One(SigningKey),
    Ring(KeyRing),
}

impl TokenIssuer {
    /// Signs with HS256 and this secret.
    pub fn hs256(secret: &Secret) -> Self {
        Self::new(SigningKey::hs256(secret))
    }

    /// Signs with this key.
    pub const fn new(key: SigningKey) -> Self {
        Self::with_keys(Keys::One(key))
    }

    /// Signs with whatever key is the signing key of `ring` at the time.
    pub fn ring(ring: &KeyRing) -> Self {
        Self::with_keys(Keys::Ring(ring.clone()))
    }

    const fn with_keys(keys: Keys) -> Self {
        Self {
            keys,
            issuer: None,
            audience: None,
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

    /// Puts `aud` into every token.
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Writes the [generation](TokenBuilder::generation) into this claim, for verifiers with the same
    /// [`generation_claim`](crate::TokenVerifier::generation_claim). Defaults to `gen`.
    pub fn generation_claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.generation_claim = Some(name.into());
        self
    }

    /// How long a token lives, in whole seconds and at least one. Defaults to 7 days, which is
    /// safe because the account is looked up on every request.
    pub const fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Takes the time from this clock. Defaults to the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What `iss` says in every token.
    #[cfg(feature = "accounts")]
    pub(crate) fn issuer_name(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// How long the tokens live: `expires_in` of an OAuth 2.0 answer (RFC 6749, section 5.1).
    pub fn expires_in(&self) -> Duration {
        Duration::from_secs(self.lifetime.as_secs().max(1))
    }

    /// Makes a token for `subject`.
    ///
    /// # Errors
    ///
    /// [`IssueError`].
    pub fn issue(&self, subject: &str) -> Result<String, IssueError> {
        self.token(subject).issue()
    }

    /// Begins a token for `subject` that says more.
    ///
    /// ```
    /// # use tower_warder::{Secret, TokenIssuer, TokenVerifier};
    /// # let secret = Secret::generate();
    /// let issuer = TokenIssuer::hs256(&secret);
    /// let token = issuer
    ///     .token("7")
    ///     .generation(2)
    ///     .claims(&serde_json::json!({"scope": "orders:read"}))
    ///     .issue()?;
    ///
    /// let claims = TokenVerifier::hs256(&secret).verify_token(&token)?;
    /// assert!(claims.scopes().eq(["orders:read"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn token<'a>(&'a self, subject: &'a str) -> TokenBuilder<'a> {
        TokenBuilder {
            issuer: self,
            subject,
            generation: 0,
            custom: Ok(Map::new()),
        }
    }

    fn generation_name(&self) -> &str {
        self.generation_claim.as_deref().unwrap_or("gen")
    }
}

/// A token in the making: see [`TokenIssuer::token`].
#[must_use]
pub struct TokenBuilder<'a> {
    issuer: &'a TokenIssuer,
    subject: &'a str,
    generation: u64,
    custom: Result<Map<String, Value>, IssueError>,
}

impl TokenBuilder<'_> {
    /// The account's [`token_generation`](crate::AuthUser::token_generation), as `gen`.
    pub const fn generation(mut self, generation: u64) -> Self {
        self.generation = generation;
        self
    }

    /// Claims of your own: whatever serializes to a JSON object.
    pub fn claims(mut self, claims: &impl Serialize) -> Self {
        self.custom = match (self.custom, serde_json::to_value(claims)) {
            (Ok(mut custom), Ok(Value::Object(more))) => {
                custom.extend(more);
                Ok(custom)
            }
            (Err(error), _) => Err(error),
            (Ok(_), _) => Err(IssueError::ClaimsNotAnObject),
        };
        self
    }

    /// Signs the token.
    ///
    /// # Errors
    ///
    /// [`IssueError`].
    pub fn issue(self) -> Result<String, IssueError> {
        if !claims::is_subject(self.subject) {
            return Err(IssueError::InvalidSubject);
        }
        let payload = self.payload()?;
        // What we make, we accept.
        Claims::parse(&payload).map_err(|_| IssueError::InvalidClaims)?;

        let key = match &self.issuer.keys {
            Keys::One(key) => key.clone(),
            Keys::Ring(ring) => ring.signing_key().ok_or(IssueError::NoSigningKey)?,
        };
        let mut header = json!({"alg": key.algorithm().as_str(), "typ": "JWT"});
        if let (Some(kid), Some(header)) = (key.kid(), header.as_object_mut()) {
            header.insert("kid".to_owned(), kid.into());
        }
        let mut token = URL_SAFE_NO_PAD.encode(header.to_string());
        if token.len() > MAX_HEADER {
            return Err(IssueError::TooLarge);
        }
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = key
            .sign(token.as_bytes())
            .ok_or(IssueError::SigningFailed)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        if token.len() > MAX_TOKEN {
            return Err(IssueError::TooLarge);
        }
        Ok(token)
    }

    fn payload(&self) -> Result<String, IssueError> {
        let custom = self.custom.as_ref().map_err(|error| *error)?;
        let generation = self.issuer.generation_name();
        let mut registered = REGISTERED.iter().chain([&generation]);
        if registered.any(|name| custom.contains_key(*name)) {
            return Err(IssueError::RegisteredClaim);
        }
        let now = self.issuer.clock.numeric_date();
        // Also a clock before 1970, whose tokens would live until the end of all dates.
        if now >= LAST_DATE {
            return Err(IssueError::ClockOutOfRange);
        }
        let now = now as u64;
        let end = now
            .saturating_add(self.issuer.expires_in().as_secs())
            .min(LAST_DATE as u64);

        let mut payload = custom.clone();
        let mut put = |name: &str, value: Value| payload.insert(name.to_owned(), value);
        // First, so that it displaces no other claim, whatever it is called.
        if self.generation > 0 {
            put(self.issuer.generation_name(), self.generation.into());
        }
        put("sub", self.subject.into());
        put("iat", now.into());
        put("exp", end.into());
        put("jti", token_id()?.into());
        if let Some(issuer) = &self.issuer.issuer {
            put("iss", (**issuer).into());
        }
        if let Some(audience) = &self.issuer.audience {
            put("aud", (**audience).into());
        }
        Ok(Value::Object(payload).to_string())
    }
}

impl fmt::Debug for TokenBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBuilder").finish_non_exhaustive()
    }
}

/// Why a token was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssueError {
    /// The subject is empty, longer than 255 bytes or has control characters.
    InvalidSubject,
    /// The claims do not serialize to a JSON object.
    ClaimsNotAnObject,
    /// The claims have a registered name: `iss`, `sub`, `aud`, `exp`, `nbf`, `iat`, `jti`, or that of
    /// the generation (`gen`).
    RegisteredClaim,
    /// The claims are nested too deeply.
    InvalidClaims,
    /// The token, or its header because of a long key id, would be longer than a verifier accepts
    /// by default (8 KiB and 1 KiB).
    TooLarge,
    /// The key ring has no signing key.
    NoSigningKey,
    /// The clock stands before 1970 or after the year 9999.
    ClockOutOfRange,
    /// The key or the operating system's randomness failed.
    SigningFailed,
}

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidSubject => {
                "the subject is empty, longer than 255 bytes or has control characters"
            }
            Self::ClaimsNotAnObject => "the claims do not serialize to a JSON object",
            Self::RegisteredClaim => "the claims have the name of a registered claim",
            Self::InvalidClaims => "the claims are nested too deeply",
            Self::TooLarge => "the token would be larger than 8 KiB, or its header than 1 KiB",
            Self::NoSigningKey => "the key ring has no signing key",
            Self::ClockOutOfRange => "the clock stands before 1970 or after the year 9999",
            Self::SigningFailed => "the signature could not be made",
        })
    }
}

impl Error for IssueError {}

const DEFAULT_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// 128 random bits.
fn token_id() -> Result<String, IssueError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| IssueError::SigningFailed)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
