//! The HTTP side: `/metrics` for Prometheus, `/live` and `/ready` for the platform that runs the process.

use axum::{Router, extract::State, http::StatusCode, routing::get};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;

/// What the console shows.
#[derive(Clone)]
pub struct Console {
    metrics: PrometheusHandle,
    ready: Arc<AtomicBool>,
}

impl Console {
    /// Installs the process's metrics recorder; call it before the roles take their handles.
    pub fn install() -> Result<Console, metrics_exporter_prometheus::BuildError> {
        let buckets = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
        let metrics = PrometheusBuilder::new().set_buckets(&buckets)?.install_recorder()?;
        Ok(Console { metrics, ready: Arc::new(AtomicBool::new(false)) })
    }

    /// Says whether the process takes work: `/ready` answers 200 or 503.
    pub fn set_ready(&self, readiness: Readiness) {
        self.ready.store(readiness == Readiness::Ready, Ordering::Relaxed);
    }

    /// Binds the address and serves until the runtime ends; gives the bound address.
    pub async fn serve(&self, address: SocketAddr) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let bound = listener.local_addr()?;
        let routes = Router::new()
            .route("/", get(async || INDEX))
            .route("/metrics", get(scrape))
            // Liveness never depends on a store or another member: a process that answers is alive.
            .route("/live", get(async || "alive\n"))
            .route("/ready", get(ready))
            .with_state(self.clone());
        tokio::spawn(async move {
            if let Err(why) = axum::serve(listener, routes).await {
                tracing::error!(%why, "console stopped");
            }
        });
        let upkeep = self.metrics.clone();
        tokio::spawn(async move {
            let mut every = tokio::time::interval(std::time::Duration::from_secs(5));
            loop {
                every.tick().await;
                upkeep.run_upkeep();
            }
        });
        Ok(bound)
    }
}

/// Whether the process takes work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Readiness {
    /// It has keys and a directory, and its sockets are open.
    Ready,
    /// It starts or drains.
    NotReady,
}

async fn scrape(State(console): State<Console>) -> String {
    console.metrics.render()
}

async fn ready(State(console): State<Console>) -> (StatusCode, &'static str) {
    match console.ready.load(Ordering::Relaxed) {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}

const INDEX: &str = "Tandem\n\n/metrics  figures for Prometheus\n/live     200 while the process runs\n/ready    200 while it takes calls\n";
