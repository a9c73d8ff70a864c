//! Allocations, reallocations among them.

use std::alloc::System;

use stats_alloc::{Region, StatsAlloc};

use super::row::Row;

/// Those of one run. `allocator` is the program's global one.
pub fn count(allocator: &StatsAlloc<System>, row: &Row) -> usize {
    row.warm_up();
    let region = Region::new(allocator);
    row.run();
    let change = region.change();
    change.allocations + change.reallocations
}
