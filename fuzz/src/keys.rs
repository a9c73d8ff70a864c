//! Keys in PEM, in DER and as raw bytes. The first byte of an input chooses the algorithm.

use tower_warder::keys::{Algorithm, SigningKey, VerifyingKey};

use crate::jwk::{check_private, check_public};

pub(crate) fn run(input: &[u8]) {
    let Some((first, bytes)) = input.split_first() else {
        return;
    };
    let algorithm = ALGORITHMS[usize::from(*first) % ALGORITHMS.len()];
    let public = [
        VerifyingKey::from_pem(algorithm, bytes),
        VerifyingKey::from_der(algorithm, bytes),
        VerifyingKey::from_bytes(algorithm, bytes),
    ];
    public.iter().flatten().for_each(check_public);
    let private = [
        SigningKey::from_pem(algorithm, bytes),
        SigningKey::from_der(algorithm, bytes),
    ];
    private.into_iter().flatten().for_each(check_private);
}

const ALGORITHMS: [Algorithm; 12] = [
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::HS256,
    Algorithm::HS384,
    Algorithm::HS512,
];
