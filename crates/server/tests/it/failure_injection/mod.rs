//! Failure injection with real services: several processes of the server under load while
//! PostgreSQL, Redis or the connection to them fails. `SERVICES` names the script that starts the
//! services, `.ci/services`; without it these tests are skipped.
//!
//! Each failure is injected once and recorded, and several tests check the record. Its figures are a
//! row of the table in `docs/failure_modes.md`.

mod channel;
mod cluster;
mod pool;
mod postgres;
mod redis;
mod report;
mod start;

use std::env;
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use tokio::sync::Mutex;

use self::report::Report;

/// Tests of one failure, one for each guarantee.
macro_rules! failure_tests {
    ($name:ident, $failure:path) => {
        mod $name {
            use tokio::sync::OnceCell;

            use crate::failure_injection::{Report, record};

            static REPORT: OnceCell<Option<Report>> = OnceCell::const_new();

            async fn report() -> Option<&'static Report> {
                let report = REPORT.get_or_init(|| record(async || $failure().await));
                report.await.as_ref()
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn disabled_user_is_rejected_on_every_node_in_time() {
                if let Some(report) = report().await {
                    report.assert_disabled_user_is_rejected();
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn approved_user_is_never_rejected_and_waits_5_s_at_most() {
                if let Some(report) = report().await {
                    report.assert_approved_user_is_never_rejected();
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn public_routes_answer_without_waiting() {
                if let Some(report) = report().await {
                    report.assert_public_routes_do_not_wait();
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn requests_are_served_again_in_time() {
                if let Some(report) = report().await {
                    report.assert_recovery();
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn accounts_are_cached_again() {
                if let Some(report) = report().await {
                    report.assert_accounts_are_cached();
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn log_has_one_line_for_down_and_one_for_up() {
                if let Some(report) = report().await {
                    report.assert_one_log_line_each();
                }
            }
        }
    };
}

use failure_tests;

/// Injects one failure at a time, because each needs the whole processor. `None` without services.
async fn record(failure: impl AsyncFnOnce() -> Report) -> Option<Report> {
    static TURN: Mutex<()> = Mutex::const_new(());
    if env::var_os("SERVICES").is_none() {
        let test = thread::current();
        let test = test.name().unwrap_or("a failure");
        print(format_args!("{test}: skipped: SERVICES names no script"));
        return None;
    }
    let _turn = TURN.lock().await;
    let report = failure().await;
    print(format_args!("{report}"));
    Some(report)
}

/// Bypasses the harness, which hides the output of tests that pass.
fn print(what: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// Limit for what should happen at once, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Limit for the detection of a silent channel: interval and timeout of its keep-alive, which are two
/// seconds together, plus a margin for a busy machine.
const DETECTION: Duration = Duration::from_secs(3);
