//! What was recorded of a fault, and the judgement.

use std::fmt;
use std::time::{Duration, Instant};

use super::scene::{Asked, BACK, DOWN, Expected, NODES, Times, Who};

/// Everything that was answered, and said.
pub struct Report {
    pub name: &'static str,
    pub expected: Expected,
    pub times: Times,
    /// Whether accounts came from memory in the end.
    pub is_in_memory: bool,
    pub asked: Vec<Asked>,
    pub logs: Vec<String>,
}

impl Report {
    pub fn refuses_whoever_is_disabled(&self) {
        let asked = || self.of(Who::Disabled);
        for node in 0..NODES {
            let of_node = || asked().filter(|asked| asked.node == node);
            let disabled = self.times.disabled;
            let before = |asked: &&Asked| asked.answered() < disabled && asked.status == 200;
            assert!(of_node().any(|asked| before(&asked)), "never let in");
            assert!(of_node().any(|asked| asked.status == 401), "never refused");
            let late = disabled + self.expected.delay + self.busy();
            let passed = of_node().find(|asked| asked.status == 200 && asked.sent > late);
            assert!(
                passed.is_none(),
                "{} s late: {passed:?}",
                seconds(self.delay())
            );
        }
    }

    pub fn never_refuses_who_is_healthy(&self) {
        for asked in self.of(Who::Healthy) {
            match asked.status {
                200 => {}
                503 if self.expected.store_is_away => {}
                _ => panic!("{asked:?}"),
            }
            assert!(asked.took < PATIENCE + self.busy(), "{asked:?}");
        }
    }

    /// Where they waited for a store, nearly all of them would.
    pub fn serves_the_public(&self) {
        let (mut count, mut slow) = (0, 0);
        for asked in self.of(Who::Anybody) {
            assert_eq!(asked.status, 200, "{asked:?}");
            if asked.sent >= self.times.began && asked.sent < self.times.ended {
                count += 1;
                slow += usize::from(asked.took > PUBLIC_PATIENCE);
            }
        }
        assert!(
            count > 0 && slow * 20 <= count,
            "{slow} of {count} are slow"
        );
    }

    pub fn recovers(&self) {
        let last = self.last_turned_away();
        let took = last.map_or(Duration::ZERO, |last| self.after_the_end(last));
        assert!(took < RECOVERY + self.busy(), "{took:?}");
        for node in 0..NODES {
            let served = self.of(Who::Healthy).any(|asked| {
                asked.node == node && asked.status == 200 && asked.sent > self.times.ended
            });
            assert!(served, "node {node} serves nobody");
        }
    }

    pub fn serves_from_memory(&self) {
        assert!(self.is_in_memory, "every request asks the store");
        if self.expected.channel_is_lost {
            let back = self.times.back.expect("all channels are back");
            let took = self.after_the_end(back);
            assert!(took < RECOVERY + self.busy(), "{took:?}");
        }
    }

    pub fn says_so_once(&self) {
        let expected = usize::from(self.expected.channel_is_lost);
        for log in &self.logs {
            for text in [DOWN, BACK] {
                let lines: Vec<_> = log.lines().filter(|line| line.contains(text)).collect();
                assert_eq!(lines.len(), expected, "{text}: {lines:?}");
            }
        }
    }

    fn of(&self, who: Who) -> impl Iterator<Item = &Asked> {
        self.asked.iter().filter(move |asked| asked.who == who)
    }

    /// From the word that it is done until the last request was sent that was let in.
    fn delay(&self) -> Duration {
        let passed = self.of(Who::Disabled).filter(|asked| asked.status == 200);
        let last = passed.map(|asked| asked.sent).max();
        last.map_or(Duration::ZERO, |last| {
            last.saturating_duration_since(self.times.disabled)
        })
    }

    /// When the last of the healthy was told to come again.
    fn last_turned_away(&self) -> Option<Instant> {
        let turned_away = self.of(Who::Healthy).filter(|asked| asked.status != 200);
        turned_away.map(Asked::answered).max()
    }

    fn after_the_end(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.times.ended)
    }

    /// How far the machine was behind: what has nothing to wait for took as long.
    fn busy(&self) -> Duration {
        self.longest(Who::Anybody)
    }

    fn longest(&self, who: Who) -> Duration {
        let took = self.of(who).map(|asked| asked.took);
        took.max().unwrap_or_default()
    }

    /// `200: 812, 503: 96`.
    fn statuses(&self, who: Who, from: Instant) -> String {
        let mut counts = std::collections::BTreeMap::new();
        for asked in self.of(who).filter(|asked| asked.sent >= from) {
            *counts.entry(asked.status).or_insert(0_u32) += 1;
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
        let served = match self.last_turned_away() {
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
            self.statuses(Who::Anybody, began),
            self.longest(Who::Anybody).as_millis(),
            self.statuses(Who::Healthy, began),
            seconds(self.longest(Who::Healthy)),
            seconds(self.delay()),
            self.statuses(Who::Disabled, self.times.disabled + self.delay() + NEXT),
        )
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64())
}

/// So that the last one that was let in does not count.
const NEXT: Duration = Duration::from_nanos(1);

/// How long a request takes at most, whatever is away: what the layer allows, and a little.
const PATIENCE: Duration = Duration::from_millis(5500);

/// Less than any limit in the store: whoever waits for it takes longer.
const PUBLIC_PATIENCE: Duration = Duration::from_millis(1500);

const RECOVERY: Duration = Duration::from_secs(5);
