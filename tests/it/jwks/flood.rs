//! Made-up key ids, very many of them.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;

use super::*;
use crate::support::Trace;

#[tokio::test(start_paused = true)]
async fn ten_thousand_unknown_keys_cost_one_fetch_and_known_ones_never_wait() {
    let (server, keys) = published(["a"]).await;
    let (verifier, good) = (verifier(&keys), named("a"));
    let flood: Vec<String> = (0..FLOOD).map(made_up).collect();
    server.takes(Duration::from_secs(1));
    pass(COOLDOWN).await;

    let waiting = join_all(flood.iter().map(|bad| judge(&verifier, bad)));
    let mut waiting = Box::pin(waiting);
    assert!(futures_util::poll!(&mut waiting).is_pending());
    assert_eq!(judge_now(&verifier, &good), Some(Verdict::Accepted));
    let judged = waiting.await;
    assert_eq!(server.fetches(), 2);
    // As many as have a place wait; the others are told to come again.
    let refused = judged.iter().filter(|one| **one == Verdict::Refused);
    assert_eq!(refused.count(), 1024);
    assert!(!judged.contains(&Verdict::Accepted));

    // And those that come afterwards are refused at once.
    for bad in &flood {
        assert_eq!(judge_now(&verifier, bad), Some(Verdict::Refused));
        assert_eq!(judge_now(&verifier, &good), Some(Verdict::Accepted));
    }
    assert_eq!(server.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_unknown_keys_costs_one_fetch_in_each_cooldown() {
    let (server, keys) = published(["a"]).await;
    let verifier = verifier(&keys);
    let bad = named("b");
    for _ in 0..3600 {
        pass(Duration::from_secs(1)).await;
        judge(&verifier, &bad).await;
    }
    let asked = server.asked();
    let shortest = asked.windows(2).map(|two| two[1].at - two[0].at).min();
    assert!(shortest.unwrap() >= COOLDOWN);
    assert!(asked.len() <= 121, "{}", asked.len());
}

#[tokio::test(start_paused = true)]
async fn key_ids_go_neither_to_the_key_server_nor_into_the_log() {
    let trace = Trace::record();
    let (server, keys) = published(["a"]).await;
    let verifier = verifier(&keys);
    let told = "../../evil\r\nX-Evil: 1";
    for mood in [Mood::Publishes, Mood::Breaks] {
        server.is(mood);
        pass(COOLDOWN).await;
        judge(&verifier, &named(told)).await;
        judge(&verifier, &named(told)).await;
    }
    assert_eq!(server.fetches(), 3);
    let asked = format!("{:?}", server.asked()).to_lowercase();
    assert!(!asked.contains("evil"), "{asked}");
    assert!(!trace.text().to_lowercase().contains("evil"));
}

fn made_up(number: usize) -> String {
    // Not signed: nobody gets so far.
    let (header, rest) = (format!(r#"{{"alg":"EdDSA","kid":"{number}"}}"#), named("a"));
    let rest = rest.split_once('.').unwrap().1;
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
}

const FLOOD: usize = 10_000;
const COOLDOWN: Duration = Duration::from_secs(30);
