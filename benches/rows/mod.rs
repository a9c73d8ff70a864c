//! What is measured of ourselves.

use crate::support::row::Row;

pub(crate) mod router;
pub(crate) mod service;
pub(crate) mod verification;

/// Every row whose counts are the same in each run.
pub(crate) fn counted() -> Vec<Row> {
    let groups = [
        ("router", router::rows()),
        ("service", service::rows()),
        ("verification", verification::rows()),
    ];
    let rows = groups
        .into_iter()
        .flat_map(|(group, rows)| rows.into_iter().map(move |row| row.within(group)));
    rows.collect()
}
