//! Test sessions, and access to a store.

use crate::testing::store_contract::fixture::{Fixture, moment};
use crate::{Rotation, Session, SessionStore};

pub(super) const JANE: i64 = 7;
pub(super) const PAUL: i64 = 8;

/// Limit that no rule reaches.
pub(super) const PLENTY: u32 = 1000;

/// Session that was opened at [`moment`] 0 and expires at 1000.
pub(super) fn session(name: &str, user_id: i64) -> Session {
    Session {
        id: format!("{name:-<22}"),
        user_id,
        generation: 0,
        device: format!("{name}'s téléphone"),
        created_at: moment(0),
        last_used_at: moment(0),
        expires_at: moment(1000),
        token: digest(name),
        previous: None,
    }
}

/// Returns a distinct digest for each name.
pub(super) fn digest(name: &str) -> [u8; 32] {
    let mut digest = [0xff; 32];
    for (byte, letter) in digest.iter_mut().rev().zip(name.bytes()) {
        *byte = letter;
    }
    digest
}

pub(super) fn rotation(name: &str) -> Rotation {
    Rotation {
        token: digest(name),
        successor: digest(&format!("sealed {name}")),
        at: moment(10),
        expires_at: moment(1010),
    }
}

pub(super) async fn open<S: SessionStore>(sessions: &Fixture<S>, session: &Session, most: u32) {
    let opened = sessions.store().open(session.clone(), most).await;
    opened.expect("a session can be opened");
}

pub(super) async fn find<S: SessionStore>(sessions: &Fixture<S>, id: &str) -> Option<Session> {
    let found = sessions.store().find(id).await;
    found.expect("sessions can be found by id")
}

/// Returns the sorted names of the sessions of an account.
pub(super) async fn names<S: SessionStore>(sessions: &Fixture<S>, user_id: i64) -> Vec<String> {
    let listed = list(sessions, user_id).await;
    let mut names: Vec<String> = listed
        .into_iter()
        .map(|session| session.id.trim_end_matches('-').to_owned())
        .collect();
    names.sort();
    names
}

pub(super) async fn list<S: SessionStore>(sessions: &Fixture<S>, user_id: i64) -> Vec<Session> {
    let listed = sessions.store().list(user_id).await;
    listed.expect("the sessions of an account can be listed")
}
