//! Rules about opening sessions.

use super::row::{JANE, PAUL, PLENTY, digest, find, list, names, open, session};
use crate::testing::store_contract::fixture::{Fixture, MANY, moment};
use crate::{PreviousToken, Session, SessionStore};

pub(super) async fn session_is_stored_as_opened<S: SessionStore>(sessions: Fixture<S>) {
    let rule = "a session is kept as it was opened, to the microsecond";
    assert_eq!(
        find(&sessions, "nobody").await,
        None,
        "an unknown session is not found"
    );
    assert_eq!(
        list(&sessions, JANE).await,
        [],
        "an unknown session is not found"
    );
    let plain = session("plain", JANE);
    let full = Session {
        generation: 3,
        device: "'; DROP TABLE sessions; -- \u{1f5fc} \\ \" %".to_owned(),
        last_used_at: moment(5),
        previous: Some(PreviousToken {
            digest: digest("spent"),
            successor: [0; 32],
        }),
        ..session("full", PAUL)
    };
    let unnamed = Session {
        device: String::new(),
        ..session("unnamed", JANE)
    };
    for opened in [&full, &plain, &unnamed] {
        open(&sessions, opened, PLENTY).await;
        assert_eq!(
            find(&sessions, &opened.id).await.as_ref(),
            Some(opened),
            "{rule}"
        );
    }
    assert_eq!(
        find(&sessions, &plain.id).await,
        Some(plain.clone()),
        "{rule}"
    );
    let lower = plain.id.to_uppercase();
    assert_eq!(find(&sessions, &lower).await, None, "ids differ by case");
    let theirs = list(&sessions, PAUL).await;
    assert_eq!(
        theirs,
        [full],
        "an account has the sessions that are its own"
    );
    let mut theirs = list(&sessions, JANE).await;
    theirs.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(
        theirs,
        [plain, unnamed],
        "an account has the sessions that are its own"
    );
}

pub(super) async fn opening_deletes_ended_sessions_of_the_account<S: SessionStore>(
    sessions: Fixture<S>,
) {
    let rule = "opening a session ends those of the same account that have expired or are \
                of a lower generation, and no others that live";
    let until = |name, second| Session {
        expires_at: moment(second),
        ..session(name, JANE)
    };
    let of = |name, generation| Session {
        generation,
        ..session(name, JANE)
    };
    for opened in [
        until("at the moment", 100),
        until("before", 99),
        until("after", 101),
        of("newer", 2),
    ] {
        // At a time when none of them has expired.
        open(&sessions, &opened, PLENTY).await;
    }
    open(&sessions, &session("of Paul", PAUL), PLENTY).await;
    let late = |name, generation| Session {
        created_at: moment(100),
        last_used_at: moment(100),
        ..of(name, generation)
    };
    open(&sessions, &late("late", 2), PLENTY).await;
    assert_eq!(names(&sessions, JANE).await, ["late", "newer"], "{rule}");
    // A log-in that read the account before the generation was raised.
    open(&sessions, &late("late and old", 1), PLENTY).await;
    let all = ["late", "late and old", "newer"];
    assert_eq!(names(&sessions, JANE).await, all, "{rule}");
    assert_eq!(names(&sessions, PAUL).await, ["of Paul"], "{rule}");

    let expires = Session {
        expires_at: moment(200),
        ..late("expires", 2)
    };
    open(&sessions, &expires, PLENTY).await;
    let later = Session {
        created_at: moment(200),
        ..late("later", 2)
    };
    open(&sessions, &later, PLENTY).await;
    let left = ["late", "later", "newer"];
    assert_eq!(names(&sessions, JANE).await, left, "{rule}");
}

pub(super) async fn opening_deletes_expired_sessions_of_any_account<S: SessionStore>(
    sessions: Fixture<S>,
) {
    let rule = "opening a session removes some of any account that have expired, ten at least";
    for n in 0..10 {
        let gone = Session {
            expires_at: moment(if n == 0 { 100 } else { 50 }),
            ..session(&format!("gone{n}"), PAUL + n)
        };
        open(&sessions, &gone, PLENTY).await;
    }
    let good = Session {
        expires_at: moment(101),
        ..session("good", PAUL)
    };
    open(&sessions, &good, PLENTY).await;
    let late = Session {
        created_at: moment(100),
        ..session("late", JANE)
    };
    open(&sessions, &late, PLENTY).await;
    assert_eq!(names(&sessions, PAUL).await, ["good"], "{rule}");
    for user_id in PAUL + 1..PAUL + 10 {
        assert_eq!(names(&sessions, user_id).await, [""; 0], "{rule}");
    }
    assert_eq!(names(&sessions, JANE).await, ["late"], "{rule}");
}

pub(super) async fn opening_deletes_least_recently_used_sessions<S: SessionStore>(
    sessions: Fixture<S>,
) {
    let rule = "of too many sessions of one account those go that were used the longest time ago";
    let used = |name, user_id, opened, used| Session {
        created_at: moment(opened),
        last_used_at: moment(used),
        ..session(name, user_id)
    };
    open(&sessions, &used("paul", PAUL, 0, 0), 2).await;
    open(&sessions, &used("desk", JANE, 1, 30), 2).await;
    open(&sessions, &used("phone", JANE, 2, 20), 2).await;
    open(&sessions, &used("tablet", JANE, 40, 40), 2).await;
    assert_eq!(names(&sessions, JANE).await, ["desk", "tablet"], "{rule}");
    open(&sessions, &used("watch", JANE, 50, 50), 3).await;
    assert_eq!(
        names(&sessions, JANE).await,
        ["desk", "tablet", "watch"],
        "{rule}"
    );
    open(&sessions, &used("car", JANE, 60, 60), 1).await;
    assert_eq!(names(&sessions, JANE).await, ["car"], "{rule}");
    assert_eq!(names(&sessions, PAUL).await, ["paul"], "{rule}");
}

pub(super) async fn concurrent_openings_keep_the_limit<S: SessionStore>(sessions: Fixture<S>) {
    let rule =
        "of sessions that are opened at the same moment there are not more than there may be";
    let results = sessions
        .race(MANY, |sessions, n| async move {
            let user_id = if n % 5 == 0 { PAUL } else { JANE };
            let session = session(&format!("n{n}"), user_id);
            sessions.store().open(session, 10).await
        })
        .await;
    for result in results {
        result.expect("sessions can be opened at the same moment");
    }
    for user_id in [JANE, PAUL] {
        assert_eq!(names(&sessions, user_id).await.len(), 10, "{rule}");
    }
}
