//! Keys, key sets and validations of the crate `jsonwebtoken`.
//!
//! They are converted and then checked by the rules of this crate. Nothing here calls code of
//! `jsonwebtoken` that needs one of its backends.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm};
use jsonwebtoken::{AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey, Validation};
use serde_json::json;

use super::jwt_verifier::JwtVerifier;
use super::keys::KeyRing;
use super::keys::{ALL, Algorithm, SigningKey, VerifyingKey};
use crate::error::ConfigError;
use crate::jwt::keys::HmacSecret;

/// Converts to the algorithm of the same name.
///
/// ```
/// use tower_warder::keys::Algorithm;
///
/// assert_eq!(jsonwebtoken::Algorithm::from(Algorithm::EdDSA), jsonwebtoken::Algorithm::EdDSA);
/// ```
impl From<Algorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::HS256 => Self::HS256,
            Algorithm::HS384 => Self::HS384,
            Algorithm::HS512 => Self::HS512,
            Algorithm::ES256 => Self::ES256,
            Algorithm::ES384 => Self::ES384,
            Algorithm::RS256 => Self::RS256,
            Algorithm::RS384 => Self::RS384,
            Algorithm::RS512 => Self::RS512,
            Algorithm::PS256 => Self::PS256,
            Algorithm::PS384 => Self::PS384,
            Algorithm::PS512 => Self::PS512,
            Algorithm::EdDSA => Self::EdDSA,
        }
    }
}

/// Fails with [`ConfigError::InvalidKey`] for an algorithm that a later version of `jsonwebtoken` adds.
///
/// ```
/// use tower_warder::keys::Algorithm;
///
/// assert_eq!(Algorithm::try_from(jsonwebtoken::Algorithm::PS256)?, Algorithm::PS256);
/// # Ok::<(), tower_warder::error::ConfigError>(())
/// ```
impl TryFrom<jsonwebtoken::Algorithm> for Algorithm {
    type Error = ConfigError;

    fn try_from(theirs: jsonwebtoken::Algorithm) -> Result<Self, ConfigError> {
        let mut all = ALL.into_iter();
        all.find(|ours| jsonwebtoken::Algorithm::from(*ours) == theirs)
            .ok_or(ConfigError::InvalidKey(
                "its algorithm is not supported; choose one of `tower_warder::keys::Algorithm`",
            ))
    }
}

impl VerifyingKey {
    /// Converts a key of `jsonwebtoken` 11 and checks it as every other constructor does: a secret as in
    /// [`HmacSecret::new`], a modulus of 2048 to 8192 bits, a point on the curve of `algorithm`. Signatures
    /// are verified by this crate; the installed `CryptoProvider` is not used.
    ///
    /// A `DecodingKey` keeps the bare key only. What `jsonwebtoken` ignored in a PEM file cannot be
    /// checked any more: the label (it takes the key of a certificate) and further blocks. Read files
    /// with [`from_pem`](Self::from_pem) to have that checked as well. The key has no ID; see
    /// [`key_id`](Self::key_id).
    ///
    /// ```
    /// use jsonwebtoken::DecodingKey;
    /// use tower_warder::error::ConfigError;
    /// use tower_warder::keys::{Algorithm, VerifyingKey};
    ///
    /// let key = DecodingKey::from_secret(b"yDW3kcHh1V0mhdDsaWyb29bSGZ3rEo7L");
    /// assert!(VerifyingKey::from_decoding_key(Algorithm::HS256, &key).is_ok());
    ///
    /// let weak = DecodingKey::from_secret(b"secret");
    /// let error = VerifyingKey::from_decoding_key(Algorithm::HS256, &weak).unwrap_err();
    /// assert!(matches!(error, ConfigError::PlaceholderSecret));
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError::KeyTypeMismatch`] if the key is not one for `algorithm`,
    /// [`ConfigError::InvalidKey`] if it is malformed, weak or private,
    /// [`ConfigError::UnsupportedAlgorithm`] if no enabled feature provides the algorithm; for HMAC the
    /// errors of [`HmacSecret::new`] and [`hs512`](Self::hs512).
    #[doc(alias = "jsonwebtoken")]
    pub fn from_decoding_key(algorithm: Algorithm, key: &DecodingKey) -> Result<Self, ConfigError> {
        check_family(algorithm, key.family())?;
        match (key.family(), key.kind()) {
            (AlgorithmFamily::Hmac, DecodingKeyKind::SecretOrDer(secret)) => {
                Ok(from_secret(algorithm, secret)?.verifying_key())
            }
            (_, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
                let jwk = json!({"kty": "RSA", "alg": algorithm.as_str(), "n": n, "e": e});
                Self::from_jwk(jwk.to_string())
            }
            (AlgorithmFamily::Rsa, DecodingKeyKind::SecretOrDer(der)) => {
                Self::from_der(algorithm, der)
            }
            (_, DecodingKeyKind::SecretOrDer(bytes)) => match is_der(bytes) {
                true => Self::from_der(algorithm, bytes),
                false => Self::from_bytes(algorithm, bytes),
            },
        }
    }
}

/// Converts a public JWK of `jsonwebtoken`, with its key ID, as [`VerifyingKey::from_jwk`] reads its text.
///
/// What `jsonwebtoken` drops when it parses the text cannot be checked any more: the members of a
/// private key, and the name of an algorithm that it does not know, `Ed25519` (RFC 9864) among them.
/// Give the text to [`VerifyingKey::from_jwk`] to have that checked as well. Secrets (`"kty":"oct"`) are
/// rejected; convert them with `DecodingKey::from_jwk` and [`VerifyingKey::from_decoding_key`].
///
/// ```
/// use tower_warder::error::ConfigError;
/// use tower_warder::keys::VerifyingKey;
///
/// let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_str(
///     r#"{"kty":"oct","alg":"HS256","k":"eURXM2tjSGgxVjBtaGREc2FXeWIyOWJTR1ozckVvN0w"}"#,
/// )?;
/// let error = VerifyingKey::try_from(&jwk).unwrap_err();
/// assert!(matches!(error, ConfigError::InvalidKey(_)));
/// # Ok::<(), serde_json::Error>(())
/// ```
impl TryFrom<&Jwk> for VerifyingKey {
    type Error = ConfigError;

    fn try_from(jwk: &Jwk) -> Result<Self, ConfigError> {
        Self::from_jwk(json_of(jwk)?)
    }
}

impl SigningKey {
    /// Converts a key of `jsonwebtoken` 11 and checks it as every other constructor does.
    ///
    /// As with [`VerifyingKey::from_decoding_key`], what `jsonwebtoken` ignored in a PEM file cannot be
    /// checked any more.
    ///
    /// ```
    /// use jsonwebtoken::EncodingKey;
    /// use tower_warder::keys::{Algorithm, SigningKey};
    /// use tower_warder::{JwtIssuer, JwtVerifier};
    ///
    /// let key = EncodingKey::from_secret(b"yDW3kcHh1V0mhdDsaWyb29bSGZ3rEo7L");
    /// let key = SigningKey::from_encoding_key(Algorithm::HS256, &key)?;
    /// let token = JwtIssuer::new(key.clone()).issue("7")?;
    /// assert!(JwtVerifier::new(key.verifying_key()).verify_token(&token).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`VerifyingKey::from_decoding_key`].
    #[doc(alias = "jsonwebtoken")]
    pub fn from_encoding_key(algorithm: Algorithm, key: &EncodingKey) -> Result<Self, ConfigError> {
        check_family(algorithm, key.family())?;
        match key.family() {
            AlgorithmFamily::Hmac => from_secret(algorithm, key.as_bytes()),
            AlgorithmFamily::Rsa | AlgorithmFamily::Ec | AlgorithmFamily::Ed => {
                Self::from_der(algorithm, key.as_bytes())
            }
        }
    }
}

/// Converts the signature keys of a set, each as a [`VerifyingKey`] is converted from a `Jwk`, except
/// that an RSA key without `alg` is one for RS256. For a set that changes, use `RemoteJwks`.
///
/// Keys for encryption and of unknown types are ignored (RFC 7517, section 5). Fails if any other key
/// cannot be used, if one has no `kid`, if two have the same `kid`, or if no key is left.
///
/// ```
/// use tower_warder::JwtVerifier;
/// use tower_warder::keys::KeyRing;
///
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(
///     r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026-11","alg":"EdDSA",
///         "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
/// )?;
/// let verifier = JwtVerifier::ring(&KeyRing::try_from(&set)?).issuer("https://login.example");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl TryFrom<&JwkSet> for KeyRing {
    type Error = ConfigError;

    fn try_from(set: &JwkSet) -> Result<Self, ConfigError> {
        let mut keys = Vec::new();
        for jwk in &set.keys {
            if !is_known(jwk) {
                let kid = jwk.common.key_id.as_deref().map(tracing::field::debug);
                tracing::warn!(
                    kid,
                    reason = "its type or algorithm is not supported",
                    "a key of the set cannot be used"
                );
                continue;
            }
            keys.extend(VerifyingKey::from_key_set(
                &json_of(jwk)?,
                Some(Algorithm::RS256),
            )?);
        }
        if keys.is_empty() {
            return Err(ConfigError::InvalidKey(
                "the key set has no key for signatures of a supported algorithm",
            ));
        }
        let ring = Self::new();
        ring.replace_all(None::<SigningKey>, keys)?;
        Ok(ring)
    }
}

impl JwtVerifier {
    /// Accepts tokens of a key of `jsonwebtoken` 11 that satisfy its `Validation`.
    ///
    /// | field | here |
    /// |---|---|
    /// | `algorithms` | exactly one, the key's |
    /// | `leeway` | [`leeway`](Self::leeway): at most 300 seconds. It is 60 seconds by default there: set 0 for keys of your own |
    /// | `iss` | [`issuers`](Self::issuers): the claim is required, as a string |
    /// | `aud` | [`audience`](Self::audience): the claim is required |
    /// | `sub` | the only subject that is accepted |
    /// | `required_spec_claims` | every claim that it names, including those that `jsonwebtoken` ignores, such as `jti` |
    /// | `validate_exp`, `validate_aud` | `true` |
    /// | `validate_nbf` | always checked |
    /// | `reject_tokens_expiring_in_less_than` | 0 |
    ///
    /// The rest is as strict as in every verifier: `exp` and `sub` are required, a `typ` has to be
    /// [accepted](Self::token_types), and `nbf` and `iat` may be 5 seconds further in the future than the
    /// leeway allows. Set a clock or a cache on the verifier. [`subject_claims`](Self::subject_claims)
    /// and [`audience_claim`](Self::audience_claim) replace what is demanded of `sub` and `aud`.
    ///
    /// ```
    /// use jsonwebtoken::{Algorithm, DecodingKey, Validation};
    /// use tower_warder::JwtVerifier;
    /// use tower_warder::error::ConfigError;
    ///
    /// let key = DecodingKey::from_secret(b"yDW3kcHh1V0mhdDsaWyb29bSGZ3rEo7L");
    /// let mut validation = Validation::new(Algorithm::HS256);
    /// validation.set_issuer(&["https://login.example"]);
    /// validation.set_audience(&["orders"]);
    /// let verifier = JwtVerifier::from_validation(&key, &validation)?;
    ///
    /// validation.validate_exp = false;
    /// let error = JwtVerifier::from_validation(&key, &validation).unwrap_err();
    /// assert!(matches!(error, ConfigError::UnsupportedValidation { field: "validate_exp", .. }));
    /// # Ok::<(), ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnsupportedValidation`] names the field that would weaken the verifier or that it
    /// does not support; [`ConfigError::LeewayTooLong`]; and the errors of
    /// [`VerifyingKey::from_decoding_key`].
    #[doc(alias = "jsonwebtoken")]
    pub fn from_validation(
        key: &DecodingKey,
        validation: &Validation,
    ) -> Result<Self, ConfigError> {
        // Without `..`, so that a field of a later version is a compile error and not overlooked.
        let Validation {
            required_spec_claims,
            leeway,
            reject_tokens_expiring_in_less_than,
            validate_exp,
            validate_nbf: _,
            validate_aud,
            aud,
            iss,
            sub,
            algorithms,
        } = validation;
        let algorithm = match algorithms.split_first() {
            Some((first, others)) if others.iter().all(|other| other == first) => *first,
            _ => return Err(ALGORITHMS),
        };
        if !validate_exp {
            return Err(VALIDATE_EXP);
        }
        if !validate_aud {
            return Err(VALIDATE_AUD);
        }
        if *reject_tokens_expiring_in_less_than > 0 {
            return Err(REJECT_EARLIER);
        }
        let accepts_no_audience = match aud {
            Some(names) => names.is_empty(),
            None => required_spec_claims.contains("aud"),
        };
        if accepts_no_audience {
            return Err(AUD);
        }
        if iss.as_ref().is_some_and(|iss| iss.is_empty()) {
            return Err(ISS);
        }

        let key = VerifyingKey::from_decoding_key(algorithm.try_into()?, key)?;
        let mut verifier = Self::new(key).leeway(Duration::from_secs(*leeway))?;
        if let Some(iss) = iss {
            verifier = verifier.issuers(iss.iter().map(String::as_str));
        }
        for aud in aud.iter().flatten() {
            verifier = verifier.audience(aud.as_str());
        }
        if let Some(sub) = sub {
            verifier.rules().only_subject = Some(sub.as_str().into());
        }
        // The others are required already, each with its own reject reason.
        let required = required_spec_claims.iter().filter(|name| match &***name {
            "exp" | "sub" | "aud" => false,
            "iss" => iss.is_none(),
            _ => true,
        });
        for name in required {
            verifier.rules().required.push(name.as_str().into());
        }
        Ok(verifier)
    }
}

const fn unsupported(field: &'static str, remedy: &'static str) -> ConfigError {
    ConfigError::UnsupportedValidation { field, remedy }
}

const ALGORITHMS: ConfigError = unsupported(
    "algorithms",
    "name the one algorithm that the issuer signs with; for several, put a key of each into a \
     `KeyRing`",
);
const VALIDATE_EXP: ConfigError = unsupported(
    "validate_exp",
    "leave it true, and let the issuer write `exp`: a token that never expires stays valid if it is \
     stolen",
);
const VALIDATE_AUD: ConfigError = unsupported(
    "validate_aud",
    "leave it true, and name what the issuer writes in `aud` with `set_audience`",
);
const REJECT_EARLIER: ConfigError = unsupported(
    "reject_tokens_expiring_in_less_than",
    "leave it at 0, and let clients renew their tokens in time",
);
const AUD: ConfigError = unsupported(
    "aud",
    "name at least one audience with `set_audience`, or leave it `None` and do not require the claim",
);
const ISS: ConfigError = unsupported(
    "iss",
    "name at least one issuer with `set_issuer`, or leave it `None`",
);

fn check_family(algorithm: Algorithm, family: AlgorithmFamily) -> Result<(), ConfigError> {
    if jsonwebtoken::Algorithm::from(algorithm).family() != family {
        return Err(ConfigError::KeyTypeMismatch(algorithm.as_str()));
    }
    Ok(())
}

fn from_secret(algorithm: Algorithm, bytes: &[u8]) -> Result<SigningKey, ConfigError> {
    SigningKey::from_secret(algorithm, &HmacSecret::new(bytes)?)
}

/// Returns `true` for DER. A key from PEM or from JWK numbers is the bare point of ECDSA or the 32
/// bytes of Ed25519; `from_ec_der` and `from_ed_der` keep their input.
fn is_der(bytes: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    bytes.first() == Some(&SEQUENCE) && bytes.len() != 32
}

fn json_of(jwk: &Jwk) -> Result<Vec<u8>, ConfigError> {
    serde_json::to_vec(jwk)
        .map_err(|_| ConfigError::InvalidKey("the JWK cannot be written as JSON; read it again"))
}

/// Returns `false` for a key of a type that is not supported, which a set may have (RFC 7517, section 5).
fn is_known(jwk: &Jwk) -> bool {
    match &jwk.algorithm {
        AlgorithmParameters::Other(_) => false,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P521 => false,
        _ => jwk.common.key_algorithm != Some(KeyAlgorithm::UNKNOWN_ALGORITHM),
    }
}
