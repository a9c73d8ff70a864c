//! Nanoseconds of every peer, interleaved: `cargo run --release --bin times`, with `-- --aws-lc-rs`
//! for the asymmetric algorithms.
//!
//! Each round times each row once, so that ratios are comparable whatever the load of the machine.
//! Prints the medians of the rounds.

use std::time::{Duration, Instant};

use peers::support::row::Row;

fn main() {
    let backend = peers::backend();
    backend.install();
    let rows = backend.rows();

    let repetitions: Vec<_> = rows.iter().map(repetitions).collect();
    let mut samples = vec![Vec::new(); rows.len()];
    for round in 0..ROUNDS {
        for place in 0..rows.len() {
            // Varies the order, so that no row always runs after the same one.
            let index = (place + 7 * round) % rows.len();
            let (row, repetitions) = (&rows[index], repetitions[index]);
            samples[index].push(time(row, repetitions) / f64::from(repetitions));
        }
    }

    println!("| row | ns | fastest |\n|---|--:|--:|");
    for (row, samples) in rows.iter().zip(&mut samples) {
        samples.sort_by(f64::total_cmp);
        println!("| {row} | {:.0} | {:.0} |", samples[ROUNDS / 2], samples[0]);
    }
}

/// Number of runs of a row within [`SAMPLE`].
fn repetitions(row: &Row) -> u32 {
    row.warm_up();
    let mut repetitions = 1;
    loop {
        let took = time(row, repetitions);
        if took > 1e6 {
            let once = took / f64::from(repetitions);
            return (SAMPLE.as_nanos() as f64 / once).ceil() as u32;
        }
        repetitions *= 2;
    }
}

/// Nanoseconds of one run.
fn time(row: &Row, repetitions: u32) -> f64 {
    let start = Instant::now();
    (0..repetitions).for_each(|_| row.run());
    start.elapsed().as_nanos() as f64
}

const ROUNDS: usize = 201;
const SAMPLE: Duration = Duration::from_millis(1);
