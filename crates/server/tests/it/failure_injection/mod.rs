//! Faults, with real servers: several processes of the example `accounts` under load while
//! PostgreSQL, Redis or the way to them fails. `SERVICES` names the script that starts the servers,
//! `.ci/services`; without it all of this is skipped.
//!
//! Each fault happens once, is recorded, and is judged by several tests. Its figures are a row of the
//! table in `docs/failure_modes.md`.

mod channel;
mod pool;
mod postgres;
mod redis;
mod report;
mod scene;
mod start;

use std::env;
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use tokio::sync::Mutex;

use self::report::Report;

/// A fault, with a test for each promise.
macro_rules! judged {
    ($name:ident, $fault:path) => {
        mod $name {
            use tokio::sync::OnceCell;

            use crate::failure_injection::{Report, happens};

            static REPORT: OnceCell<Option<Report>> = OnceCell::const_new();

            async fn report() -> Option<&'static Report> {
                let report = REPORT.get_or_init(|| happens(async || $fault().await));
                report.await.as_ref()
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn who_is_disabled_is_refused_on_every_node_in_time() {
                if let Some(report) = report().await {
                    report.refuses_whoever_is_disabled();
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn who_is_healthy_is_never_refused_and_waits_five_seconds_at_most() {
                if let Some(report) = report().await {
                    report.never_refuses_who_is_healthy();
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn public_routes_answer_without_waiting() {
                if let Some(report) = report().await {
                    report.serves_the_public();
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn everybody_is_served_again_in_time() {
                if let Some(report) = report().await {
                    report.recovers();
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn accounts_are_served_from_memory_again() {
                if let Some(report) = report().await {
                    report.serves_from_memory();
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn the_log_has_one_line_for_down_and_one_for_up() {
                if let Some(report) = report().await {
                    report.says_so_once();
                }
            }
        }
    };
}

use judged;

/// One at a time: they own the processor. `None` where there are no servers.
async fn happens(fault: impl AsyncFnOnce() -> Report) -> Option<Report> {
    static TURN: Mutex<()> = Mutex::const_new(());
    if env::var_os("SERVICES").is_none() {
        let test = thread::current();
        let test = test.name().unwrap_or("a fault");
        say(format_args!("{test}: skipped: SERVICES names no script"));
        return None;
    }
    let _turn = TURN.lock().await;
    let report = fault().await;
    say(format_args!("{report}"));
    Some(report)
}

/// Past the harness, which keeps to itself what a test that passes has printed.
fn say(what: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// What a busy machine adds to a delay that is none.
const AT_ONCE: Duration = Duration::from_secs(1);

/// A channel that says nothing is found out after its beat and its patience: two seconds, and what
/// a busy machine adds.
const FOUND_OUT: Duration = Duration::from_secs(3);
