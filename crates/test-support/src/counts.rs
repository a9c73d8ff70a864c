//! Recorder of metrics.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;

use ::metrics::with_local_recorder;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tokio::runtime::Builder;

/// Metrics that were recorded during one piece of work, on its thread.
#[derive(Default)]
pub struct Counts {
    recorder: DebuggingRecorder,
    // A snapshot resets what it returns.
    sums: Mutex<BTreeMap<Series, f64>>,
}

/// Name of a metric and its labels.
type Series = (String, Vec<(String, String)>);

/// Runs the work on a paused clock, and waits for the threads that it spawned.
pub fn counted(work: impl AsyncFnOnce(&Counts)) -> Counts {
    let counts = Counts::default();
    with_local_recorder(&counts.recorder, || {
        let mut runtime = Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(work(&counts));
    });
    counts
}

impl Counts {
    /// Records work outside of a runtime, too.
    pub fn add(&self, work: impl FnOnce()) {
        with_local_recorder(&self.recorder, work);
    }

    /// Returns what was recorded so far under a name, a line for each series that is not zero: the
    /// values of its labels, and its own. For a histogram, the number of samples.
    pub fn of(&self, name: &str) -> String {
        let mut lines = Vec::new();
        for ((series, labels), sum) in self.sums() {
            if series == format!("tower_warder_{name}") && sum != 0.0 {
                let mut line = String::new();
                for (_, value) in labels {
                    write!(line, "{value} ").unwrap();
                }
                lines.push(format!("{line}{sum}"));
            }
        }
        lines.join("\n")
    }

    /// Returns every series that was ever touched, with its value.
    pub fn sums(&self) -> BTreeMap<Series, f64> {
        let mut sums = self.sums.lock().unwrap();
        for (key, .., value) in self.recorder.snapshotter().snapshot().into_vec() {
            let (name, labels) = key.key().clone().into_parts();
            let labels = labels.iter().map(|label| label.clone().into_parts());
            let labels = labels.map(|(key, value)| (key.to_string(), value.to_string()));
            let series = (name.as_str().to_owned(), labels.collect());
            *sums.entry(series).or_default() += match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(level) => level.into_inner(),
                DebugValue::Histogram(values) => values.len() as f64,
            };
        }
        sums.clone()
    }
}
