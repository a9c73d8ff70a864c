//! What is counted, as a recorder hears it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;

use ::metrics::with_local_recorder;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tokio::runtime::Builder;

/// Everything that was counted during one piece of work, on its thread.
#[derive(Default)]
pub struct Counts {
    recorder: DebuggingRecorder,
    // A snapshot takes away what it shows.
    sums: Mutex<BTreeMap<Series, f64>>,
}

/// A metric, and the values of its labels.
type Series = (String, Vec<(String, String)>);

/// Does the work, and waits for the threads that it has left behind. No time passes.
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
    /// Counts work outside of a runtime, too.
    pub fn add(&self, work: impl FnOnce()) {
        with_local_recorder(&self.recorder, work);
    }

    /// What was counted so far under a name, a line for each series that is not zero: the values of
    /// its labels, and its own. Of a histogram, how many values there are.
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

    /// Every series that was ever touched, with its value.
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
