//! Invalidation through a channel: named users are invalidated, and the cache is bypassed while a
//! message may be missed.

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tower_warder::cache::Invalidation;

use super::*;
use crate::support::Log;

#[tokio::test]
async fn channel_invalidates_only_the_named_user() {
    let (fixture, mut channel) = connected();
    for subject in ["jane", "root"] {
        fixture.name(subject).await.unwrap();
    }
    fixture.store.put("jane", disabled());
    channel.says(Invalidation::Key("jane".to_owned()));
    assert_eq!(fixture.status("jane").await, UserStatus::Disabled);
    fixture.name("root").await.unwrap();
    assert_eq!(fixture.store.loads(), 3);

    channel.says(Invalidation::All);
    for subject in ["jane", "root"] {
        fixture.status(subject).await;
    }
    assert_eq!(fixture.store.loads(), 5);
}

#[tokio::test]
async fn cache_is_bypassed_until_the_channel_connects() {
    let fixture = Fixture::new(|cache| cache);
    fixture.name("jane").await.unwrap();
    // The subscription has not been polled yet.
    let mut channel = Channel::of(&fixture);
    assert_eq!(fixture.loads_of_two_requests().await, 2);
    channel.polls();
    channel.says(Invalidation::Key("root".to_owned()));
    assert_eq!(fixture.loads_of_two_requests().await, 2);

    channel.says(Invalidation::Connected);
    assert_eq!(fixture.loads_of_two_requests().await, 1);
}

#[tokio::test]
async fn cache_is_bypassed_while_the_channel_is_down() {
    let (fixture, mut channel) = connected();
    fixture.name("jane").await.unwrap();
    channel.breaks();
    assert_eq!(fixture.loads_of_two_requests().await, 2);

    // Users loaded during the interruption are not cached either.
    channel.says(Invalidation::Connected);
    assert_eq!(fixture.loads_of_two_requests().await, 1);
}

#[tokio::test]
async fn requests_do_not_share_a_load_while_the_channel_is_down() {
    let (stage, layer, cache) = Stage::new(Order::ReadsThenWaits);
    let mut channel = Channel::new(&cache);
    channel.says(Invalidation::Connected);
    channel.breaks();
    let (first, second) = (ask(&layer, "jane").await, ask(&layer, "jane").await);
    let mut first = pin!(first.user());
    assert!(poll!(&mut first).is_pending());
    stage.put(disabled());
    let mut second = pin!(second.user());
    assert!(poll!(&mut second).is_pending());
    stage.gate.add_permits(2);
    assert_eq!(second.await.unwrap().status, UserStatus::Disabled);
    assert_eq!(stage.loads(), 2);
}

#[tokio::test]
async fn load_spanning_an_interruption_is_not_cached() {
    let (stage, layer, cache) = Stage::new(Order::ReadsThenWaits);
    let mut channel = Channel::new(&cache);
    channel.says(Invalidation::Connected);
    let before = ask(&layer, "jane").await;
    let mut loads = pin!(before.user());
    assert!(poll!(&mut loads).is_pending());

    channel.breaks();
    stage.put(disabled());
    channel.says(Invalidation::Connected);
    stage.gate.add_permits(2);
    assert_eq!(loads.await.unwrap().status, UserStatus::Approved);
    let after = ask(&layer, "jane").await;
    assert_eq!(after.user().await.unwrap().status, UserStatus::Disabled);
}

#[tokio::test]
async fn cache_is_bypassed_after_the_channel_ends_or_is_not_polled() {
    for ends in [Channel::ends as fn(Channel), drop] {
        let (fixture, channel) = connected();
        fixture.name("jane").await.unwrap();
        ends(channel);
        assert_eq!(fixture.loads_of_two_requests().await, 2);

        // The cache is bypassed until an attempt connects, whatever the number of failed ones.
        drop(Channel::of(&fixture));
        Channel::of(&fixture).ends();
        let mut channel = Channel::of(&fixture);
        channel.polls();
        assert_eq!(fixture.loads_of_two_requests().await, 2);
        channel.says(Invalidation::Connected);
        assert_eq!(fixture.loads_of_two_requests().await, 1);
    }
}

#[tokio::test]
async fn cache_needs_both_of_two_channels_connected() {
    let (fixture, mut one) = connected();
    let mut other = Channel::of(&fixture);
    assert_eq!(fixture.loads_of_two_requests().await, 2);
    other.says(Invalidation::Connected);
    assert_eq!(fixture.loads_of_two_requests().await, 1);

    one.breaks();
    one.breaks();
    other.says(Invalidation::Connected);
    assert_eq!(fixture.loads_of_two_requests().await, 2);
    one.says(Invalidation::Connected);
    assert_eq!(fixture.loads_of_two_requests().await, 1);
}

#[tokio::test]
async fn reconnected_channel_clears_the_cache() {
    let (fixture, mut channel) = connected();
    fixture.name("jane").await.unwrap();
    fixture.store.put("jane", disabled());
    channel.says(Invalidation::Connected);
    assert_eq!(fixture.status("jane").await, UserStatus::Disabled);
    channel.breaks();
    assert_eq!(fixture.loads_of_two_requests().await, 2);
}

#[tokio::test]
async fn interruption_start_and_end_are_logged_once() {
    let log = Log::record();
    let (_fixture, mut channel) = connected();
    assert!(log.lines("WARN").is_empty(), "{}", log.text());
    for _ in 0..3 {
        channel.breaks();
    }
    let [line] = &log.lines("WARN")[..] else {
        panic!("{}", log.text());
    };
    assert!(
        line.contains("is bypassed") && line.contains("cable"),
        "{line}"
    );
    channel.says(Invalidation::Connected);
    channel.says(Invalidation::Connected);
    assert_eq!(log.lines("INFO").len(), 1, "{}", log.text());
}

#[tokio::test]
async fn channel_that_never_connects_is_logged_once() {
    let log = Log::record();
    let fixture = Fixture::new(|cache| cache);
    let mut channel = Channel::of(&fixture);
    for _ in 0..3 {
        channel.breaks();
    }
    assert_eq!(log.lines("WARN").len(), 1, "{}", log.text());
}

#[tokio::test]
async fn dropped_cache_ends_its_subscriptions() {
    let log = Log::record();
    let (fixture, mut channel) = connected();
    drop(fixture);
    channel.sender.send(Invalidation::All).unwrap();
    assert!(channel.follows.as_mut().now_or_never().is_some());
    drop(channel);
    assert!(log.lines("WARN").is_empty(), "{}", log.text());
}

#[tokio::test]
async fn only_local_invalidations_are_published() {
    let published = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&published);
    let cache = UserCache::<TestUser>::new(16)
        .on_invalidate(move |word| received.lock().unwrap().push(format!("{word:?}")));
    let mut channel = Channel::new(&cache);
    channel.says(Invalidation::Connected);
    channel.says(Invalidation::Key("root".to_owned()));
    channel.says(Invalidation::All);
    channel.breaks();
    assert!(published.lock().unwrap().is_empty());

    cache.invalidate("jane");
    cache.clone().invalidate_all();
    assert_eq!(*published.lock().unwrap(), [r#"Key("jane")"#, "All"]);
}

impl Fixture {
    async fn loads_of_two_requests(&self) -> usize {
        let before = self.store.loads();
        for _ in 0..2 {
            self.status("jane").await;
        }
        self.store.loads() - before
    }
}

/// Channel that the test controls, and the subscription of the cache.
struct Channel {
    sender: mpsc::UnboundedSender<Invalidation>,
    follows: BoxFuture<'static, ()>,
}

fn connected() -> (Fixture, Channel) {
    let fixture = Fixture::new(|cache| cache);
    let mut channel = Channel::of(&fixture);
    channel.says(Invalidation::Connected);
    (fixture, channel)
}

impl Channel {
    fn of(fixture: &Fixture) -> Self {
        Self::new(&fixture.cache)
    }

    fn new(cache: &UserCache<TestUser>) -> Self {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let stream = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
        Self {
            sender,
            follows: cache.subscribe(stream).boxed(),
        }
    }

    fn polls(&mut self) {
        assert!(self.follows.as_mut().now_or_never().is_none());
    }

    fn says(&mut self, invalidation: Invalidation) {
        self.sender.send(invalidation).unwrap();
        self.polls();
    }

    fn breaks(&mut self) {
        self.says(Invalidation::Disconnected("the cable is cut".into()));
    }

    fn ends(self) {
        drop(self.sender);
        assert!(self.follows.now_or_never().is_some());
    }
}
