//! Packets that wait for their turn.

use std::collections::VecDeque;

use super::timeline::Spot;

/// Packets in the order of their numbers: at most [`Buffer::PACKETS`] of [`Buffer::LONGEST`] bytes each. The memory of those that
/// had their turn is used again.
#[derive(Default)]
pub struct Buffer {
    waiting: VecDeque<Waiting>,
    spare: Vec<Vec<u8>>,
}

/// A packet.
pub struct Waiting {
    /// Where it belongs.
    pub spot: Spot,
    /// 0 to 127.
    pub payload_type: u8,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Buffer {
    /// 1.2 s in packets of 10 ms.
    pub const PACKETS: usize = 120;

    /// Bytes of the longest payload: 60 ms of samples as they are at 16 kHz.
    pub const LONGEST: usize = 2048;

    /// Whether another packet pushes the first one out.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= Buffer::PACKETS
    }

    /// Packets that wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds a packet. One that is there already, or too long, is passed over.
    pub fn insert(&mut self, spot: Spot, payload_type: u8, payload: &[u8]) {
        if payload.len() > Buffer::LONGEST {
            return;
        }
        let after = self.waiting.iter().rposition(|waiting| waiting.spot.number <= spot.number);
        if after.is_some_and(|after| self.waiting[after].spot.number == spot.number) {
            return;
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.reserve_exact(payload.len());
        bytes.extend_from_slice(payload);
        self.waiting.insert(after.map_or(0, |after| after + 1), Waiting { spot, payload_type, payload: bytes });
    }

    /// The packet whose turn comes first.
    pub fn front(&self) -> Option<&Waiting> {
        self.waiting.front()
    }

    /// Takes it out; [`Buffer::give_back`] makes its memory useful again.
    pub fn pop(&mut self) -> Option<Waiting> {
        self.waiting.pop_front()
    }

    /// Takes the memory of a packet that had its turn.
    pub fn give_back(&mut self, mut waiting: Waiting) {
        waiting.payload.clear();
        self.spare.push(waiting.payload);
    }

    /// Bytes of memory that payloads have, used or spare.
    pub fn memory(&self) -> usize {
        let waiting = self.waiting.iter().map(|waiting| waiting.payload.capacity());
        waiting.chain(self.spare.iter().map(Vec::capacity)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_out_in_order_and_once() {
        let mut buffer = Buffer::default();
        for number in [5, 3, 4, 4, 9, 3, 6] {
            buffer.insert(Spot { number, place: 0 }, 0, &[number as u8]);
        }
        let mut order = Vec::new();
        while let Some(waiting) = buffer.pop() {
            order.push(waiting.payload[0]);
            buffer.give_back(waiting);
        }
        assert_eq!(order, [3, 4, 5, 6, 9]);
        assert_eq!(buffer.spare.len(), 5);
    }

    #[test]
    fn a_steady_stream_needs_no_memory_but_that_of_its_first_packets() {
        let mut buffer = Buffer::default();
        for number in 0..1000 {
            buffer.insert(Spot { number, place: 0 }, 0, &[0; 160]);
            if number >= 3 {
                let waiting = buffer.pop().unwrap();
                buffer.give_back(waiting);
            }
            assert!(buffer.memory() <= 4 * 160);
        }
    }
}
