//! Structured logs on standard error, and traces to a collector where one is configured.

use crate::config::Config;
use crate::exit::Failure;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use std::io::IsTerminal;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

/// What must be ended with the process so that no span is lost.
#[derive(Default)]
pub struct Logging(Option<SdkTracerProvider>);

/// Starts logs (level from `TANDEM_LOG`, default `info`; JSON where standard error is no terminal) and, with
/// `trace.otlp` set, traces. Must run inside the tokio runtime, which the exporter uses.
pub fn start(config: &Config) -> Result<Logging, Failure> {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .with_env_var("TANDEM_LOG")
        .from_env()
        .map_err(|why| Failure::Configuration(format!("TANDEM_LOG: {why}; for example TANDEM_LOG=info")))?;
    let writer = std::io::stderr;
    let logs: Box<dyn Layer<Registry> + Send + Sync> = if writer().is_terminal() {
        tracing_subscriber::fmt::layer().with_writer(writer).with_target(false).compact().boxed()
    } else {
        tracing_subscriber::fmt::layer().with_writer(writer).json().flatten_event(true).boxed()
    };
    let registry = tracing_subscriber::registry().with(logs.with_filter(filter));
    if config.trace.otlp.is_empty() {
        registry.init();
        return Ok(Logging::default());
    }
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(&config.trace.otlp).build().map_err(|why| {
        Failure::Configuration(format!("trace.otlp: {why}; for example trace.otlp = \"http://collector:4317\""))
    })?;
    let resource = Resource::builder()
        .with_service_name("tandem")
        .with_attribute(opentelemetry::KeyValue::new("service.instance.id", config.name.clone()))
        .build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("tandem"))
        .with_filter(Targets::new().with_target("tandem::trace", LevelFilter::INFO));
    registry.with(spans).init();
    trace::enable();
    Ok(Logging(Some(provider)))
}

impl Logging {
    /// Sends what is left to the collector.
    pub fn stop(self) {
        if let Some(provider) = self.0
            && let Err(why) = provider.shutdown()
        {
            tracing::warn!(%why, "spans were lost at the end");
        }
    }
}
