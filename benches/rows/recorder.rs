//! Who hears what is counted: nobody, unless `RECORDER` is set.

/// Installs the recorder for Prometheus, if asked to.
#[cfg(feature = "metrics")]
pub(crate) fn install() {
    if std::env::var_os("RECORDER").is_some() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new();
        recorder.install_recorder().expect("there is no other one");
    }
}

/// Without the feature `metrics` nothing is counted.
#[cfg(not(feature = "metrics"))]
pub(crate) const fn install() {}
