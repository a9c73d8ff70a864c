//! Instructions and allocations of every peer: `cargo run --release --bin counts`, with
//! `-- --aws-lc-rs` for the asymmetric algorithms.

use std::alloc::System;
use std::env;

use peers::support::{allocations, steps};
use stats_alloc::StatsAlloc;

/// Adds about five instructions to an allocation and its release.
#[global_allocator]
static ALLOCATOR: StatsAlloc<System> = StatsAlloc::system();

fn main() {
    let backend = peers::backend();
    backend.install();
    let rows = backend.rows();
    if env::args().any(|argument| argument == steps::CHILD) {
        return steps::be_stepped(&rows);
    }

    println!("| row | instructions | allocations |\n|---|--:|--:|");
    for (row, instructions) in rows.iter().zip(steps::count(rows.len())) {
        let allocations = allocations::count(&ALLOCATOR, row);
        println!("| {row} | {instructions} | {allocations} |");
    }
}
