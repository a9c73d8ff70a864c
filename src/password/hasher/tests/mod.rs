mod runs;

use futures_util::future::{join_all, poll_immediate};

use self::runs::Runs;
use super::*;
use crate::password::format::LegacyHash;
use crate::password::memory::Memory;

/// Made by Python's pwdlib 0.3.1 (argon2-cffi 25.1.0):
/// `PasswordHash.recommended().hash("tower-warder test password")`.
const FROM_PWDLIB: &str = "$argon2id$v=19$m=65536,t=3,p=4$peKWB2jW3L9cLLlOTtNslA\
    $AYZS4FaZ0ueMtR+C6CqwtsVysuQRxQtIuGstOQvB5oo";

/// The same for `"pässwörd\0 🔑"`.
const FROM_PWDLIB_NOT_ASCII: &str = "$argon2id$v=19$m=65536,t=3,p=4$svwjJzpTGP1wq5h8cisr+A\
    $rF6XHSwD84u3hnoNND9lONCCSn+XkceDnwdKeQFjl/w";

/// Valid for a stored hash, far too weak for a new one: argon2-cffi 25.1.0, `hash_secret` of
/// `b"weak"` with `time_cost=1, memory_cost=8, parallelism=1, hash_len=16, salt=b"saltsalt"`.
const WEAK: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$oy6NqSLuNaV42JUye37QNw";

/// The fastest hasher with valid parameters.
fn fast() -> PasswordHasher {
    PasswordHasher::new().params(PasswordParams::new(7168, 5, 1).unwrap())
}

#[tokio::test]
async fn defaults_are_those_of_pwdlib() {
    let stored = PasswordHasher::new().hash("password").await.unwrap();
    let parts: Vec<_> = stored.split('$').collect();
    assert_eq!(parts[..4], ["", "argon2id", "v=19", "m=65536,t=3,p=4"]);
    assert_eq!([parts[4].len(), parts[5].len()], [22, 43]);
    assert_eq!(parts.len(), 6);
}

#[tokio::test]
async fn hashes_made_by_pwdlib_match_and_need_no_rehash() {
    let hasher = PasswordHasher::new();
    for (password, stored) in [
        ("tower-warder test password", FROM_PWDLIB),
        ("pässwörd\0 🔑", FROM_PWDLIB_NOT_ASCII),
    ] {
        let verification = hasher.verify(password, stored).await.unwrap();
        assert!(verification.matches);
        assert_eq!(verification.rehash, None);
    }
}

#[tokio::test]
async fn only_the_password_that_was_hashed_matches() {
    let hasher = fast();
    let longest = "x".repeat(4096);
    for (password, wrong) in [
        ("password", "passwore"),
        ("nul\0inside", "nul"),
        ("pässwörd 🔑", "pässwörd 🔒"),
        (" not trimmed ", "not trimmed"),
        ("é", "e\u{301}"),
        ("", "\0"),
        (&longest, &longest[1..]),
    ] {
        let stored = hasher.hash(password).await.unwrap();
        let verification = hasher.verify(password, &stored).await.unwrap();
        assert!(verification.matches);
        assert_eq!(verification.rehash, None);

        let verification = hasher.verify(wrong, &stored).await.unwrap();
        assert!(!verification.matches);
        assert_eq!(verification.rehash, None);
    }
}

#[tokio::test]
async fn each_hash_has_its_own_salt() {
    let hasher = fast();
    let (one, other) = (hasher.hash("same").await, hasher.hash("same").await);
    assert_ne!(one.unwrap(), other.unwrap());
}

#[tokio::test]
async fn overlong_password_is_rejected_before_hashing() {
    let runs = Runs::record();
    let hasher = fast();
    let password = "x".repeat(4097);
    let hashed = hasher.hash(&password).await.err();
    let verified = hasher.verify(&password, FROM_PWDLIB).await.err();
    let unknown = hasher.verify_or_dummy(&password, None).await.err();
    for error in [hashed, verified, unknown] {
        assert_eq!(error, Some(PasswordError::TooLong));
    }
    assert_eq!(runs.take(), []);
}

#[tokio::test]
async fn unreadable_hash_is_rejected_before_hashing() {
    let runs = Runs::record();
    let hasher = fast();
    for stored in [
        "",
        "plain text",
        &FROM_PWDLIB.replace("m=65536", "m=4294967295"),
        &FROM_PWDLIB.replace("t=3", "t=17"),
    ] {
        let rejected = hasher.verify("password", stored).await.err();
        assert_eq!(rejected, Some(PasswordError::UnreadableHash));
    }
    assert_eq!(runs.take(), []);
}

#[tokio::test]
async fn weak_stored_hash_matches_and_is_renewed_once() {
    let hasher = fast();
    let verification = hasher.verify("weak", WEAK).await.unwrap();
    assert!(verification.matches);
    let fresh = verification.rehash.unwrap();
    assert!(fresh.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"));

    let verification = hasher.verify("weak", &fresh).await.unwrap();
    assert!(verification.matches);
    assert_eq!(verification.rehash, None);
}

#[tokio::test]
async fn weak_stored_hash_is_not_renewed_for_a_wrong_password() {
    let verification = fast().verify("wrong", WEAK).await.unwrap();
    assert!(!verification.matches);
    assert_eq!(verification.rehash, None);
}

#[tokio::test]
async fn stored_hash_that_needs_more_memory_matches_and_is_renewed() {
    let runs = Runs::record();
    let hasher = fast().max_concurrency(1);
    let password = "tower-warder test password";
    let verification = hasher.verify(password, FROM_PWDLIB).await.unwrap();
    assert!(verification.matches);
    assert_eq!(runs.take(), [(65536, 3, 4), (7168, 5, 1)]);

    let fresh = verification.rehash.unwrap();
    assert!(hasher.verify(password, &fresh).await.unwrap().matches);
}

#[tokio::test]
async fn every_stored_parameter_that_differs_asks_for_a_rehash() {
    let live = PasswordParams::new(7168, 5, 1).unwrap().cost();
    let salt = "c2FsdHNhbHRzYWx0c2FsdA";
    let tag = "AYZS4FaZ0ueMtR+C6CqwtsVysuQRxQtIuGstOQvB5oo";
    for (params, salt, tag, outdated) in [
        ("m=7168,t=5,p=1", salt, tag, false),
        ("m=7169,t=5,p=1", salt, tag, true),
        ("m=7168,t=6,p=1", salt, tag, true),
        ("m=7168,t=5,p=2", salt, tag, true),
        ("m=7168,t=5,p=1", "c2FsdHNhbHQ", tag, true),
        ("m=7168,t=5,p=1", salt, salt, true),
    ] {
        let stored = format!("$argon2id$v=19${params}${salt}${tag}");
        let parsed = StoredHash::parse(&stored).unwrap();
        assert_eq!(parsed.is_outdated(live), outdated, "{stored}");
    }
}

#[tokio::test]
async fn unknown_user_costs_the_same_hasher_call_as_a_wrong_password() {
    let runs = Runs::record();
    let hasher = fast();
    let stored = hasher.hash("password").await.unwrap();
    runs.take();

    let known = hasher.verify_or_dummy("wrong", Some(&stored)).await;
    let for_known = runs.take();
    let unknown = hasher.verify_or_dummy("wrong", None).await;
    let for_unknown = runs.take();

    assert_eq!(for_known, [(7168, 5, 1)]);
    assert_eq!(for_unknown, for_known);
    assert!(!known.unwrap().matches);
    let unknown = unknown.unwrap();
    assert!(!unknown.matches);
    assert_eq!(unknown.rehash, None);
}

#[tokio::test]
async fn weaker_stored_hash_costs_as_much_as_an_unknown_user() {
    let runs = Runs::record();
    let hasher = fast().max_concurrency(1);
    let work = |runs: &[(u64, u64, u64)]| -> u64 { runs.iter().map(|(m, t, _)| m * t).sum() };
    let _ = hasher.verify_or_dummy("wrong", None).await.unwrap();
    let unknown = work(&runs.take());
    for (params, count) in [
        ("m=8,t=1,p=1", 2),
        ("m=4096,t=3,p=1", 2),
        ("m=7168,t=4,p=2", 2),
        ("m=19456,t=1,p=4", 2),
        ("m=7168,t=5,p=1", 1),
        // A difference of less than the smallest hash.
        ("m=7161,t=5,p=1", 1),
    ] {
        let stored = WEAK.replace("m=8,t=1,p=1", params);
        let known = hasher
            .verify_or_dummy("wrong", Some(&stored))
            .await
            .unwrap();
        assert!(!known.matches);
        let runs = runs.take();
        assert_eq!(runs.len(), count, "{params}: {runs:?}");
        assert!(unknown - work(&runs) < 40, "{params}: {runs:?}");
    }
}

#[tokio::test]
async fn second_hash_is_skipped_without_a_difference() {
    let runs = Runs::record();
    let hasher = fast().max_concurrency(1);
    let stronger = WEAK.replace("m=8,t=1,p=1", "m=9216,t=5,p=1");
    let _ = hasher
        .verify_or_dummy("wrong", Some(&stronger))
        .await
        .unwrap();
    assert_eq!(runs.take(), [(9216, 5, 1)]);
    // `verify` hides no user, as for a change of the password.
    let _ = hasher.verify("wrong", WEAK).await.unwrap();
    assert_eq!(runs.take(), [(8, 1, 1)]);
    // The new hash of a correct password.
    let _ = hasher.verify_or_dummy("weak", Some(WEAK)).await.unwrap();
    assert_eq!(runs.take(), [(8, 1, 1), (7168, 5, 1)]);
}

#[tokio::test]
async fn unreadable_hash_of_a_known_user_costs_the_same_hasher_call() {
    let runs = Runs::record();
    let stored = FROM_PWDLIB.replace("argon2id", "argon2i");
    let rejected = fast().verify_or_dummy("wrong", Some(&stored)).await;
    assert_eq!(rejected.err(), Some(PasswordError::UnreadableHash));
    assert_eq!(runs.take(), [(7168, 5, 1)]);
}

#[tokio::test]
async fn known_user_with_the_right_password_matches() {
    let hasher = fast();
    let stored = hasher.hash("password").await.unwrap();
    let verification = hasher.verify_or_dummy("password", Some(&stored)).await;
    assert!(verification.unwrap().matches);
}

/// A format of one word, with the memory that the verification asks for.
struct Word {
    memory_kib: u32,
}

impl PasswordFormat for Word {
    fn parse(&self, stored: &str) -> Result<Option<LegacyHash>, &'static str> {
        let Some(word) = stored.strip_prefix("word:") else {
            return Ok(None);
        };
        if word.is_empty() {
            return Err("no word");
        }
        let word = word.to_owned();
        let hash = LegacyHash::new(move |password| password == word);
        Ok(Some(hash.memory_kib(self.memory_kib)))
    }
}

#[tokio::test]
async fn legacy_hash_matches_and_is_renewed() {
    for memory_kib in [0, 64, 8000] {
        let hasher = fast().legacy_format(Word { memory_kib });
        let verification = hasher.verify("tree", "word:tree").await.unwrap();
        assert!(verification.matches);
        let fresh = verification.rehash.unwrap();
        assert!(fresh.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"));
        assert!(hasher.verify("tree", &fresh).await.unwrap().matches);

        let verification = hasher.verify("stone", "word:tree").await.unwrap();
        assert!(!verification.matches);
        assert_eq!(verification.rehash, None);
    }
}

#[tokio::test]
async fn legacy_formats_outlive_the_other_settings() {
    let hasher = PasswordHasher::new()
        .legacy_format(Word { memory_kib: 0 })
        .params(PasswordParams::new(7168, 5, 1).unwrap())
        .max_concurrency(1)
        .max_queue(1);
    assert!(hasher.verify("tree", "word:tree").await.unwrap().matches);
}

#[tokio::test]
async fn legacy_hash_is_unreadable_without_its_format() {
    let rejected = fast().verify("tree", "word:tree").await.err();
    assert_eq!(rejected, Some(PasswordError::UnreadableHash));
    for memory_kib in [1024 * 1024 + 1, u32::MAX] {
        let hasher = fast().legacy_format(Word { memory_kib });
        let rejected = hasher.verify("tree", "word:tree").await.err();
        assert_eq!(rejected, Some(PasswordError::UnreadableHash));
    }
    // Longer than a format is asked for.
    let hasher = fast().legacy_format(Word { memory_kib: 0 });
    let long = "x".repeat(508);
    let rejected = hasher.verify(&long, &format!("word:{long}")).await.err();
    assert_eq!(rejected, Some(PasswordError::UnreadableHash));
}

#[tokio::test]
async fn status_of_a_stored_hash_is_known_without_verifying() {
    let runs = Runs::record();
    let hasher = fast().legacy_format(Word { memory_kib: 0 });
    let current = WEAK.replace("m=8,t=1,p=1", "m=7168,t=5,p=1");
    for (stored, expected) in [
        (FROM_PWDLIB, HashStatus::Outdated),
        (
            &current.replace("c2FsdHNhbHQ", "c2FsdHNhbHRzYWx0c2FsdA"),
            HashStatus::Outdated,
        ),
        ("word:tree", HashStatus::Outdated),
        ("word:", HashStatus::Unreadable("no word")),
        (
            "words",
            HashStatus::Unreadable("neither argon2id version 19 nor of a configured format"),
        ),
        (
            "",
            HashStatus::Unreadable("neither argon2id version 19 nor of a configured format"),
        ),
    ] {
        assert_eq!(hasher.hash_status(stored), expected, "{stored}");
    }
    assert_eq!(
        PasswordHasher::new().hash_status(FROM_PWDLIB),
        HashStatus::Current
    );
    assert_eq!(runs.take(), []);
}

#[tokio::test]
async fn faster_legacy_hash_takes_the_time_of_an_unknown_user() {
    let runs = Runs::record();
    let hasher = fast()
        .max_concurrency(1)
        .legacy_format(Word { memory_kib: 0 });
    // Before the first measurement, and after it.
    for minimum in [7168, 7168 * 9 / 10] {
        let known = hasher.verify_or_dummy("stone", Some("word:tree")).await;
        assert!(!known.unwrap().matches);
        let &[(memory, 5, 1)] = &runs.take()[..] else {
            panic!("not one run of Argon2");
        };
        assert!((minimum..=7168).contains(&memory), "{memory}");
        let _ = hasher.verify_or_dummy("stone", None).await.unwrap();
        runs.take();
    }
    // `verify` hides no user.
    let _ = hasher.verify("stone", "word:tree").await.unwrap();
    assert_eq!(runs.take(), []);
}

#[tokio::test]
async fn slower_legacy_hash_takes_no_further_time() {
    struct Slow;

    impl PasswordFormat for Slow {
        fn parse(&self, _: &str) -> Result<Option<LegacyHash>, &'static str> {
            // Of the cost of new hashes five times.
            let slow = |_: &str| {
                let cost = PasswordParams::new(7168, 5, 1).unwrap().cost();
                let mut memory = Memory::new(cost.blocks());
                let hash = StoredHash::dummy(cost);
                (0..5).any(|_| hash.matches("", &mut memory).unwrap())
            };
            Ok(Some(LegacyHash::new(slow)))
        }
    }

    let runs = Runs::record();
    let hasher = fast().max_concurrency(1).legacy_format(Slow);
    let _ = hasher.verify_or_dummy("stone", None).await.unwrap();
    assert_eq!(runs.take().len(), 1);
    let known = hasher.verify_or_dummy("stone", Some("slow")).await;
    assert!(!known.unwrap().matches);
    assert_eq!(runs.take().len(), 5);
}

#[tokio::test]
async fn legacy_hashes_that_need_more_memory_run_one_at_a_time() {
    let hasher = fast().max_concurrency(3).max_queue(0);
    let hasher = hasher.legacy_format(Word { memory_kib: 8000 });
    let stored = hasher.hash("password").await.unwrap();
    let mut running = Box::pin(hasher.verify("tree", "word:tree"));
    assert!(poll_immediate(running.as_mut()).await.is_none());
    let busy = hasher.verify("tree", "word:tree").await;
    assert_eq!(busy.err(), Some(PasswordError::Busy));
    assert!(hasher.verify("password", &stored).await.unwrap().matches);
    assert!(running.await.unwrap().matches);
}

#[tokio::test]
async fn legacy_hashes_that_need_more_memory_leave_none_behind() {
    let hasher = fast().max_concurrency(2);
    let hasher = hasher.legacy_format(Word { memory_kib: 8000 });
    for _ in 0..3 {
        for password in ["tree", "stone"] {
            let verified = hasher.verify_or_dummy(password, Some("word:tree"));
            assert_eq!(verified.await.unwrap().matches, password == "tree");
        }
    }
    // One of these runs after the memory of the last one was given back.
    join_all([hasher.hash("password"), hasher.hash("password")]).await;
    assert!(hasher.workers.idle_pieces() <= 2);
}

#[tokio::test]
async fn full_queue_is_busy_and_a_cancelled_hash_frees_its_permit() {
    let hasher = fast().max_concurrency(1).max_queue(1);
    let mut cancelled = Box::pin(hasher.hash("password"));
    assert!(poll_immediate(cancelled.as_mut()).await.is_none());
    let mut waiting = Box::pin(hasher.hash("password"));
    assert!(poll_immediate(waiting.as_mut()).await.is_none());
    let busy = hasher.verify_or_dummy("password", None).await;
    assert_eq!(busy.err(), Some(PasswordError::Busy));

    drop(cancelled);
    assert!(waiting.await.is_ok());
}

#[tokio::test]
async fn concurrent_verifications_are_correct() {
    let hasher = fast().max_concurrency(4);
    let stored = hasher.hash("password").await.unwrap();
    let verifications = join_all((0..32).map(|i| {
        let (hasher, stored) = (hasher.clone(), stored.as_str());
        async move {
            let password = if i % 3 == 0 { "wrong" } else { "password" };
            hasher.verify(password, stored).await.unwrap().matches
        }
    }))
    .await;
    for (i, matches) in verifications.into_iter().enumerate() {
        assert_eq!(matches, i % 3 != 0);
    }
    assert!(hasher.workers.idle_pieces() <= 4);
}

#[tokio::test]
async fn debug_shows_no_hash() {
    let hasher = fast().max_concurrency(2).max_queue(3);
    assert_eq!(
        format!("{hasher:?}"),
        "PasswordHasher { params: PasswordParams(Cost { memory_kib: 7168, iterations: 5, \
         lanes: 1 }), permits: 2, queue: 3, .. }"
    );
    let verification = hasher.verify("weak", WEAK).await.unwrap();
    assert!(verification.rehash.is_some());
    assert!(!format!("{verification:?} {verification:#?}").contains('$'));
}

#[test]
fn there_is_always_at_least_one_permit() {
    assert!((1..=8).contains(&PasswordHasher::new().workers.permits()));
    assert_eq!(fast().max_concurrency(0).workers.permits(), 1);
}
