//! What is measured of ourselves.

use crate::support::row::Row;

pub(crate) mod recorder;
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
    #[cfg(feature = "aws-lc-rs")]
    let rows = rows.chain(router::asymmetric_cached().map(|row| row.within("router")));
    rows.collect()
}

/// What many threads may do at the same moment with the same token.
pub(crate) fn hot() -> [Row; 4] {
    [
        verification::hot(),
        verification::hot_cached(),
        router::hot(),
        router::hot_without(),
    ]
}
