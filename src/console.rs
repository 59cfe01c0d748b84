//! The HTTP side: `/metrics` for Prometheus, `/live` and `/ready` for the platform that runs the process.

use axum::{Router, extract::State, http::StatusCode, routing::get};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use registry::Health;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;

/// What the console shows.
#[derive(Clone)]
pub struct Console {
    metrics: PrometheusHandle,
    readiness: Arc<Mutex<Readiness>>,
}

impl Console {
    /// Installs the process's metrics recorder; call it before the roles take their handles.
    pub fn install() -> Result<Console, metrics_exporter_prometheus::BuildError> {
        let buckets = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
        let mos = [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5];
        let round_trip = [0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0];
        let of = |name: &str| Matcher::Full(name.to_owned());
        let metrics = PrometheusBuilder::new()
            .set_buckets(&buckets)?
            .set_buckets_for_metric(of("tandem_media_mos"), &mos)?
            .set_buckets_for_metric(of("tandem_media_round_trip_seconds"), &round_trip)?
            .install_recorder()?;
        Ok(Console { metrics, readiness: Arc::new(Mutex::new(Readiness::Starts)) })
    }

    /// Says whether the process takes work: `/ready` answers 200 or 503.
    pub fn set_ready(&self, readiness: Readiness) {
        *self.readiness.lock().unwrap_or_else(PoisonError::into_inner) = readiness;
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
#[derive(Clone)]
pub enum Readiness {
    /// No keys or directory yet, or its sockets are not open.
    Starts,
    /// It does, as long as its registry's store works. A proxy or media node goes on with its last snapshot, whatever happens to others.
    Runs(Option<Arc<Health>>),
    /// Nothing new comes in.
    Ends,
}

async fn scrape(State(console): State<Console>) -> String {
    console.metrics.render()
}

async fn ready(State(console): State<Console>) -> (StatusCode, String) {
    let readiness = console.readiness.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let problem = match readiness {
        Readiness::Starts => Some("it starts".to_owned()),
        Readiness::Runs(None) => None,
        Readiness::Runs(Some(registry)) => registry.check().await.err().map(|why| format!("registry: {why}")),
        Readiness::Ends => Some("it ends".to_owned()),
    };
    match problem {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(problem) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {problem}\n")),
    }
}

const INDEX: &str = "Tandem\n\n/metrics  figures for Prometheus\n/live     200 while the process runs\n/ready    200 while it takes calls\n";
