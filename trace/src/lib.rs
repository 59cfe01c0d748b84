//! One OpenTelemetry trace a call, across proxy, registry and media node.
//!
//! The trace id is a hash of the caller's Call-ID, so the roles agree on it without passing a context along, and an
//! operator finds the trace by the Call-ID. With no collector configured a span costs one relaxed load.
#![forbid(unsafe_code)]

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

static ENABLED: AtomicBool = AtomicBool::new(false);

/// Switches call spans on; called once, when a collector is configured.
pub fn enable() {
    ENABLED.store(true, Ordering::Relaxed);
}

/// Whether call spans are recorded.
pub fn is_enabled() -> bool {
    ENABLED.load(Ordering::Relaxed)
}

/// A span of the call's trace, or a disabled span where no collector is configured.
///
/// `call_id` is the Call-ID of the caller's leg, `name` what happens ("proxy INVITE"), `detail` what it concerns.
pub fn call_span(call_id: &str, name: &'static str, detail: &str) -> Span {
    if !is_enabled() {
        return Span::none();
    }
    let span = tracing::info_span!(target: "tandem::trace", "call", otel.name = name, call_id, detail);
    // An unset parent only means that no collector layer is installed: the span then goes nowhere.
    let _ = span.set_parent(Context::new().with_remote_span_context(root_of(call_id)));
    span
}

/// Sets an attribute of a span that is not ended yet; nothing where no collector is configured.
pub fn mark(span: &Span, key: &'static str, value: f64) {
    span.set_attribute(key, value);
}

/// The trace id of a call: the first 16 bytes of the SHA-256 of its Call-ID, as 32 hex digits.
pub fn trace_id(call_id: &str) -> String {
    root_of(call_id).trace_id().to_string()
}

fn root_of(call_id: &str) -> SpanContext {
    let hash: [u8; 32] = Sha256::digest(call_id.as_bytes()).into();
    let mut trace = [0; 16];
    let mut span = [0; 8];
    trace.copy_from_slice(&hash[..16]);
    span.copy_from_slice(&hash[16..24]);
    SpanContext::new(
        TraceId::from_bytes(trace),
        SpanId::from_bytes(span),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_derives_the_same_trace_from_a_call_id() {
        assert_eq!(trace_id("a84b4c76e66710@pc33.example"), trace_id("a84b4c76e66710@pc33.example"));
        assert_ne!(trace_id("a"), trace_id("b"));
        assert_eq!(trace_id("a").len(), 32);
    }

    #[test]
    fn without_a_collector_a_span_is_disabled() {
        assert!(call_span("a", "proxy INVITE", "").is_disabled());
    }
}
