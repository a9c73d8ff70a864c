//! Keys in PEM (RFC 7468): one block, whose label says what is in it.

use pkcs8::der::pem::Decoder;
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::token::key::algorithm::Algorithm;

use super::key::{PrivateKey, PublicKey};

impl PublicKey {
    pub(in crate::token::key) fn from_pem(
        algorithm: Algorithm,
        pem: &[u8],
    ) -> Result<Self, ConfigError> {
        let block = Block::parse(pem)?;
        let key = match block.label {
            "PUBLIC KEY" => Self::from_spki(&block.der),
            "RSA PUBLIC KEY" => Self::from_pkcs1(&block.der),
            "CERTIFICATE" => Err(ConfigError::InvalidKey(
                "take the key out of the certificate: `openssl x509 -pubkey -noout`",
            )),
            label if label.ends_with("PRIVATE KEY") => Err(ConfigError::InvalidKey(
                "the PEM holds a private key; give the public one: `openssl pkey -pubout`",
            )),
            _ => Err(ConfigError::InvalidKey(
                "the PEM block is to be a PUBLIC KEY, or an RSA PUBLIC KEY",
            )),
        };
        key?.for_algorithm(algorithm)
    }
}

impl PrivateKey {
    pub(in crate::token::key) fn from_pem(
        algorithm: Algorithm,
        pem: &[u8],
    ) -> Result<Self, ConfigError> {
        let block = Block::parse(pem)?;
        let key = match block.label {
            "PRIVATE KEY" => Self::from_pkcs8(&block.der),
            "RSA PRIVATE KEY" => Self::from_pkcs1_private(&block.der),
            "EC PRIVATE KEY" => Self::from_sec1(algorithm, &block.der),
            "ENCRYPTED PRIVATE KEY" => Err(ConfigError::InvalidKey(
                "the private key is encrypted; decrypt it first: `openssl pkey`",
            )),
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
        if pem.windows(BEGIN.len()).filter(|&at| at == BEGIN).count() > 1 {
            return Err(ConfigError::InvalidKey(
                "the PEM has more than one block; leave only the one of the key",
            ));
        }
        let malformed = |_| ConfigError::InvalidKey("give the key as one well-formed PEM block");
        // Blank lines around the block come with environment variables and here-documents.
        let mut decoder = Decoder::new(pem.trim_ascii()).map_err(malformed)?;
        let mut der = Zeroizing::new(Vec::with_capacity(decoder.remaining_len()));
        decoder.decode_to_end(&mut der).map_err(malformed)?;
        Ok(Self {
            label: decoder.type_label(),
            der,
        })
    }
}

const BEGIN: &[u8] = b"-----BEGIN ";
