//! Rows of tower-warder.

use crate::support::row::Row;

pub(crate) mod recorder;
pub(crate) mod router;
pub(crate) mod service;
pub(crate) mod verification;

/// Every row with reproducible counts.
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

/// Rows for several threads with the same token.
pub(crate) fn hot() -> [Row; 4] {
    [
        verification::hot(),
        verification::hot_cached(),
        router::hot(),
        router::hot_without(),
    ]
}
