//! The judgement of a token: bytes in, claims out, or a reason why not.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use serde::de::MapAccess;

use super::claims::Claims;
use super::json::{self, Ignored, Members, Text};
use super::key::VerifyingKey;
use super::ring::KeyRing;
use super::{MAX_HEADER, MAX_TOKEN};
use crate::clock::Clock;
use crate::error::{AuthError, ConfigError, Refusal};
use crate::secret::Secret;

/// Turns a credential into claims.
///
/// [`TokenVerifier`] is the one that everybody uses. Write your own for API keys or opaque tokens:
/// identity, status check and doors stay the same.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not verify credentials",
    note = "pass a `TokenVerifier`, for example `TokenVerifier::hs256(&secret)`"
)]
pub trait Verifier: Send + Sync + 'static {
    /// Judges `credential`: at once, or later if somebody has to be asked.
    ///
    /// The judgement is remembered for the request. What should not be done twice belongs into the
    /// future of [`Verification::Pending`]: it is polled to its end once, while those who cannot
    /// wait drop theirs unpolled.
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a>;
}

/// The answer of a [`Verifier`].
#[non_exhaustive]
pub enum Verification<'a> {
    /// The judgement.
    Ready(Result<Claims, AuthError>),
    /// The judgement has to be waited for, for example because keys must be fetched.
    Pending(BoxFuture<'a, Result<Claims, AuthError>>),
}

/// Verifies JSON Web Tokens (RFC 7519), strictly.
///
/// The algorithm is the key's and never chosen by the token. What the RFCs leave to be refused
/// is refused: extensions (`crit`), duplicate names, other spellings of base64url, registered
/// claims of the wrong type, tokens without `exp`, audiences that nobody configured.
///
/// ```
/// use tower_warder::{Secret, TokenIssuer, TokenVerifier};
///
/// let secret = Secret::generate();
/// let issuer = TokenIssuer::hs256(&secret).issuer("https://login.example");
/// let verifier = TokenVerifier::hs256(&secret).issuer("https://login.example");
///
/// let token = issuer.issue("7")?;
/// assert_eq!(verifier.verify_token(&token)?.subject(), "7");
/// assert!(verifier.verify_token(&token.replace('.', "")).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenVerifier {
    keys: Keys,
    issuer: Option<Box<str>>,
    audience: Vec<Box<str>>,
    leeway: f64,
    max_size: usize,
    clock: Clock,
}

#[derive(Clone, Debug)]
enum Keys {
    One(VerifyingKey),
    Ring(KeyRing),
}

impl TokenVerifier {
    /// Accepts tokens signed with HS256 and this secret.
    pub fn hs256(secret: &Secret) -> Self {
        Self::new(VerifyingKey::hs256(secret))
    }

    /// Accepts tokens signed with this key's counterpart. If the key has an id, a token that
    /// names another is refused.
    pub fn new(key: VerifyingKey) -> Self {
        Self::with_keys(Keys::One(key))
    }

    /// Accepts tokens of the keys in `ring`, now and after every change to it.
    pub fn ring(ring: &KeyRing) -> Self {
        Self::with_keys(Keys::Ring(ring.clone()))
    }

    const fn with_keys(keys: Keys) -> Self {
        Self {
            keys,
            issuer: None,
            audience: Vec::new(),
            leeway: 0.0,
            max_size: MAX_TOKEN,
            clock: Clock::system(),
        }
    }

    /// Demands that `iss` is exactly this. Without it `iss` is not looked at.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Demands that `aud` names exactly this; called again, this one or the earlier ones. Without
    /// it a token with an `aud` is refused (RFC 7519, section 4.1.3).
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audience.push(audience.into());
        self
    }

    /// How far the clocks of issuer and verifier may differ. Defaults to 0 seconds: where another
    /// machine issues the tokens, allow for its clock, or its newest ones come too early (`iat`).
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
    pub const fn max_size(mut self, bytes: usize) -> Self {
        self.max_size = bytes;
        self
    }

    /// Judges times by this clock. Defaults to the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Judges a token.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::AuthErrorKind::InvalidToken) with the reason as its source.
    pub fn verify_token(&self, token: &str) -> Result<Claims, AuthError> {
        self.judge(token).map_err(AuthError::refused)
    }

    fn judge(&self, token: &str) -> Result<Claims, Refusal> {
        let compact = Compact::split(token, self.max_size)?;
        let key = self.select_key(compact.header)?;

        let mut buffer = [0; MAX_SIGNATURE];
        let signature = decode(compact.signature, &mut buffer)?;
        if !key.verify(compact.signed.as_bytes(), signature) {
            return Err(Refusal::Signature);
        }

        let payload = URL_SAFE_NO_PAD
            .decode(compact.payload)
            .map_err(|_| Refusal::Base64)?;
        let claims = Claims::parse(String::from_utf8(payload).map_err(|_| Refusal::Claims)?)?;
        claims.check_times(self.clock.numeric_date(), self.leeway)?;
        self.check_issuer(&claims)?;
        self.check_audience(&claims)?;
        Ok(claims)
    }

    /// The configured key that the header asks for, if the header asks for nothing else.
    fn select_key(&self, encoded: &str) -> Result<Cow<'_, VerifyingKey>, Refusal> {
        let mut buffer = [0; MAX_HEADER];
        let header = std::str::from_utf8(decode(encoded, &mut buffer)?)
            .ok()
            .and_then(|json| json::read_object(json, Header::default()).ok())
            .ok_or(Refusal::Header)?;

        // RFC 7515, section 4.1.11: an extension that is not understood is a reason to refuse,
        // and we understand none. RFC 7797, section 7: no `b64` in a JWT.
        if header.extended {
            return Err(Refusal::Critical);
        }
        if header
            .typ
            .as_deref()
            .is_some_and(|typ| !is_access_type(typ))
        {
            return Err(Refusal::Type);
        }
        let key = match &self.keys {
            Keys::One(key) => match (&header.kid, key.kid()) {
                (Some(asked), Some(ours)) if asked != ours => return Err(Refusal::KeyId),
                _ => Cow::Borrowed(key),
            },
            Keys::Ring(ring) => ring
                .verifying_key(header.kid.as_deref())
                .map(Cow::Owned)
                .ok_or(Refusal::KeyId)?,
        };
        if header.alg.as_deref() != Some(key.algorithm().as_str()) {
            return Err(Refusal::Algorithm);
        }
        Ok(key)
    }

    fn check_issuer(&self, claims: &Claims) -> Result<(), Refusal> {
        match &self.issuer {
            Some(ours) if claims.issuer() != Some(ours) => Err(Refusal::Issuer),
            _ => Ok(()),
        }
    }

    fn check_audience(&self, claims: &Claims) -> Result<(), Refusal> {
        let accepted = if self.audience.is_empty() {
            !claims.has_audience()
        } else {
            claims
                .audience()
                .any(|theirs| self.audience.iter().any(|ours| **ours == *theirs))
        };
        accepted.then_some(()).ok_or(Refusal::Audience)
    }
}

impl Verifier for TokenVerifier {
    fn verify<'a>(&'a self, credential: &'a str) -> Verification<'a> {
        Verification::Ready(self.verify_token(credential))
    }
}

/// A token in its three segments (RFC 7515, section 7.1).
struct Compact<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    signed: &'a str,
}

impl<'a> Compact<'a> {
    fn split(token: &'a str, max_size: usize) -> Result<Self, Refusal> {
        if token.len() > max_size {
            return Err(Refusal::Size);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Segments)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::Segments)?;
        if header.is_empty() || payload.is_empty() || signature.is_empty() || payload.contains('.')
        {
            return Err(Refusal::Segments);
        }
        if header.len() > MAX_HEADER {
            return Err(Refusal::Size);
        }
        Ok(Self {
            header,
            payload,
            signature,
            signed,
        })
    }
}

/// What is read of a header. `jwk`, `jku`, `x5u`, `x5c` and `x5t` are nothing to us: no token
/// brings its own key.
#[derive(Default)]
struct Header<'a> {
    alg: Option<Cow<'a, str>>,
    typ: Option<Cow<'a, str>>,
    kid: Option<Cow<'a, str>>,
    extended: bool,
}

impl<'de> Members<'de> for Header<'de> {
    fn read<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "alg" => self.alg = Some(map.next_value_seed(Text)?),
            "typ" => self.typ = Some(map.next_value_seed(Text)?),
            "kid" => self.kid = Some(map.next_value_seed(Text)?),
            _ => {
                self.extended |= matches!(name, "crit" | "b64");
                map.next_value_seed(Ignored::new())?;
            }
        }
        Ok(())
    }
}

/// `JWT` (RFC 7519, section 5.1) or `at+jwt` (RFC 9068, section 2.1), so that a token made for
/// something else opens no door.
fn is_access_type(typ: &str) -> bool {
    const PREFIX: &str = "application/";
    let name = match typ.split_at_checked(PREFIX.len()) {
        Some((prefix, name)) if prefix.eq_ignore_ascii_case(PREFIX) => name,
        _ => typ,
    };
    name.eq_ignore_ascii_case("JWT") || name.eq_ignore_ascii_case("at+jwt")
}

fn decode<'b, const N: usize>(segment: &str, buffer: &'b mut [u8; N]) -> Result<&'b [u8], Refusal> {
    let length = URL_SAFE_NO_PAD
        .decode_slice(segment, buffer)
        .map_err(|_| Refusal::Base64)?;
    buffer.get(..length).ok_or(Refusal::Base64)
}

const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// Bytes of the longest signature: RSA with 8192 bits.
const MAX_SIGNATURE: usize = 1024;
