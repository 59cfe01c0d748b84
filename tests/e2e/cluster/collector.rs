//! A collector of OpenTelemetry spans, as small as can be.

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use support::own_address;
use tokio::runtime::Runtime;
use tonic::{Request, Response, Status};

/// Spans that arrived.
type Spans = Arc<Mutex<Vec<Arrived>>>;

struct Arrived {
    trace: String,
    name: String,
    /// Names of the attributes.
    attributes: Vec<String>,
}

/// It listens until the value is dropped.
pub struct Collector {
    pub address: SocketAddr,
    spans: Spans,
    _runtime: Runtime,
}

impl Collector {
    pub fn start() -> Collector {
        let address = SocketAddr::new(own_address(), 4317);
        let spans = Spans::default();
        let runtime = Runtime::new().expect("a runtime");
        let server = TraceServiceServer::new(Receiver(spans.clone()));
        runtime.spawn(tonic::transport::Server::builder().add_service(server).serve(address));
        Collector { address, spans, _runtime: runtime }
    }

    /// The names of the spans of one trace, as they came.
    pub fn spans_of(&self, trace: &str) -> Vec<String> {
        let spans = self.spans.lock().expect("nobody panics with it");
        spans.iter().filter(|span| span.trace == trace).map(|span| span.name.clone()).collect()
    }

    /// The names of the attributes of the spans of this name in one trace.
    pub fn attributes_of(&self, trace: &str, name: &str) -> Vec<String> {
        let spans = self.spans.lock().expect("nobody panics with it");
        let spans = spans.iter().filter(|span| (&*span.trace, &*span.name) == (trace, name));
        spans.flat_map(|span| span.attributes.clone()).collect()
    }
}

struct Receiver(Spans);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let all = request.into_inner().resource_spans.into_iter().flat_map(|of| of.scope_spans);
        let named = all.flat_map(|of| of.spans).map(|span| {
            let trace: String = span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
            let attributes = span.attributes.into_iter().map(|attribute| attribute.key).collect();
            Arrived { trace, name: span.name, attributes }
        });
        self.0.lock().expect("nobody panics with it").extend(named);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
