//! The worker's metrics, as handles.

use crate::edge::{Count, Counts};
use metrics::{Counter, Gauge, counter, gauge};
use sip::hop::Transport;

/// `tandem_proxy_*`; the handles of all workers add up.
pub(super) struct Meters {
    counts: Vec<Counter>,
    connections: Vec<Gauge>,
    waiting: Gauge,
    waited: usize,
    /// Connections refused because their source is banned.
    pub refused_banned: Counter,
    /// Connections refused because there are too many.
    pub refused_full: Counter,
    /// Connections closed because they were silent, or did not complete what they began, for too long.
    pub closed_overdue: Counter,
    /// Connections closed because their peer does not read.
    pub closed_backlog: Counter,
    /// Datagrams that the kernel did not take.
    pub lost_datagrams: Counter,
    /// Messages for a connection that was gone, or of a worker that does not keep up.
    pub lost_stream: Counter,
    /// Messages that no member of the cluster could be given.
    pub undelivered: Counter,
    /// Messages that brought a fault of ours to light.
    pub panics: Counter,
}

impl Meters {
    pub fn new() -> Meters {
        let counts = Count::ALL.iter().map(|count| {
            let (name, label, value) = count.metric();
            counter!(name, label => value)
        });
        let connections =
            Transport::ALL.map(|transport| gauge!("tandem_proxy_connections", "transport" => transport.uri_text()));
        let lost = |way: &'static str| counter!("tandem_proxy_lost_total", "way" => way);
        let closed = |reason: &'static str| counter!("tandem_proxy_connections_closed_total", "reason" => reason);
        let refused = |reason: &'static str| counter!("tandem_proxy_connections_refused_total", "reason" => reason);
        Meters {
            counts: counts.collect(),
            connections: connections.into(),
            waiting: gauge!("tandem_proxy_waiting"),
            waited: 0,
            refused_banned: refused("banned"),
            refused_full: refused("full"),
            closed_overdue: closed("overdue"),
            closed_backlog: closed("backlog"),
            lost_datagrams: lost("datagram"),
            lost_stream: lost("stream"),
            undelivered: lost("member"),
            panics: counter!("tandem_proxy_panics_total"),
        }
    }

    /// Connections of a transport.
    pub fn connections(&self, transport: Transport) -> &Gauge {
        &self.connections[usize::from(transport.index())]
    }

    /// Carries over what the edge has counted.
    pub fn carry(&mut self, counts: &mut Counts, waiting: usize) {
        for (count, sum) in counts.take() {
            self.counts[count as usize].increment(sum);
        }
        self.waiting.increment(waiting as f64 - self.waited as f64);
        self.waited = waiting;
    }
}
