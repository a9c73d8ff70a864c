//! Counting of allocations, including reallocations.

use std::alloc::System;

use stats_alloc::{Region, StatsAlloc};

use super::row::Row;

/// Allocations of one run. `allocator` is the global allocator of the program.
pub fn count(allocator: &StatsAlloc<System>, row: &Row) -> usize {
    row.warm_up();
    let region = Region::new(allocator);
    row.run();
    let change = region.change();
    change.allocations + change.reallocations
}
