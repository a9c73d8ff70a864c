//! The documentation of `tower_warder::metrics` lists exactly the recorded metrics.

use std::collections::{BTreeMap, BTreeSet};

use super::{counted, rejections};
use crate::support::{Mood, Store, layer, send};
use crate::{error_responses, secrecy};

#[test]
fn every_metric_is_described_and_documented() {
    use ::metrics_util::MetricKind;

    let recorder = super::DebuggingRecorder::new();
    let described = ::metrics::with_local_recorder(&recorder, || {
        tower_warder::metrics::describe();
        // The recorder lists only metrics that were used.
        for (name, metric) in page() {
            match metric.kind {
                "counter" => ::metrics::counter!(name).increment(0),
                "gauge" => ::metrics::gauge!(name).increment(0),
                _ => ::metrics::histogram!(name).record(0),
            }
        }
        recorder.snapshotter().snapshot().into_vec()
    });
    assert_eq!(described.len(), page().len());
    for (key, unit, description, _) in described {
        let name = key.key().name();
        assert!(description.is_some_and(|text| !text.is_empty()), "{name}");
        let seconds = name.ends_with("_seconds");
        assert_eq!(unit == Some(::metrics::Unit::Seconds), seconds, "{name}");
        assert_eq!(key.kind() == MetricKind::Histogram, seconds, "{name}");
        let counts = key.kind() == MetricKind::Counter;
        assert_eq!(name.ends_with("_total"), counts, "{name}");
    }
    // One row each.
    assert_eq!(PAGE.matches("\"tower_warder_").count(), page().len());
}

#[test]
fn documented_reasons_are_complete() {
    let counted: BTreeSet<_> = rejections::reasons().collect();
    assert_eq!(counted, reasons());
}

#[test]
fn label_values_are_limited_to_documented_ones() {
    let mut series = BTreeSet::new();
    let counts = counted(async |_| {
        error_responses::send_every_row().await;
        let token = tower_warder::testing::token("jane");
        for mood in [Mood::Answers, Mood::Fails, Mood::Panics] {
            let app = secrecy::routes().layer(layer(&Store::is(mood)));
            for sent in secrecy::attacks(&token) {
                for path in ["/user", "/option", "/admin", "/claims", "/layer", "/public"] {
                    let mut request = secrecy::with_value(&sent);
                    *request.uri_mut() = path.parse().unwrap();
                    send(&app, request).await;
                }
            }
        }
    });
    series.extend(counts.sums().into_keys());
    assert!(series.len() > 20, "{series:?}");

    let page = page();
    for (name, labels) in series {
        let metric = &page[&*name];
        for (label, value) in labels {
            assert!(metric.labels.contains(&*label), "{name}: {label}");
            let values = match &*label {
                "code" => codes(),
                "reason" => reasons(),
                _ => metric.values.clone(),
            };
            assert!(values.contains(&*value), "{name}: {label}={value}");
        }
    }
}

struct Metric {
    kind: &'static str,
    labels: BTreeSet<&'static str>,
    values: BTreeSet<&'static str>,
}

/// Metrics by name, from the first table.
fn page() -> BTreeMap<&'static str, Metric> {
    let lines = PAGE
        .lines()
        .filter(|line| line.starts_with("//! | `tower_warder_"));
    lines
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let (labels, values) = cells[3].split_once(':').unwrap_or((cells[3], ""));
            let metric = Metric {
                kind: cells[2],
                labels: quoted(labels),
                values: quoted(values),
            };
            (*quoted(cells[1]).first().unwrap(), metric)
        })
        .collect()
}

fn codes() -> BTreeSet<&'static str> {
    let paragraph = PAGE.split("of the response:").nth(1).unwrap();
    quoted(paragraph.split_once(". `reason`").unwrap().0)
}

/// Values of the label `reason`, from the second table.
fn reasons() -> BTreeSet<&'static str> {
    let table = PAGE.split("//! | `reason` | meaning |").nth(1).unwrap();
    let lines = table.lines().filter(|line| line.starts_with("//! | `"));
    lines
        .flat_map(|line| quoted(line.split('|').nth(1).unwrap()))
        .collect()
}

/// Texts between backquotes.
fn quoted(text: &'static str) -> BTreeSet<&'static str> {
    text.split('`').skip(1).step_by(2).collect()
}

const PAGE: &str = include_str!("../../../src/metrics/mod.rs");
