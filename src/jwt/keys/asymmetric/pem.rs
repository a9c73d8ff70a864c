//! Keys in PEM (RFC 7468): one block, whose label names the format. An `EC PARAMETERS` block may
//! precede a private EC key.

use pkcs8::der::pem::Decoder;
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::jwt::keys::algorithm::{Algorithm, Curve};

use super::der::named_curve;
use super::key::{PrivateKey, PublicKey};

impl PublicKey {
    pub(in crate::jwt::keys) fn from_pem(
        algorithm: Algorithm,
        pem: &[u8],
    ) -> Result<Self, ConfigError> {
        let block = Block::parse(pem)?;
        let key = match block.label {
            "PUBLIC KEY" => Self::from_spki(&block.der),
            "RSA PUBLIC KEY" => Self::from_pkcs1(&block.der),
            "CERTIFICATE" => Err(ConfigError::InvalidKey(
                "extract the public key from the certificate: `openssl x509 -pubkey -noout`",
            )),
            label if label.ends_with("PRIVATE KEY") => Err(ConfigError::InvalidKey(
                "the PEM holds a private key; give the public key: `openssl pkey -pubout`",
            )),
            _ => Err(ConfigError::InvalidKey(
                "the PEM block must be a PUBLIC KEY or an RSA PUBLIC KEY",
            )),
        };
        key?.for_algorithm(algorithm)
    }
}

impl PrivateKey {
    pub(in crate::jwt::keys) fn from_pem(
        algorithm: Algorithm,
        pem: &[u8],
    ) -> Result<Self, ConfigError> {
        let (curve, pem) = split_parameters(pem)?;
        let block = Block::parse(pem)?;
        let key = match block.label {
            "PRIVATE KEY" => Self::from_pkcs8(algorithm, &block.der),
            "RSA PRIVATE KEY" => Self::from_pkcs1_private(&block.der),
            "EC PRIVATE KEY" => Self::from_sec1(algorithm, curve, &block.der, None),
            "ENCRYPTED PRIVATE KEY" => Err(ConfigError::InvalidKey(ENCRYPTED)),
            _ => Err(ConfigError::InvalidKey(
                "the PEM block is to be a PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY",
            )),
        };
        key?.for_algorithm(algorithm)
    }
}

struct Block<'a> {
    label: &'a str,
    der: Zeroizing<Vec<u8>>,
}

impl<'a> Block<'a> {
    fn parse(pem: &'a [u8]) -> Result<Self, ConfigError> {
        let pem = trim(pem);
        // Before the blocks are counted: escaped line breaks are the cause, however many there are.
        if contains(pem, ESCAPED) {
            return Err(ConfigError::InvalidKey(
                "the PEM has a backslash and an `n` (`\\n`) where its line breaks should be; \
                 replace them with line breaks before it is read, in a shell with `printf %b`",
            ));
        }
        if pem.windows(BEGIN.len()).filter(|&at| at == BEGIN).count() > 1 {
            return Err(ConfigError::InvalidKey(
                "the PEM has more than one block; keep only the block of the key",
            ));
        }
        Self::decode(pem).ok_or_else(|| ConfigError::InvalidKey(why_malformed(pem)))
    }

    /// Accepts any uniform line length: some tools do not wrap at 64 characters.
    fn decode(pem: &'a [u8]) -> Option<Self> {
        let mut decoder = Decoder::new_detect_wrap(pem).ok()?;
        let mut der = Zeroizing::new(Vec::with_capacity(decoder.remaining_len()));
        decoder.decode_to_end(&mut der).ok()?;
        Some(Self {
            label: decoder.type_label(),
            der,
        })
    }
}

/// Splits off the curve before a private key, which `openssl ecparam -genkey` writes.
fn split_parameters(pem: &[u8]) -> Result<(Option<Curve>, &[u8]), ConfigError> {
    let pem = trim(pem);
    let end = || {
        pem.windows(PARAMETERS_END.len())
            .position(|at| at == PARAMETERS_END)
    };
    let split = match pem.starts_with(PARAMETERS) {
        true => end().and_then(|end| pem.split_at_checked(end + PARAMETERS_END.len())),
        false => None,
    };
    match split {
        Some((parameters, rest)) if rest.trim_ascii_start().starts_with(EC_PRIVATE_KEY) => {
            let block = Block::parse(parameters)?;
            Ok((Some(named_curve(&block.der)?), rest))
        }
        _ => Ok((None, pem)),
    }
}

/// Removes blank lines and a byte order mark around a block, as environment variables,
/// here-documents and editors add them.
fn trim(pem: &[u8]) -> &[u8] {
    pem.strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(pem)
        .trim_ascii()
}

fn why_malformed(pem: &[u8]) -> &'static str {
    if pem.contains(&0) {
        "the PEM is not ASCII, perhaps UTF-16; save it again as UTF-8"
    } else if !contains(pem, BEGIN) {
        "there is no `-----BEGIN …-----` in it; give the PEM itself, neither its path nor base64 of it"
    } else if !pem.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        "the PEM is all on one line; keep its line breaks: in a shell, put the variable in quotes"
    } else if contains(pem, b"Proc-Type:") {
        ENCRYPTED
    } else {
        "give the key as one well-formed PEM block: the lines `-----BEGIN …-----` and \
         `-----END …-----`, and between them base64, without blanks"
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|at| at == part)
}

const BEGIN: &[u8] = b"-----BEGIN ";
/// A backslash after a boundary: an escaped line break of any spelling.
const ESCAPED: &[u8] = b"-----\\";
const PARAMETERS: &[u8] = b"-----BEGIN EC PARAMETERS-----";
const PARAMETERS_END: &[u8] = b"-----END EC PARAMETERS-----";
const EC_PRIVATE_KEY: &[u8] = b"-----BEGIN EC PRIVATE KEY-----";
const ENCRYPTED: &str = "the private key is encrypted; decrypt it first: `openssl pkey`";
