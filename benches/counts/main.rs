//! Instructions and allocations: `cargo bench --bench counts`.
//!
//! Without an argument the rows are counted natively, by single-stepping. `-- --check` compares the
//! counts of valgrind, which are the same on every machine, with `benches/counts.txt`; `-- --update`
//! writes that file.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a bench that cannot go on stops"
)]
#![cfg_attr(not(target_os = "linux"), allow(dead_code, unused_imports))]

use std::alloc::System;
use std::env;
use std::process::ExitCode;

use stats_alloc::StatsAlloc;

use crate::support::allocations;
use crate::support::row::Row;
#[cfg(target_os = "linux")]
use crate::support::steps;

#[allow(dead_code, unreachable_pub, reason = "for other benches, too")]
#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code, reason = "for other benches, too")]
#[path = "../rows/mod.rs"]
mod rows;
mod callgrind;
mod ledger;

/// Adds about five instructions to an allocation and its release.
#[global_allocator]
static ALLOCATOR: StatsAlloc<System> = StatsAlloc::system();

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("instructions are counted on Linux only");
    ExitCode::FAILURE
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    rows::recorder::install();
    let mut rows = rows::counted();
    rows.retain(wanted);
    let has = |flag: &str| env::args().any(|argument| argument == flag);
    if has(steps::CHILD) {
        steps::be_stepped(&rows);
    } else if has(callgrind::CHILD) {
        callgrind::be_counted(&rows);
    } else if has("--check") {
        return ledger::check(&measure(&rows, callgrind::count));
    } else if has("--update") {
        ledger::write(&measure(&rows, callgrind::count));
    } else {
        print(&measure(&rows, steps::count));
    }
    ExitCode::SUCCESS
}

/// Returns `true` if the row is selected by a part of its name.
fn wanted(row: &Row) -> bool {
    let mut words = env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--") && argument.parse::<usize>().is_err())
        .peekable();
    words.peek().is_none() || words.any(|word| row.name().contains(&word))
}

/// Cost of one run of a row.
struct Count {
    name: String,
    instructions: u64,
    allocations: usize,
}

fn measure(rows: &[Row], instructions: fn(usize) -> Vec<u64>) -> Vec<Count> {
    let instructions = instructions(rows.len());
    rows.iter()
        .zip(instructions)
        .map(|(row, instructions)| Count {
            name: row.name().to_owned(),
            instructions,
            allocations: allocations::count(&ALLOCATOR, row),
        })
        .collect()
}

/// Prints lines that `benches/measure` reads.
fn print(counts: &[Count]) {
    println!("| row | instructions | allocations |\n|---|--:|--:|");
    for count in counts {
        println!(
            "| {} | {} | {} |",
            count.name, count.instructions, count.allocations
        );
    }
}
