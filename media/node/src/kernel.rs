//! What of this node runs in the kernel.

use crate::plane::Kernel;
use forward::{Departures, Forwarder};
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The programs that take packets in the sockets' place, and that send them.
pub struct Programs {
    forwarder: Arc<Forwarder>,
    departures: Option<Arc<Departures>>,
}

impl Programs {
    /// Loads them for so many shards; `None` where the kernel does not take them: RTP goes by sockets.
    ///
    /// # Errors
    /// The kernel has nothing random.
    pub fn load(shards: u32, ports: &RangeInclusive<u16>) -> io::Result<Option<Programs>> {
        let forwarder = match Forwarder::load(shards, ports) {
            Ok(forwarder) => Arc::new(forwarder),
            Err(why) => {
                tracing::info!(%why, "RTP goes by sockets, and the kernel forwards none of it");
                return Ok(None);
            }
        };
        let departures = Departures::load(shards, getrandom::u64()?);
        let departures = departures.inspect_err(|why| tracing::info!(%why, "RTP of the process leaves by sockets"));
        Ok(Some(Programs { forwarder, departures: departures.ok().map(Arc::new) }))
    }

    /// One shard's part of them.
    ///
    /// # Errors
    /// The kernel has no memory for it.
    pub fn of_shard(&self, shard: u32) -> io::Result<Kernel> {
        let outbox = self.departures.as_ref().map(|departures| departures.outbox(shard)).transpose();
        let outbox = outbox.inspect_err(|why| tracing::info!(%why, shard, "RTP of the process leaves by sockets"));
        Ok(Kernel { lane: self.forwarder.lane(shard)?, outbox: outbox.ok().flatten() })
    }
}
