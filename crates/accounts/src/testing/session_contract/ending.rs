//! Rules about ending sessions.

use super::row::{JANE, PAUL, PLENTY, find, names, open, session};
use crate::testing::store_contract::fixture::{Fixture, MANY};
use crate::{Session, SessionStore};

pub(super) async fn session_is_ended_once_in_its_account<S: SessionStore>(sessions: Fixture<S>) {
    let rule = "a session is ended in the name of its own account, once";
    for (name, user_id) in [("jane", JANE), ("other", JANE), ("paul", PAUL)] {
        open(&sessions, &session(name, user_id), PLENTY).await;
    }
    let jane = session("jane", JANE);
    for (id, user_id) in [(&*jane.id, PAUL), ("nobody", JANE)] {
        let ended = sessions.store().end(id, user_id).await;
        assert!(!ended.expect("none found is no error"), "{rule}");
    }
    assert_eq!(
        find(&sessions, &jane.id).await,
        Some(jane.clone()),
        "{rule}"
    );
    let results = sessions
        .race(MANY, |sessions, _| {
            let id = jane.id.clone();
            async move { sessions.store().end(&id, JANE).await }
        })
        .await;
    let ended = results
        .into_iter()
        .filter(|result| *result.as_ref().expect("a session can be ended by many"));
    assert_eq!(ended.count(), 1, "{rule}");
    assert_eq!(names(&sessions, JANE).await, ["other"], "{rule}");
    assert_eq!(names(&sessions, PAUL).await, ["paul"], "{rule}");
}

/// Opens a session of each generation up to 3.
async fn generations<S: SessionStore>(sessions: &Fixture<S>, name: &str, user_id: i64) {
    // Newest first: a newer one would end the older ones.
    for generation in [3, 2, 1, 0] {
        let session = Session {
            generation,
            ..session(&format!("{name}{generation}"), user_id)
        };
        open(sessions, &session, PLENTY).await;
    }
}

pub(super) async fn sessions_of_lower_generations_are_ended<S: SessionStore>(sessions: Fixture<S>) {
    let rule = "the sessions of an account that are of a lower generation are ended, and no others";
    generations(&sessions, "jane", JANE).await;
    generations(&sessions, "paul", PAUL).await;
    let before = async |user_id, generation, kept| {
        let ended = sessions
            .store()
            .revoke_before(user_id, generation, kept)
            .await;
        ended.expect("the sessions of a lower generation can be ended");
    };
    before(JANE, 2, None).await;
    assert_eq!(names(&sessions, JANE).await, ["jane2", "jane3"], "{rule}");
    before(JANE, 3, Some("nobody")).await;
    assert_eq!(names(&sessions, JANE).await, ["jane3"], "{rule}");
    before(JANE, 3, None).await;
    assert_eq!(names(&sessions, JANE).await, ["jane3"], "{rule}");
    // As for a deleted account.
    before(JANE, i64::MAX.unsigned_abs(), None).await;
    assert_eq!(names(&sessions, JANE).await, [""; 0], "{rule}");
    let all = ["paul0", "paul1", "paul2", "paul3"];
    assert_eq!(names(&sessions, PAUL).await, all, "{rule}");
}

pub(super) async fn kept_session_gets_the_new_generation<S: SessionStore>(sessions: Fixture<S>) {
    let rule = "a session that is kept goes on with the new generation if it is of the one before \
                and of the account";
    generations(&sessions, "jane", JANE).await;
    generations(&sessions, "paul", PAUL).await;
    let id = |name: &str| session(name, JANE).id;
    let before = async |generation, kept: &str| {
        let kept = id(kept);
        let ended = sessions
            .store()
            .revoke_before(JANE, generation, Some(&kept));
        let ended = ended.await;
        ended.expect("all sessions of a lower generation but one can be ended");
    };
    let generation_of = async |name: &str| {
        let found = find(&sessions, &id(name)).await;
        found.map(|session| session.generation)
    };
    before(2, "jane1").await;
    assert_eq!(
        names(&sessions, JANE).await,
        ["jane1", "jane2", "jane3"],
        "{rule}"
    );
    assert_eq!(generation_of("jane1").await, Some(2), "{rule}");
    assert_eq!(generation_of("jane2").await, Some(2), "{rule}");

    before(3, "paul2").await;
    assert_eq!(names(&sessions, JANE).await, ["jane3"], "{rule}");
    assert_eq!(generation_of("paul2").await, Some(2), "{rule}");
    before(3, "jane3").await;
    assert_eq!(generation_of("jane3").await, Some(3), "{rule}");
    // Not of the generation just before: the session had ended.
    before(5, "jane3").await;
    assert_eq!(names(&sessions, JANE).await, [""; 0], "{rule}");
    let all = ["paul0", "paul1", "paul2", "paul3"];
    assert_eq!(names(&sessions, PAUL).await, all, "{rule}");
}
