//! Every order in which the calls of a few clients reach the session store.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;
use tower_warder::async_trait;
use tower_warder_accounts::{
    AccountError, InMemorySessionStore, Rotation, Session, SessionStore, Sessions, StoreError, User,
};

use super::super::server::{AnyAccounts, Server};
use super::client::{GRACE, MINUTE, accounts_of, jane, server};
use crate::support::{Schedule, explore};

#[tokio::test]
async fn concurrent_refreshes_get_one_successor() {
    let refresh = [Action::Refresh(0)];
    let outcomes = Model::new().await.explore(&[&refresh, &refresh, &refresh]);
    assert_eq!(outcomes, HashSet::from([Outcome::Alive]));
}

#[tokio::test]
async fn logout_ends_a_session_that_is_refreshed() {
    let (refresh, logout) = ([Action::Refresh(0)], [Action::LogOut(0)]);
    let outcomes = Model::new().await.explore(&[&refresh, &refresh, &logout]);
    assert_eq!(outcomes, HashSet::from([Outcome::Ended]));
}

#[tokio::test]
async fn logout_everywhere_ends_a_session_that_is_refreshed() {
    let (refresh, logout) = ([Action::Refresh(0)], [Action::LogOutEverywhere]);
    let outcomes = Model::new().await.explore(&[&refresh, &refresh, &logout]);
    assert_eq!(outcomes, HashSet::from([Outcome::Ended]));
}

#[tokio::test]
async fn reuse_ends_a_session_that_is_refreshed() {
    let (reuse, refresh) = ([Action::Refresh(0)], [Action::Refresh(1)]);
    let rotated = Model::new().await.rotated();
    let outcomes = rotated.explore(&[&reuse, &refresh, &refresh]);
    assert_eq!(outcomes, HashSet::from([Outcome::Ended]));
}

#[tokio::test]
async fn grace_that_ends_between_two_calls_is_safe() {
    let (refresh, wait) = ([Action::Refresh(0)], [Action::Wait]);
    let outcomes = Model::new().await.explore(&[&refresh, &refresh, &wait]);
    // The second client is in time, or too late.
    assert_eq!(outcomes, HashSet::from([Outcome::Alive, Outcome::Ended]));
}

#[tokio::test]
async fn second_rotation_during_a_refresh_is_safe() {
    let (twice, once) = (
        [Action::Refresh(0), Action::RefreshNewest],
        [Action::Refresh(0)],
    );
    let outcomes = Model::new().await.explore(&[&twice, &once]);
    // The other client holds the previous token, or one before that.
    assert_eq!(outcomes, HashSet::from([Outcome::Alive, Outcome::Ended]));
}

/// What a client does. A number is a position in the chain of tokens at the start.
#[derive(Clone, Copy)]
enum Action {
    Refresh(usize),
    /// With the token of this client's last refresh.
    RefreshNewest,
    LogOut(usize),
    LogOutEverywhere,
    /// Until the grace has ended.
    Wait,
}

/// Whether the session can still be refreshed in the end.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Outcome {
    Alive,
    Ended,
}

struct Model {
    server: Server,
    is_rotated: bool,
}

impl Model {
    async fn new() -> Self {
        let server = server();
        // With the account.
        jane(&server).await;
        Self {
            server,
            is_rotated: false,
        }
    }

    /// With a token that was rotated before the grace.
    fn rotated(self) -> Self {
        Self {
            is_rotated: true,
            ..self
        }
    }

    /// Runs the clients in each order, and returns the outcomes.
    fn explore(&self, clients: &[&[Action]]) -> HashSet<Outcome> {
        let mut outcomes = HashSet::new();
        let orders = explore(|schedule| {
            outcomes.insert(self.run(clients, schedule));
        });
        assert!(orders > 50, "{orders}");
        outcomes
    }

    fn run(&self, clients: &[&[Action]], schedule: &mut Schedule) -> Outcome {
        let sessions = Sessions::new(Stepwise(InMemorySessionStore::new()));
        let accounts = accounts_of(&self.server, sessions);
        let user = self.server.stored(1).now_or_never().unwrap();
        let opened = at_once(accounts.open_session(&user, "")).unwrap();
        let mut chain = vec![opened.refresh_token.unwrap()];
        if self.is_rotated {
            let rotated = at_once(accounts.refresh(&chain[0])).unwrap();
            chain.push(rotated.refresh_token.unwrap());
            self.server.clock.advance(MINUTE);
        }
        let run = Run {
            server: &self.server,
            accounts: &accounts,
            user: &user,
            chain: &chain,
            seen: RefCell::default(),
        };
        let mut running: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
        for actions in clients {
            running.push(Box::pin(run.client(actions)));
        }
        while !running.is_empty() {
            let client = schedule.choose(running.len());
            let mut context = Context::from_waker(Waker::noop());
            if running[client].as_mut().poll(&mut context).is_ready() {
                drop(running.remove(client));
            }
        }
        drop(running);
        run.outcome()
    }
}

/// One order.
struct Run<'a> {
    server: &'a Server,
    accounts: &'a AnyAccounts,
    user: &'a User,
    chain: &'a [String],
    seen: RefCell<Seen>,
}

#[derive(Default)]
struct Seen {
    successors: HashMap<String, String>,
    /// A client learned that the session has ended.
    has_ended: bool,
}

impl Run<'_> {
    async fn client(&self, actions: &[Action]) {
        let mut newest = None;
        for action in actions {
            match *action {
                Action::Refresh(token) => newest = self.refresh(&self.chain[token]).await,
                Action::RefreshNewest => {
                    if let Some(token) = newest {
                        newest = self.refresh(&token).await;
                    }
                }
                Action::LogOut(token) => {
                    self.accounts.logout(&self.chain[token]).await.unwrap();
                    self.seen.borrow_mut().has_ended = true;
                }
                Action::LogOutEverywhere => {
                    self.accounts.logout_all(self.user).await.unwrap();
                    self.seen.borrow_mut().has_ended = true;
                }
                Action::Wait => self.server.clock.advance(GRACE),
            }
        }
    }

    async fn refresh(&self, token: &str) -> Option<String> {
        let had_ended = self.seen.borrow().has_ended;
        let refreshed = self.accounts.refresh(token).await;
        let mut seen = self.seen.borrow_mut();
        match refreshed {
            Ok(tokens) => {
                assert!(!had_ended, "an ended session was refreshed");
                let successor = tokens.refresh_token.unwrap();
                let known = seen.successors.entry(token.to_owned());
                assert_eq!(*known.or_insert_with(|| successor.clone()), successor);
                Some(successor)
            }
            Err(AccountError::InvalidRefreshToken) => {
                seen.has_ended = true;
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Tries all tokens, the newest first, which has to be valid unless the session has ended.
    fn outcome(&self) -> Outcome {
        let mut chain = self.chain.to_vec();
        let seen = self.seen.take();
        while let Some(successor) = seen.successors.get(&chain[chain.len() - 1]) {
            chain.push(successor.clone());
        }
        let newest = at_once(self.accounts.refresh(&chain[chain.len() - 1]));
        assert_eq!(newest.is_err(), seen.has_ended);
        if !seen.has_ended {
            return Outcome::Alive;
        }
        for token in &chain {
            assert!(at_once(self.accounts.refresh(token)).is_err());
        }
        Outcome::Ended
    }
}

fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// Store of which each call waits until its client is polled again.
struct Stepwise(InMemorySessionStore);

async fn step() {
    let mut is_next = false;
    poll_fn(|_| match std::mem::replace(&mut is_next, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

#[async_trait]
impl SessionStore for Stepwise {
    async fn open(&self, session: Session, most: u32) -> Result<(), StoreError> {
        step().await;
        self.0.open(session, most).await
    }

    async fn find(&self, id: &str) -> Result<Option<Session>, StoreError> {
        step().await;
        self.0.find(id).await
    }

    async fn list(&self, user_id: i64) -> Result<Vec<Session>, StoreError> {
        step().await;
        self.0.list(user_id).await
    }

    async fn rotate(
        &self,
        id: &str,
        token: &[u8; 32],
        rotation: Rotation,
    ) -> Result<bool, StoreError> {
        step().await;
        self.0.rotate(id, token, rotation).await
    }

    async fn end(&self, id: &str, user_id: i64) -> Result<bool, StoreError> {
        step().await;
        self.0.end(id, user_id).await
    }

    async fn revoke_before(
        &self,
        user_id: i64,
        generation: u64,
        kept: Option<&str>,
    ) -> Result<(), StoreError> {
        step().await;
        self.0.revoke_before(user_id, generation, kept).await
    }
}
