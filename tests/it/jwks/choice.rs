//! Selection of the published key for a token: every set of up to three keys, compared with a
//! second implementation of the rule.

use std::collections::HashMap;

use serde_json::json;

use super::documents::{builder, fetch, public, with};
use super::*;

/// Key ids of the four keys of each algorithm: two have none.
const KEY_IDS: [Option<&str>; 4] = [None, None, Some("a"), Some("b")];
const ALGORITHMS: [Algorithm; 3] = [Algorithm::ES256, Algorithm::RS256, Algorithm::PS256];

/// Index of a key's id and index of its algorithm.
type Which = (usize, usize);

#[tokio::test(start_paused = true)]
async fn key_is_selected_by_id_and_algorithm_in_every_set() {
    let keys = keys();
    let tokens = tokens(&keys);
    let all: Vec<Which> = (0..4)
        .flat_map(|id| (0..3).map(move |alg| (id, alg)))
        .collect();
    let mut accepted = 0;
    for (first, one) in all.iter().enumerate() {
        for (second, two) in all.iter().enumerate().skip(first) {
            for three in &all[second..] {
                let mut set = vec![*one, *two, *three];
                set.dedup();
                let jwks: Vec<_> = set
                    .iter()
                    .map(|which| public(keys[which].clone()))
                    .collect();
                let fetched = fetch(&json!({ "keys": jwks })).await.unwrap();
                let verifier = verifier(&fetched);
                for (asked, signer, token) in &tokens {
                    let expected = match chosen(&set, *asked, signer.1) == Some(*signer) {
                        true => Outcome::Accepted,
                        false => Outcome::Rejected,
                    };
                    // The second time with the header in the cache.
                    for _ in 0..2 {
                        let outcome = outcome_now(&verifier, token);
                        assert_eq!(outcome, Some(expected), "{set:?} {asked:?} {signer:?}");
                    }
                    accepted += usize::from(expected == Outcome::Accepted);
                }
            }
        }
    }
    assert!(accepted > 1000, "{accepted}");
}

/// Second implementation of the selection rule.
fn chosen(set: &[Which], asked: Option<&str>, algorithm: usize) -> Option<Which> {
    let of_algorithm = |which: &&Which| which.1 == algorithm;
    let has_id = |which: &&Which, id| KEY_IDS[which.0] == id;
    let candidates: Vec<_> = match asked {
        None => set.iter().filter(of_algorithm).collect(),
        Some(_) if set.iter().any(|which| has_id(&which, asked)) => {
            let named = set.iter().filter(|which| has_id(which, asked));
            named.filter(of_algorithm).collect()
        }
        Some(_) => {
            let nameless = set.iter().filter(|which| has_id(which, None));
            nameless.filter(of_algorithm).collect()
        }
    };
    match candidates[..] {
        [only] => Some(*only),
        _ => None,
    }
}

fn keys() -> HashMap<Which, SigningKey> {
    let mut keys = HashMap::new();
    for (id, key_id) in KEY_IDS.into_iter().enumerate() {
        // One key pair for both RSA algorithms, as during a migration from one to the other.
        let rsa = new_rsa();
        for (number, algorithm) in ALGORITHMS.into_iter().enumerate() {
            let key = match algorithm {
                Algorithm::ES256 => SigningKey::generate(algorithm),
                _ => SigningKey::from_der(algorithm, &rsa),
            };
            let key = key.unwrap();
            let key = match key_id {
                Some(key_id) => key.key_id(key_id),
                None => key,
            };
            keys.insert((id, number), key);
        }
    }
    keys
}

/// Tokens signed by each key, with each key id and with none.
fn tokens(keys: &HashMap<Which, SigningKey>) -> Vec<(Option<&'static str>, Which, String)> {
    let mut tokens = Vec::new();
    for (which, key) in keys {
        for asked in [Some("a"), Some("b"), Some("c")] {
            let signed = token(key.clone().key_id(asked.unwrap()));
            tokens.push((asked, *which, signed));
        }
        if KEY_IDS[which.0].is_none() {
            tokens.push((None, *which, token(key.clone())));
        }
    }
    tokens
}

#[tokio::test(start_paused = true)]
async fn rejection_reason_names_key_id_or_algorithm() {
    let ed = public(key("a"));
    let es = public(p256().key_id("a"));
    let other = public(key("b"));
    for (set, token, reason) in [
        (json!([ed, other]), token(unnamed()), "no_key_id"),
        (json!([ed, other]), token(p256()), "algorithm"),
        (json!([ed, es]), token(unnamed()), "none"),
        (json!([ed, es]), token(p256()), "none"),
        (json!([ed, es]), token(new_key().key_id("a")), "signature"),
        (json!([ed, other]), token(p256().key_id("a")), "algorithm"),
        (json!([ed, es]), named("c"), "unknown_key"),
        (json!([ed]), named("c"), "unknown_key"),
    ] {
        let keys = fetch(&json!({ "keys": set })).await.unwrap();
        let error = verifier(&keys).verify_token(&token).err();
        let told = error.as_ref().map_or("none", AuthError::reason);
        assert_eq!(told, reason, "{set}");
    }
}

#[tokio::test(start_paused = true)]
async fn token_without_key_id_triggers_no_fetch() {
    let server = Server::publishing(["a", "b"]);
    let keys = RemoteJwks::from_url(URL)
        .client(server.clone())
        .await
        .unwrap();
    pass(Duration::from_secs(31)).await;
    for token in [token(unnamed()), token(p256())] {
        assert_eq!(
            outcome_now(&verifier(&keys), &token),
            Some(Outcome::Rejected)
        );
    }
    settle().await;
    assert_eq!(server.fetches(), 1);
}

/// The header cache belongs to one key set.
#[tokio::test(start_paused = true)]
async fn cached_header_is_resolved_again_after_set_change() {
    let (old, new) = (new_key(), new_key());
    let set = |keys: &[&SigningKey]| {
        let keys: Vec<_> = keys.iter().map(|key| public((*key).clone())).collect();
        json!({ "keys": keys }).to_string()
    };
    let es = p256().key_id("a");
    let server = Server::saying(&set(&[&es, &old]));
    let keys = RemoteJwks::from_url(URL)
        .client(server.clone())
        .await
        .unwrap();
    let verifier = verifier(&keys);
    let [of_old, of_new] = [&old, &new].map(|key| token(key.clone()));
    for _ in 0..2 {
        assert_eq!(outcome_now(&verifier, &of_old), Some(Outcome::Accepted));
        assert_eq!(outcome_now(&verifier, &of_new), Some(Outcome::Rejected));
    }
    // The same id at another position, with another key.
    server.say(&set(&[&new, &es]));
    pass(Duration::from_secs(300)).await;
    for _ in 0..2 {
        assert_eq!(outcome_now(&verifier, &of_new), Some(Outcome::Accepted));
        assert_eq!(outcome_now(&verifier, &of_old), Some(Outcome::Rejected));
    }
    // Two keys match, so the choice is ambiguous.
    server.say(&set(&[&new, &es, &old]));
    pass(Duration::from_secs(300)).await;
    for token in [&of_new, &of_old] {
        assert_eq!(outcome_now(&verifier, token), Some(Outcome::Rejected));
    }
}

#[tokio::test(start_paused = true)]
async fn token_algorithm_is_never_assigned_to_a_key() {
    // A key without `alg` beside a key of the same id with `alg`.
    let rsa = new_rsa();
    let key = |algorithm| SigningKey::from_der(algorithm, &rsa).unwrap().key_id("a");
    let silent = {
        let mut silent = public(key(Algorithm::RS256));
        silent.as_object_mut().unwrap().remove("alg");
        silent
    };
    let es = public(p256().key_id("a"));
    for (set, accepted) in [
        (json!([silent]), &[Algorithm::RS256][..]),
        (json!([silent, es]), &[Algorithm::RS256]),
        (
            json!([silent, public(key(Algorithm::PS512))]),
            &[Algorithm::RS256, Algorithm::PS512],
        ),
    ] {
        let document = json!({ "keys": set }).to_string();
        let verifier = verifier(&builder(&document).await.unwrap());
        for algorithm in [
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ] {
            let outcome = outcome_of(&verifier, &token(key(algorithm))).await;
            let is_accepted = accepted.contains(&algorithm);
            assert_eq!(
                outcome == Outcome::Accepted,
                is_accepted,
                "{set} {algorithm}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn published_alg_ed25519_means_eddsa() {
    let jwk = with(public(key("a")), "alg", json!("Ed25519"));
    // The same key twice, with both names of its algorithm.
    let set = json!({ "keys": [jwk, public(key("a"))] }).to_string();
    let keys = builder(&set).algorithm(Algorithm::EdDSA).await.unwrap();
    assert_eq!(
        outcome_of(&verifier(&keys), &named("a")).await,
        Outcome::Accepted
    );
}

fn unnamed() -> SigningKey {
    SigningKey::from_pem(Algorithm::EdDSA, ED25519).unwrap()
}

fn new_key() -> SigningKey {
    SigningKey::generate(Algorithm::EdDSA).unwrap()
}

fn p256() -> SigningKey {
    SigningKey::from_pem(Algorithm::ES256, P256).unwrap()
}
