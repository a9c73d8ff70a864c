//! Record of a failure, and the checks of it.

use std::fmt;
use std::time::{Duration, Instant};

use super::cluster::{BACK, ClientKind, DOWN, Expected, NODES, Sample, Times};

/// Responses and logs of all nodes.
pub struct Report {
    pub name: &'static str,
    pub expected: Expected,
    pub times: Times,
    /// Whether accounts came from the cache in the end.
    pub is_cached: bool,
    pub samples: Vec<Sample>,
    pub logs: Vec<String>,
}

impl Report {
    pub fn assert_disabled_user_is_rejected(&self) {
        let samples = || self.of(ClientKind::Disabled);
        for node in 0..NODES {
            let of_node = || samples().filter(|sample| sample.node == node);
            let disabled = self.times.disabled;
            let before = |sample: &&Sample| sample.answered() < disabled && sample.status == 200;
            assert!(of_node().any(|sample| before(&sample)), "never admitted");
            assert!(
                of_node().any(|sample| sample.status == 401),
                "never rejected"
            );
            let late = disabled + self.expected.delay + self.margin();
            let admitted = of_node().find(|sample| sample.status == 200 && sample.sent > late);
            assert!(
                admitted.is_none(),
                "{} s late: {admitted:?}",
                seconds(self.delay())
            );
        }
    }

    pub fn assert_approved_user_is_never_rejected(&self) {
        for sample in self.of(ClientKind::Approved) {
            match sample.status {
                200 => {}
                503 if self.expected.store_is_away => {}
                _ => panic!("{sample:?}"),
            }
            assert!(sample.took < PATIENCE + self.margin(), "{sample:?}");
        }
    }

    /// A few may be slow on a busy machine. If they waited for a store, nearly all would be.
    pub fn assert_public_routes_do_not_wait(&self) {
        let (mut count, mut slow) = (0, 0);
        for sample in self.of(ClientKind::Public) {
            // `/login` redirects users that are logged in.
            assert!(matches!(sample.status, 200 | 303), "{sample:?}");
            if sample.sent >= self.times.began && sample.sent < self.times.ended {
                count += 1;
                slow += usize::from(sample.took > PUBLIC_PATIENCE);
            }
        }
        assert!(
            count > 0 && slow * 20 <= count,
            "{slow} of {count} are slow"
        );
    }

    pub fn assert_recovery(&self) {
        let last = self.last_rejected();
        let took = last.map_or(Duration::ZERO, |last| self.after_the_end(last));
        assert!(took < RECOVERY + self.margin(), "{took:?}");
        for node in 0..NODES {
            let served = self.of(ClientKind::Approved).any(|sample| {
                sample.node == node && sample.status == 200 && sample.sent > self.times.ended
            });
            assert!(served, "node {node} serves no request");
        }
    }

    pub fn assert_accounts_are_cached(&self) {
        assert!(self.is_cached, "every request loads the user");
        if self.expected.channel_is_lost {
            let back = self.times.back.expect("all channels are back");
            let took = self.after_the_end(back);
            assert!(took < RECOVERY + self.margin(), "{took:?}");
        }
    }

    pub fn assert_one_log_line_each(&self) {
        let expected = usize::from(self.expected.channel_is_lost);
        for log in &self.logs {
            for text in [DOWN, BACK] {
                let lines: Vec<_> = log.lines().filter(|line| line.contains(text)).collect();
                assert_eq!(lines.len(), expected, "{text}: {lines:?}");
            }
        }
    }

    fn of(&self, kind: ClientKind) -> impl Iterator<Item = &Sample> {
        self.samples
            .iter()
            .filter(move |sample| sample.kind == kind)
    }

    /// Time from the confirmation of the change until the last admitted request was sent.
    fn delay(&self) -> Duration {
        let admitted = self
            .of(ClientKind::Disabled)
            .filter(|sample| sample.status == 200);
        let last = admitted.map(|sample| sample.sent).max();
        last.map_or(Duration::ZERO, |last| {
            last.saturating_duration_since(self.times.disabled)
        })
    }

    /// Time of the last response to the approved user that was not 200.
    fn last_rejected(&self) -> Option<Instant> {
        let rejected = self
            .of(ClientKind::Approved)
            .filter(|sample| sample.status != 200);
        rejected.map(Sample::answered).max()
    }

    fn after_the_end(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.times.ended)
    }

    /// Delay that the busy machine causes: the longest time of a request that has nothing to wait for.
    fn margin(&self) -> Duration {
        self.longest(ClientKind::Public)
    }

    fn longest(&self, kind: ClientKind) -> Duration {
        let took = self.of(kind).map(|sample| sample.took);
        took.max().unwrap_or_default()
    }

    /// `200: 812, 503: 96`.
    fn statuses(&self, kind: ClientKind, from: Instant) -> String {
        let mut counts = std::collections::BTreeMap::new();
        for sample in self.of(kind).filter(|sample| sample.sent >= from) {
            *counts.entry(sample.status).or_insert(0_u32) += 1;
        }
        let counts = counts
            .iter()
            .map(|(status, count)| format!("{status}: {count}"));
        counts.collect::<Vec<_>>().join(", ")
    }
}

/// A row of the table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Times { began, ended, .. } = self.times;
        let served = match self.last_rejected() {
            Some(last) if last >= began => format!("{} s", seconds(self.after_the_end(last))),
            _ => "always served".to_owned(),
        };
        let memory = match self.times.back {
            Some(back) => format!("{} s", seconds(self.after_the_end(back))),
            None if self.expected.channel_is_lost => "never".to_owned(),
            None => "never bypassed".to_owned(),
        };
        write!(
            f,
            "| {} | {} s | {}; {} ms | {}; {} s | {} s; then {} | {served} | {memory} |",
            self.name,
            seconds(ended - began),
            self.statuses(ClientKind::Public, began),
            self.longest(ClientKind::Public).as_millis(),
            self.statuses(ClientKind::Approved, began),
            seconds(self.longest(ClientKind::Approved)),
            seconds(self.delay()),
            self.statuses(
                ClientKind::Disabled,
                self.times.disabled + self.delay() + NEXT
            ),
        )
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64())
}

/// Excludes the last admitted request.
const NEXT: Duration = Duration::from_nanos(1);

/// Limit for a request in every failure: the timeout of the layer, and a margin.
const PATIENCE: Duration = Duration::from_millis(5500);

/// Less than any timeout of the store, so a request that waits for it takes longer.
const PUBLIC_PATIENCE: Duration = Duration::from_millis(1500);

const RECOVERY: Duration = Duration::from_secs(5);
