//! Times: `cargo bench --bench times`, with `--features aws-lc-rs` for all algorithms.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a bench that cannot go on stops"
)]

use divan::Bencher;

use crate::support::row::Row;

#[allow(dead_code, unreachable_pub, reason = "for other benches, too")]
mod support;
#[allow(dead_code, reason = "for other benches, too")]
mod rows;

fn main() {
    rows::recorder::install();
    // A sample is long enough for the clock, and short enough to end within a time slice.
    divan::Divan::default()
        .sample_count(200)
        .sample_size(50)
        .config_with_args()
        .main();
}

/// One request through an axum router.
#[divan::bench(args = rows::router::timed())]
fn router(bencher: Bencher<'_, '_>, row: &Row) {
    bencher.bench(|| row.run());
}

/// One request through a plain tower service.
#[divan::bench(args = rows::service::rows())]
fn service(bencher: Bencher<'_, '_>, row: &Row) {
    bencher.bench(|| row.run());
}

/// Verification of a token, and for each signature algorithm the bare signature.
#[divan::bench(args = rows::verification::timed())]
fn verification(bencher: Bencher<'_, '_>, row: &Row) {
    bencher.bench(|| row.run());
}

/// The same token in several threads: if nothing is shared, the time stays the same as long as there
/// are free cores. Samples take milliseconds, so that the threads overlap.
#[divan::bench(args = rows::hot(), threads = [1, 2, 4], sample_size = 10_000, sample_count = 50)]
fn threads(bencher: Bencher<'_, '_>, row: &Row) {
    bencher.bench(|| row.run());
}
