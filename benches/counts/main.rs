//! Instructions and allocations: `cargo bench --bench counts`.
//!
//! Without an argument the rows are counted natively, by single steps. `-- --check` compares what
//! valgrind counts, which is the same on every machine, with `benches/counts.txt`; `-- --update`
//! writes that file.

use std::alloc::System;
use std::env;
use std::process::ExitCode;

use stats_alloc::{Region, StatsAlloc};

use crate::support::row::Row;

#[allow(dead_code, unreachable_pub, reason = "for other benches, too")]
#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code, reason = "for other benches, too")]
#[path = "../rows/mod.rs"]
mod rows;
mod callgrind;
mod ledger;
mod steps;

/// Adds about five instructions to an allocation and its end.
#[global_allocator]
static ALLOCATOR: StatsAlloc<System> = StatsAlloc::system();

fn main() -> ExitCode {
    let rows = rows::counted();
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

/// What one run of a row takes.
struct Count {
    name: String,
    instructions: u64,
    allocations: u64,
}

fn measure(rows: &[Row], instructions: fn(usize) -> Vec<u64>) -> Vec<Count> {
    let instructions = instructions(rows.len());
    rows.iter()
        .zip(instructions)
        .map(|(row, instructions)| Count {
            name: row.name().to_owned(),
            instructions,
            allocations: allocations(row),
        })
        .collect()
}

fn allocations(row: &Row) -> u64 {
    row.warm_up();
    let region = Region::new(&ALLOCATOR);
    row.run();
    let change = region.change();
    (change.allocations + change.reallocations) as u64
}

/// In lines that `benches/measure` reads.
fn print(counts: &[Count]) {
    println!("| row | instructions | allocations |\n|---|--:|--:|");
    for count in counts {
        let [instructions, allocations] = [count.instructions, count.allocations];
        println!("| {} | {instructions} | {allocations} |", count.name);
    }
}
