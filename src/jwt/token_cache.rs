//! Cache of the tokens that one verifier accepted.

use super::claims::Claims;
use super::limits::MAX_CACHED_TOKEN_BYTES;
use crate::util::set_associative::{self, SetAssociativeCache};

/// Accepted tokens and their claims. The verifier checks the times of a hit.
pub(super) struct TokenCache(SetAssociativeCache<Accepted>);

struct Accepted {
    token: Box<str>,
    claims: Claims,
    // Generation of the keys that verified the token.
    generation: u64,
}

impl TokenCache {
    pub(super) fn new(capacity: usize) -> Self {
        Self(SetAssociativeCache::new(capacity))
    }

    /// Returns an empty cache of the same capacity.
    pub(super) fn emptied(&self) -> Self {
        Self::new(self.0.capacity())
    }

    /// Claims of a token that keys of this generation verified. The token is compared byte by byte.
    pub(super) fn get(&self, token: &str, generation: u64) -> Option<Claims> {
        self.0.get(hash(token)?, |accepted| {
            (accepted.generation == generation && *accepted.token == *token)
                .then(|| accepted.claims.clone())
        })
    }

    /// Stores an accepted token. Tokens that expired before `now` are evicted first.
    pub(super) fn put(&self, token: &str, generation: u64, claims: &Claims, now: f64) {
        let Some(hash) = hash(token).filter(|_| token.len() <= MAX_CACHED_TOKEN_BYTES) else {
            return;
        };
        let accepted = Accepted {
            token: token.into(),
            claims: claims.clone(),
            generation,
        };
        self.0.lock(hash).put(
            hash,
            accepted,
            |other| *other.token == *token,
            |other| other.generation != generation || other.claims.has_expired(now),
        );
    }
}

// Tokens are credentials.
impl_debug! { self: TokenCache, capacity = self.0.capacity() }

/// Hashes the end of the signature, which is random enough, without the last character, which has
/// fewer significant bits.
fn hash(token: &str) -> Option<u64> {
    let tail = token.as_bytes().split_last()?.1.last_chunk::<16>()?;
    Some(set_associative::hash(tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u32) -> String {
        let signature = set_associative::hash(&number.to_le_bytes());
        format!("e30.e30.{signature:016x}{:016x}A", signature.rotate_left(7))
    }

    fn claims(expiry: u32) -> Claims {
        Claims::parse(&format!(r#"{{"sub":"7","exp":{expiry}}}"#)).unwrap()
    }

    fn is_cached(cache: &TokenCache, number: u32) -> bool {
        cache.get(&token(number), 0).is_some()
    }

    #[test]
    fn reused_tokens_survive_a_scan_of_single_use_tokens() {
        let cache = TokenCache::new(64);
        for hot in 0..16 {
            cache.put(&token(hot), 0, &claims(9), 1.0);
            assert!(is_cached(&cache, hot));
        }
        for single_use in 100..10_000 {
            cache.put(&token(single_use), 0, &claims(9), 1.0);
        }
        let cached = (0..16).filter(|hot| is_cached(&cache, *hot)).count();
        assert_eq!(cached, 16);
    }

    #[test]
    fn cache_never_exceeds_its_capacity() {
        let cache = TokenCache::new(64);
        for number in 0..10_000 {
            cache.put(&token(number), 0, &claims(9), 1.0);
        }
        let cached = (0..10_000)
            .filter(|number| is_cached(&cache, *number))
            .count();
        assert_eq!(cached, 64);
    }

    #[test]
    fn expired_tokens_and_those_of_old_keys_are_evicted_first() {
        let cache = TokenCache::new(8);
        for number in 0..8 {
            cache.put(
                &token(number),
                0,
                &claims(if number == 3 { 5 } else { 9 }),
                1.0,
            );
            assert!(is_cached(&cache, number));
        }
        cache.put(&token(8), 0, &claims(9), 5.0);
        assert!(!is_cached(&cache, 3));
        assert_eq!(
            (0..9).filter(|number| is_cached(&cache, *number)).count(),
            8
        );

        for number in 20..28 {
            cache.put(&token(number), 1, &claims(9), 1.0);
        }
        assert!((20..28).all(|number| cache.get(&token(number), 1).is_some()));
    }

    #[test]
    fn repeated_token_occupies_one_entry() {
        let cache = TokenCache::new(8);
        for number in 0..7 {
            cache.put(&token(number), 0, &claims(9), 1.0);
        }
        for _ in 0..20 {
            cache.put(&token(7), 0, &claims(9), 1.0);
        }
        assert!((0..8).all(|number| is_cached(&cache, number)));
    }

    #[test]
    fn token_is_cached_up_to_2_kib() {
        let padded = |length: usize| format!("{:a>length$}", token(1));
        let cache = TokenCache::new(8);
        for (length, is_cached) in [(2048, true), (2049, false)] {
            let token = padded(length);
            cache.put(&token, 0, &claims(9), 1.0);
            assert_eq!(cache.get(&token, 0).is_some(), is_cached, "{length}");
        }
    }

    #[test]
    fn long_and_truncated_tokens_are_not_cached() {
        let cache = TokenCache::new(8);
        for token in [
            format!("{}{}", "a".repeat(MAX_CACHED_TOKEN_BYTES), token(1)),
            "a.b.c".to_owned(),
        ] {
            cache.put(&token, 0, &claims(9), 1.0);
            assert!(cache.get(&token, 0).is_none());
        }
    }
}
