//! Prometheus metrics, at an address of their own so that they are not public by accident.

use std::net::SocketAddr;

use tower_warder::BoxError;

#[cfg(feature = "metrics")]
pub(crate) use self::served::Metrics;
#[cfg(not(feature = "metrics"))]
pub(crate) use self::unserved::Metrics;

#[cfg(feature = "metrics")]
mod served {
    use std::time::Duration;

    use axum::Router;
    use axum::extract::State;
    use axum::http::header::CONTENT_TYPE;
    use axum::response::IntoResponse;
    use axum::routing::get;
    use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
    use tokio::net::TcpListener;

    use super::{BoxError, SocketAddr};

    /// Recorder that counts from its creation, and the listener that serves it.
    pub(crate) struct Metrics {
        listener: TcpListener,
        handle: PrometheusHandle,
    }

    impl Metrics {
        /// Listens at `address`, and installs the recorder.
        pub(crate) async fn listen(address: SocketAddr) -> Result<Self, BoxError> {
            let listener = TcpListener::bind(address).await.map_err(|error| {
                format!("cannot listen on {address}; choose another METRICS_ADDR: {error}")
            })?;
            // Buckets, not quantiles: buckets of several nodes can be summed.
            let handle = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)?
                .install_recorder()?;
            tower_warder::metrics::describe();
            Ok(Self { listener, handle })
        }

        /// Serves `GET /metrics` until the process ends.
        pub(crate) fn serve(self) -> Result<(), BoxError> {
            let Self { listener, handle } = self;
            println!("metrics on http://{}/metrics", listener.local_addr()?);
            let app = Router::new()
                .route("/metrics", get(render))
                .with_state(handle.clone());
            tokio::spawn(async { axum::serve(listener, app).await });
            tokio::spawn(async move {
                let mut interval = tokio::time::interval(UPKEEP);
                loop {
                    interval.tick().await;
                    handle.run_upkeep();
                }
            });
            Ok(())
        }
    }

    async fn render(State(handle): State<PrometheusHandle>) -> impl IntoResponse {
        ([(CONTENT_TYPE, TEXT)], handle.render())
    }

    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// From a cache hit to a store that is almost down.
    const BUCKETS: [f64; 13] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
    ];

    /// Interval of the upkeep, without which recorded histogram samples stay in memory until the
    /// next scrape.
    const UPKEEP: Duration = Duration::from_secs(5);
}

#[cfg(not(feature = "metrics"))]
mod unserved {
    use super::{BoxError, SocketAddr};

    /// Placeholder without the feature `metrics`.
    pub(crate) enum Metrics {}

    impl Metrics {
        pub(crate) async fn listen(_: SocketAddr) -> Result<Self, BoxError> {
            let remedy = "build it with `--features metrics`, or unset it";
            Err(format!("METRICS_ADDR: this server was built without metrics; {remedy}").into())
        }

        pub(crate) fn serve(self) -> Result<(), BoxError> {
            match self {}
        }
    }
}
