//! Rules about renewing tokens.

use super::row::{JANE, PAUL, PLENTY, digest, find, open, rotation, session};
use crate::SessionStore;
use crate::testing::store_contract::fixture::{Fixture, MANY, ROUNDS};

pub(super) async fn rotation_replaces_only_the_expected_token<S: SessionStore>(
    sessions: Fixture<S>,
) {
    let rule = "a rotation renews the token that it expects and no other: the one before is kept as \
                spent, with its successor, and of the rest only the times change";
    let mut jane = session("jane", JANE);
    let paul = session("paul", PAUL);
    open(&sessions, &jane, PLENTY).await;
    open(&sessions, &paul, PLENTY).await;
    for (known, new, renews) in [
        ("other", "blind", false),
        ("jane", "one", true),
        ("jane", "again", false),
        ("One", "careless", false),
        ("one", "two", true),
        ("one", "again", false),
        ("jane", "again", false),
        ("two", "three", true),
    ] {
        let rotation = rotation(new);
        let known = digest(known);
        let rotated = sessions.store().rotate(&jane.id, &known, rotation);
        let rotated = rotated.await.expect("a token can be renewed");
        assert_eq!(rotated, renews, "{rule}");
        if renews {
            jane = jane.rotated(&rotation);
        }
        assert_eq!(
            find(&sessions, &jane.id).await,
            Some(jane.clone()),
            "{rule}"
        );
    }
    let three = digest("three");
    let missing = sessions.store().rotate("nobody", &three, rotation("x"));
    assert!(!missing.await.expect("none found is no error"), "{rule}");
    assert_eq!(find(&sessions, "nobody").await, None, "{rule}");
    assert_eq!(find(&sessions, &paul.id).await, Some(paul), "{rule}");
}

pub(super) async fn concurrent_rotations_renew_once<S: SessionStore>(sessions: Fixture<S>) {
    let rule = "of many that renew one token at the same moment one does, and its successor lives";
    let mut jane = session("jane", JANE);
    open(&sessions, &jane, PLENTY).await;
    for round in 0..ROUNDS {
        let results = sessions
            .race(MANY, |sessions, n| {
                let (id, token) = (jane.id.clone(), jane.token);
                async move {
                    let rotation = rotation(&format!("{round} {n}"));
                    let rotated = sessions.store().rotate(&id, &token, rotation).await;
                    rotated.map(|rotated| rotated.then_some(rotation))
                }
            })
            .await;
        let rotated = results.into_iter().filter_map(|result| {
            result.expect("a token can be renewed by many at the same moment")
        });
        let rotated: Vec<_> = rotated.collect();
        assert_eq!(rotated.len(), 1, "{rule}");
        for rotation in &rotated {
            jane = jane.rotated(rotation);
        }
        assert_eq!(
            find(&sessions, &jane.id).await,
            Some(jane.clone()),
            "{rule}"
        );
    }
}

pub(super) async fn rotation_does_not_restore_an_ended_session<S: SessionStore>(
    sessions: Fixture<S>,
) {
    let rule = "a session that was ended does not come back by a renewal at the same moment";
    for round in 0..ROUNDS {
        let jane = session(&format!("jane{round}"), JANE);
        open(&sessions, &jane, PLENTY).await;
        let results = sessions
            .race(2, |sessions, n| {
                let jane = jane.clone();
                async move {
                    // Either may be first.
                    if n == round % 2 {
                        sessions.store().end(&jane.id, JANE).await.map(drop)
                    } else {
                        let rotated =
                            sessions
                                .store()
                                .rotate(&jane.id, &jane.token, rotation("new"));
                        rotated.await.map(drop)
                    }
                }
            })
            .await;
        for result in results {
            result.expect("a renewal and an end at the same moment are no error");
        }
        assert_eq!(find(&sessions, &jane.id).await, None, "{rule}");
    }
}

pub(super) async fn rotation_writes_nothing_else<S: SessionStore>(sessions: Fixture<S>) {
    let rule = "a renewal and a higher generation at the same moment both stay";
    let mut jane = session("jane", JANE);
    open(&sessions, &jane, PLENTY).await;
    for round in 0..ROUNDS {
        let rotation = rotation(&format!("round {round}"));
        let results = sessions
            .race(2, |sessions, n| {
                let jane = jane.clone();
                async move {
                    // Either may be first.
                    if n == round % 2 {
                        let (generation, kept) = (jane.generation + 1, Some(&*jane.id));
                        let ended = sessions.store().revoke_before(JANE, generation, kept);
                        ended.await.map(|()| true)
                    } else {
                        sessions
                            .store()
                            .rotate(&jane.id, &jane.token, rotation)
                            .await
                    }
                }
            })
            .await;
        for result in results {
            let done = result.expect("a renewal and a generation at the same moment are no error");
            assert!(done, "{rule}");
        }
        jane = jane.rotated(&rotation);
        jane.generation += 1;
        assert_eq!(
            find(&sessions, &jane.id).await,
            Some(jane.clone()),
            "{rule}"
        );
    }
}
