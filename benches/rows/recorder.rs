//! Recorder of metrics, if `RECORDER` is set.

/// Installs the recorder for Prometheus, if `RECORDER` is set.
#[cfg(feature = "metrics")]
pub(crate) fn install() {
    if std::env::var_os("RECORDER").is_some() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new();
        recorder.install_recorder().expect("there is no other one");
    }
}

/// Does nothing without the feature `metrics`.
#[cfg(not(feature = "metrics"))]
pub(crate) const fn install() {}
