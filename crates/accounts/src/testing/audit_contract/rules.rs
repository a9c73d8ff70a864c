//! Rules of stores of audit events.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use crate::testing::store_contract::fixture::{Fixture, moment};
use crate::{AuditActor, AuditEvent, AuditEventKind, AuditStore};

const JANE: i64 = 7;
const PAUL: i64 = 8;

/// Limit that no rule reaches.
const PLENTY: u32 = 1000;

pub(super) async fn events_are_returned_as_added<S: AuditStore>(events: Fixture<S>) {
    let actors = [
        AuditActor::Anonymous,
        AuditActor::System,
        AuditActor::Account(JANE),
        AuditActor::Account(i64::MAX),
    ];
    let addresses = ["192.0.2.7", "2001:db8::7"].map(|text| text.parse().ok());
    let kinds = AuditEventKind::ALL.iter().zip(0..);
    let mut expected: Vec<_> = kinds
        .map(|(kind, number)| {
            let actor = actors.into_iter().cycle().nth(number);
            let at = moment(100) + Duration::from_micros(number as u64);
            let mut event = event(*kind, JANE, 0);
            event.at = at;
            event.actor = actor.expect("an endless iterator");
            event.address = addresses.into_iter().cycle().nth(number / 2).flatten();
            event.session = (number % 2 == 0).then(|| format!("{number:-<22}"));
            event.reason = (number % 3 == 0).then_some("wrong_password".into());
            event
        })
        .collect();
    add(&events, &expected, PLENTY).await;
    expected.reverse();
    assert_eq!(
        list(&events, JANE, PLENTY).await,
        expected,
        "an event is returned as it was added"
    );
}

pub(super) async fn events_of_an_account_are_listed_newest_first<S: AuditStore>(
    events: Fixture<S>,
) {
    let of = |kind, account, seconds| event(kind, account, seconds);
    let mut none = of(AuditEventKind::LoginFailed, JANE, 4);
    none.account = None;
    let added = [
        of(AuditEventKind::LoginSucceeded, JANE, 5),
        of(AuditEventKind::LoginSucceeded, PAUL, 3),
        of(AuditEventKind::LoginFailed, JANE, 3),
        // Written later by another instance.
        of(AuditEventKind::AccountApproved, JANE, 1),
        of(AuditEventKind::EmailChanged, JANE, 5),
        none,
    ];
    let [login, _, failed, approved, changed, _] = added.clone();
    add(&events, &added, PLENTY).await;
    let expected = [changed, login, failed, approved];
    assert_eq!(
        list(&events, JANE, PLENTY).await,
        expected,
        "the events of the account are listed, newest first; of the same time, the last one first"
    );
    assert_eq!(
        list(&events, JANE, 3).await,
        expected[..3],
        "no more events are listed than the limit"
    );
    assert_eq!(
        list(&events, 9, PLENTY).await,
        [],
        "an account without events has an empty list"
    );
}

pub(super) async fn newest_events_of_each_kind_are_kept<S: AuditStore>(events: Fixture<S>) {
    let approved = event(AuditEventKind::AccountApproved, JANE, 0);
    let of_paul = event(AuditEventKind::LoginFailed, PAUL, 0);
    add(&events, &[approved.clone(), of_paul.clone()], 3).await;
    for seconds in 1..=5 {
        let failed = event(AuditEventKind::LoginFailed, JANE, seconds);
        let mut unknown = event(AuditEventKind::LoginFailed, JANE, seconds);
        unknown.account = None;
        add(&events, &[failed, unknown], 3).await;
    }
    let listed = list(&events, JANE, PLENTY).await;
    let times: Vec<_> = listed.iter().map(|event| event.at).collect();
    let expected = [5, 4, 3, 0].map(moment);
    assert_eq!(
        times, expected,
        "the newest events of each kind are kept, and those of other kinds"
    );
    assert_eq!(listed.last(), Some(&approved));
    assert_eq!(
        list(&events, PAUL, PLENTY).await,
        [of_paul],
        "events of other accounts are kept"
    );
    let many: Vec<_> = (10..18)
        .map(|seconds| event(AuditEventKind::LoginFailed, JANE, seconds))
        .collect();
    add(&events, &many, 3).await;
    assert_eq!(
        list(&events, JANE, PLENTY).await.len(),
        4,
        "the limit holds within one call"
    );
    let deleted = delete_before(&events, 1000, PLENTY).await;
    assert_eq!(
        deleted,
        4 + 1 + 3,
        "events without an account are limited together"
    );
}

pub(super) async fn concurrent_additions_are_all_stored<S: AuditStore>(events: Fixture<S>) {
    let race = events.race(8, |events: Fixture<S>, number| async move {
        for account in [JANE, PAUL] {
            let event = event(AuditEventKind::LoginSucceeded, account, u64::from(number));
            add(&events, &[event], PLENTY).await;
        }
    });
    race.await;
    for account in [JANE, PAUL] {
        assert_eq!(
            list(&events, account, PLENTY).await.len(),
            8,
            "concurrent additions are all stored"
        );
    }
    let logins = last_logins(&events, &[JANE, PAUL]).await;
    assert_eq!(
        logins,
        HashMap::from([JANE, PAUL].map(|id| (id, moment(7)))),
        "the last log-in is the latest, in whatever order they are added"
    );
}

pub(super) async fn old_events_are_deleted_in_pieces<S: AuditStore>(events: Fixture<S>) {
    let added: Vec<_> = (0..10)
        .map(|seconds| event(AuditEventKind::LoginFailed, JANE, seconds))
        .collect();
    add(&events, &added, PLENTY).await;
    let left = async || {
        let listed = list(&events, JANE, PLENTY).await;
        listed.iter().map(|event| event.at).min()
    };
    for (limit, deleted, oldest) in [(2, 2, 2), (4, 3, 5), (4, 0, 5)] {
        assert_eq!(
            delete_before(&events, 5, limit).await,
            deleted,
            "events from before the time are deleted, up to the limit"
        );
        assert_eq!(
            left().await,
            Some(moment(oldest)),
            "the oldest events are deleted first"
        );
    }
}

pub(super) async fn last_login_is_recorded_for_each_account<S: AuditStore>(events: Fixture<S>) {
    assert_eq!(last_logins(&events, &[]).await, HashMap::new());
    let login = |account, seconds| event(AuditEventKind::LoginSucceeded, account, seconds);
    let first = [
        login(JANE, 2),
        login(JANE, 4),
        login(PAUL, 3),
        event(AuditEventKind::LoginFailed, 9, 5),
        event(AuditEventKind::SessionOpened, JANE, 6),
    ];
    add(&events, &first, PLENTY).await;
    assert_eq!(
        last_logins(&events, &[JANE, PAUL, 9, 10]).await,
        HashMap::from([(JANE, moment(4)), (PAUL, moment(3))]),
        "only log-ins count, the last one of each account"
    );
    // An earlier one of another instance, and a later one.
    add(&events, &[login(JANE, 1), login(PAUL, 7)], PLENTY).await;
    assert_eq!(
        last_logins(&events, &[JANE, PAUL]).await,
        HashMap::from([(JANE, moment(4)), (PAUL, moment(7))]),
        "the last log-in is never set back"
    );
    assert_eq!(
        last_logins(&events, &[PAUL]).await.len(),
        1,
        "only the accounts that were asked for are returned"
    );
}

pub(super) async fn last_login_outlives_its_event_but_not_the_account<S: AuditStore>(
    events: Fixture<S>,
) {
    let logins = [JANE, PAUL].map(|id| event(AuditEventKind::LoginSucceeded, id, 1));
    add(&events, &logins, PLENTY).await;
    assert_eq!(delete_before(&events, 1000, PLENTY).await, 2);
    let expected = HashMap::from([JANE, PAUL].map(|id| (id, moment(1))));
    assert_eq!(
        last_logins(&events, &[JANE, PAUL]).await,
        expected,
        "the last log-in stays when its event is deleted"
    );
    // The same call has a log-in from before the deletion.
    let deletion = [
        event(AuditEventKind::LoginSucceeded, JANE, 2),
        event(AuditEventKind::AccountDeleted, JANE, 3),
    ];
    add(&events, &deletion, PLENTY).await;
    assert_eq!(
        last_logins(&events, &[JANE, PAUL]).await,
        HashMap::from([(PAUL, moment(1))]),
        "the last log-in is removed with the account"
    );
    assert_eq!(
        list(&events, JANE, PLENTY).await.len(),
        2,
        "the events stay when the account is deleted"
    );
}

fn event(kind: AuditEventKind, account: i64, seconds: u64) -> AuditEvent {
    let mut event = AuditEvent::new(kind, AuditActor::Anonymous, moment(seconds));
    event.account = Some(account);
    event
}

async fn add<S: AuditStore>(events: &Fixture<S>, added: &[AuditEvent], max_per_kind: u32) {
    let added = events.store().append(added, max_per_kind).await;
    added.expect("events can be added");
}

async fn list<S: AuditStore>(events: &Fixture<S>, account: i64, limit: u32) -> Vec<AuditEvent> {
    let listed = events.store().list_events(account, limit).await;
    listed.expect("the events of an account can be listed")
}

async fn last_logins<S: AuditStore>(events: &Fixture<S>, ids: &[i64]) -> HashMap<i64, SystemTime> {
    let logins = events.store().last_logins(ids).await;
    logins.expect("last log-ins can be read")
}

async fn delete_before<S: AuditStore>(events: &Fixture<S>, seconds: u64, limit: u32) -> u64 {
    let deleted = events.store().delete_before(moment(seconds), limit).await;
    deleted.expect("old events can be deleted")
}
