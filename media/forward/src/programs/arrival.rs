//! What the kernel does with a packet that arrives for a call.
//!
//! Whatever is not the plain sound or picture of a flow goes on to the network stack and so to the process, which knows what to do.

use super::*;
use crate::assembler::{Label, R5, R7, R8, R9, Register};
use crate::{Course, Fate, Flow, LONGEST, Taken, Way};
use std::ops::RangeInclusive;

/// Bytes of a flow's key: source and destination address, source and destination port, as they stand one after the other in a
/// packet.
pub const KEY: usize = 12;
/// Bytes of what is known of a flow.
pub const VALUE: usize = 56;
/// Bytes of what is told of a packet that has gone on; before one that has come in, the same without its header.
pub const RECORD: usize = 32;

/// What a flow's packets are told by.
pub fn key(flow: &Flow) -> [u8; KEY] {
    let mut key = [0; KEY];
    put_addresses(&mut key, flow.from.ip().octets(), flow.at.ip().octets(), flow.from.port(), flow.at.port());
    key
}

/// What the program knows of a flow that was installed as the `number`th.
pub fn value(flow: &Flow, lane: u32, number: u32) -> [u8; VALUE] {
    let mut value = [0; VALUE];
    value[TAG as usize..][..8].copy_from_slice(&flow.tag.to_ne_bytes());
    // As two words of 64 bits, the lower payload types first.
    value[PASSES as usize..][..16].copy_from_slice(&flow.passes.to_le_bytes());
    if let Course::Onward(Way { source, to, leaves }) = &flow.course {
        let addresses = &mut value[ADDRESSES as usize..][..KEY];
        put_addresses(addresses, source.ip().octets(), to.ip().octets(), source.port(), to.port());
        value[LEAVES as usize..][..4].copy_from_slice(&leaves.to_ne_bytes());
    }
    for (at, word) in [(LANE, lane), (NUMBER, number), (ARRIVES, flow.arrives)] {
        value[at as usize..][..4].copy_from_slice(&word.to_ne_bytes());
    }
    value
}

/// What the program told of a packet.
///
/// # Panics
/// If a record is none of the program's, or `buffer` is too small for the packet in it.
pub fn taken(record: &[u8], buffer: &mut [u8]) -> Taken {
    let number = |at: i16| u64::from_ne_bytes(std::array::from_fn(|i| record[at as usize + i]));
    let length = u32::from_ne_bytes(std::array::from_fn(|i| record[TOLD_LENGTH as usize + i])) as usize;
    let fate = if record.len() == RECORD {
        Fate::Onward(std::array::from_fn(|i| record[TOLD_HEADER as usize + i]))
    } else {
        buffer[..length].copy_from_slice(&record[TOLD_HEADER as usize..][..length]);
        Fate::Inward
    };
    Taken { tag: number(TOLD_TAG), at: std::time::Duration::from_nanos(number(TOLD_TIME)), length, fate }
}

fn put_addresses(to: &mut [u8], source: [u8; 4], destination: [u8; 4], source_port: u16, destination_port: u16) {
    to[..4].copy_from_slice(&source);
    to[4..8].copy_from_slice(&destination);
    to[8..10].copy_from_slice(&source_port.to_be_bytes());
    to[10..12].copy_from_slice(&destination_port.to_be_bytes());
}

/// The program over a map of flows that arrive at these ports, and a map of rings, one for each lane.
pub fn forwarder(flows: &Map, rings: &Map, ports: &RangeInclusive<u16>) -> Vec<Instruction> {
    let (packet, flow, record) = (R6, R7, R8);
    let mut a = Assembler::default();
    let (next, drop) = (a.label(), a.label());
    a.set(Do::Move, packet, R1);

    // Sent to this machine.
    a.load(Width::Word, R1, packet, SKB_PACKET_TYPE);
    a.jump(If::Differs, R1, 0, next);

    // One IPv4 packet in one Ethernet frame, neither joined from several nor tagged.
    a.load(Width::Word, R1, packet, SKB_PROTOCOL);
    a.jump(If::Differs, R1, IPV4, next);
    a.load(Width::Word, R1, packet, SKB_VLAN_PRESENT);
    a.jump(If::Differs, R1, 0, next);
    a.load(Width::Word, R1, packet, SKB_GSO_SIZE);
    a.jump(If::Differs, R1, 0, next);

    // Its headers, onto the stack.
    a.set(Do::Move, R1, packet);
    a.set(Do::Move, R2, ETHERNET);
    stack_address(&mut a, R3, OLD);
    a.set(Do::Move, R4, HEADERS);
    a.call(SKB_LOAD_BYTES);
    a.jump(If::Differs, R0, 0, next);

    // UDP without options and not in fragments, that may travel on.
    a.load(Width::Byte, R1, STACK, OLD);
    a.jump(If::Differs, R1, 0x45, next);
    a.load(Width::Half, R1, STACK, OLD + IP_FRAGMENT);
    a.jump(If::Has, R1, i32::from(u16::from_ne_bytes([0x3f, 0xff])), next);
    a.load(Width::Byte, R1, STACK, OLD + IP_PROTOCOL);
    a.jump(If::Differs, R1, 17, next);
    a.load(Width::Half, R1, STACK, OLD + UDP_DESTINATION);
    a.network_to_number(R1);
    a.jump(If::Below, R1, i32::from(*ports.start()), next);
    a.jump(If::Above, R1, i32::from(*ports.end()), next);
    a.load(Width::Byte, R1, STACK, OLD + IP_TIME_TO_LIVE);
    a.jump(If::Below, R1, 2, next);

    // Both lengths agree, with room for RTP, and no link on the way needs fragments.
    a.load(Width::Half, R1, STACK, OLD + IP_LENGTH);
    a.network_to_number(R1);
    a.load(Width::Half, R9, STACK, OLD + UDP_LENGTH);
    a.network_to_number(R9);
    a.set(Do::Move, R2, R9);
    a.set(Do::Add, R2, i32::from(IP_HEADER));
    a.jump(If::Differs, R1, R2, next);
    a.set(Do::Add, R9, -i32::from(UDP_HEADER));
    a.jump(If::Below, R9, RTP_HEADER, next);
    a.jump(If::Above, R9, LONGEST as i32, next);

    // RTP by its looks (RFC 5764 §5.1.2, RFC 7983).
    a.load(Width::Byte, R1, STACK, OLD + RTP);
    a.set(Do::And, R1, 0xc0);
    a.jump(If::Differs, R1, 0x80, next);

    // Of a flow that is known, by the interface where it is to arrive. What comes by another may be forged, which the network stack knows
    // to judge.
    look_up(&mut a, flows, next);
    a.set(Do::Move, flow, R0);
    a.load(Width::Word, R1, flow, ARRIVES);
    a.load(Width::Word, R2, packet, SKB_INTERFACE);
    a.jump(If::Differs, R1, R2, next);

    // With a payload type that passes: bit n % 64 of word n / 64.
    a.load(Width::Byte, R1, STACK, OLD + RTP + 1);
    a.set(Do::And, R1, 0x7f);
    a.set(Do::Move, R2, R1);
    a.set(Do::ShiftRight, R2, 6);
    a.set(Do::ShiftLeft, R2, 3);
    a.set(Do::Add, R2, flow);
    a.load(Width::Double, R2, R2, PASSES);
    a.set(Do::And, R1, 0x3f);
    a.set(Do::ShiftRight, R2, R1);
    a.set(Do::And, R2, 1);
    a.jump(If::Equal, R2, 0, next);

    // When a flow is withdrawn, the kernel may give its memory to another one while we read it. What was read holds if the flow is still
    // there after that.
    for double in [TAG, ADDRESSES, ADDRESSES + 8, LANE] {
        a.load(Width::Double, R1, flow, double);
        a.store(Width::Double, STACK, FLOW + double, R1);
    }
    look_up(&mut a, flows, next);
    a.load(Width::Word, R1, R0, NUMBER);
    a.load(Width::Word, R2, STACK, FLOW + NUMBER);
    a.jump(If::Differs, R1, R2, next);
    stack_address(&mut a, flow, FLOW);

    // Is it to go on?
    let inward = a.label();
    a.load(Width::Word, R1, flow, LEAVES);
    a.jump(If::Equal, R1, 0, inward);

    // Then the process is told. With a full ring it takes the packet itself.
    reserve(&mut a, rings, RECORD, next);
    for word in [0, 4, 8] {
        a.load(Width::Word, R1, STACK, OLD + RTP + word);
        a.store(Width::Word, record, TOLD_HEADER + word, R1);
    }
    release(&mut a, record, RING_SUBMIT);

    // The new headers: addresses and ports of the flow, one hop less to live, and the class of voice.
    for word in [0, 8, 16] {
        a.load(Width::Double, R1, STACK, OLD + word);
        a.store(Width::Double, STACK, NEW + word, R1);
    }
    for word in [0, 4, 8] {
        a.load(Width::Word, R1, flow, ADDRESSES + word);
        a.store(Width::Word, STACK, NEW + IP_SOURCE + word, R1);
    }
    a.load(Width::Byte, R1, STACK, NEW + IP_TIME_TO_LIVE);
    a.set(Do::Add, R1, -1);
    a.store(Width::Byte, STACK, NEW + IP_TIME_TO_LIVE, R1);
    a.load(Width::Byte, R1, STACK, NEW + IP_CLASS);
    a.set(Do::And, R1, CONGESTION);
    a.set(Do::Or, R1, EXPEDITED);
    a.store(Width::Byte, STACK, NEW + IP_CLASS, R1);

    // Into the packet, with what changes in the sums. The one of UDP may be left to the network card, which needs only that of the
    // addresses.
    difference(&mut a, 0, IP_HEADER);
    a.set(Do::Move, R9, R0);
    a.set(Do::Move, R1, packet);
    a.set(Do::Move, R2, ETHERNET);
    stack_address(&mut a, R3, NEW);
    a.set(Do::Move, R4, i32::from(IP_HEADER) + 4);
    a.set(Do::Move, R5, 0);
    a.call(SKB_STORE_BYTES);
    a.jump(If::Differs, R0, 0, drop);
    a.set(Do::Move, R1, packet);
    a.set(Do::Move, R2, ETHERNET + i32::from(IP_SUM));
    a.set(Do::Move, R3, 0);
    a.set(Do::Move, R4, R9);
    a.set(Do::Move, R5, 0);
    a.call(L3_CSUM_REPLACE);
    a.jump(If::Differs, R0, 0, drop);
    difference(&mut a, IP_SOURCE, 8);
    udp_sum(&mut a, packet, SUM_OF_ADDRESSES);
    a.jump(If::Differs, R0, 0, drop);
    difference(&mut a, IP_HEADER, 4);
    udp_sum(&mut a, packet, 0);
    a.jump(If::Differs, R0, 0, drop);

    a.load(Width::Word, R1, flow, LEAVES);
    leave(&mut a);

    // The whole packet for the process, in the smallest room that it fits.
    a.place(inward);
    for room in [SOUND, LONGEST] {
        let larger = a.label();
        a.jump(If::Above, R9, room as i32, larger);
        reserve(&mut a, rings, TOLD_HEADER as usize + room, next);
        a.set(Do::Move, R1, packet);
        a.set(Do::Move, R2, ETHERNET + i32::from(RTP));
        a.set(Do::Move, R3, record);
        a.set(Do::Add, R3, i32::from(TOLD_HEADER));
        a.set(Do::Move, R4, R9);
        a.call(SKB_LOAD_BYTES);
        let broken = a.label();
        a.jump(If::Differs, R0, 0, broken);
        release(&mut a, record, RING_SUBMIT);
        end(&mut a, DROP);
        a.place(broken);
        release(&mut a, record, RING_DISCARD);
        end(&mut a, NEXT);
        a.place(larger);
    }

    a.place(next);
    end(&mut a, NEXT);
    a.place(drop);
    end(&mut a, DROP);
    a.finish()
}

/// What is known of the flow whose key lies in the packet.
fn look_up(a: &mut Assembler, flows: &Map, unknown: Label) {
    a.map(R1, flows.as_fd());
    stack_address(a, R2, OLD + IP_SOURCE);
    a.call(MAP_LOOKUP);
    a.jump(If::Equal, R0, 0, unknown);
}

/// Makes room in the flow's ring, and says whose packet it is, when it came and how long it is.
fn reserve(a: &mut Assembler, rings: &Map, bytes: usize, full: Label) {
    let (flow, record, length) = (R7, R8, R9);
    a.map(R1, rings.as_fd());
    a.set(Do::Move, R2, flow);
    a.set(Do::Add, R2, i32::from(LANE));
    a.call(MAP_LOOKUP);
    a.jump(If::Equal, R0, 0, full);
    a.set(Do::Move, R1, R0);
    a.set(Do::Move, R2, bytes as i32);
    a.set(Do::Move, R3, 0);
    a.call(RING_RESERVE);
    a.jump(If::Equal, R0, 0, full);
    a.set(Do::Move, record, R0);
    a.load(Width::Double, R1, flow, TAG);
    a.store(Width::Double, record, TOLD_TAG, R1);
    a.call(KTIME_GET_NS);
    a.store(Width::Double, record, TOLD_TIME, R0);
    a.store(Width::Word, record, TOLD_LENGTH, length);
}

/// Ends a record with `how`, without waking anybody: the reader looks by itself.
fn release(a: &mut Assembler, record: Register, how: i32) {
    const NO_WAKEUP: i32 = 1;
    a.set(Do::Move, R1, record);
    a.set(Do::Move, R2, NO_WAKEUP);
    a.call(how);
}

/// What the bytes at `from` change in a sum, from the old headers to the new ones.
fn difference(a: &mut Assembler, from: i16, length: i16) {
    stack_address(a, R1, OLD + from);
    a.set(Do::Move, R2, i32::from(length));
    stack_address(a, R3, NEW + from);
    a.set(Do::Move, R4, i32::from(length));
    a.set(Do::Move, R5, 0);
    a.call(CSUM_DIFF);
}

/// Takes the difference just found into the sum of UDP, which stays absent if it is.
fn udp_sum(a: &mut Assembler, packet: Register, flags: i32) {
    const MAY_BE_ABSENT: i32 = 1 << 5;
    a.set(Do::Move, R4, R0);
    a.set(Do::Move, R1, packet);
    a.set(Do::Move, R2, ETHERNET + i32::from(IP_HEADER + UDP_SUM));
    a.set(Do::Move, R3, 0);
    a.set(Do::Move, R5, flags | MAY_BE_ABSENT);
    a.call(L4_CSUM_REPLACE);
}

// Of `struct __sk_buff`.
const SKB_PACKET_TYPE: i16 = 4;
const SKB_VLAN_PRESENT: i16 = 20;
const SKB_INTERFACE: i16 = 40;
const SKB_GSO_SIZE: i16 = 176;

// Within the IP header (RFC 791 §3.1).
const IP_CLASS: i16 = 1;
const IP_LENGTH: i16 = 2;
const IP_FRAGMENT: i16 = 6;
const IP_TIME_TO_LIVE: i16 = 8;
const IP_PROTOCOL: i16 = 9;
const IP_SUM: i16 = 10;
const IP_SOURCE: i16 = 12;
const IP_HEADER: i16 = 20;
const UDP_DESTINATION: i16 = IP_HEADER + 2;
const UDP_LENGTH: i16 = IP_HEADER + 4;
/// Within the UDP header.
const UDP_SUM: i16 = 6;
const UDP_HEADER: i16 = 8;
const RTP: i16 = IP_HEADER + UDP_HEADER;
/// IP, UDP and the fixed part of RTP.
const HEADERS: i32 = 40;
/// Bytes of the fixed part of an RTP header.
const RTP_HEADER: i32 = 12;
/// Bytes of RTP with 40 ms of G.711, protected: what most sound fits.
const SOUND: usize = 352;
/// The two bits of the class that routers use to tell of congestion (RFC 3168).
const CONGESTION: i32 = 0b11;
/// Expedited forwarding (RFC 3246).
const EXPEDITED: i32 = 46 << 2;

/// The headers as they came, on the stack.
const OLD: i16 = -40;
/// IP header and ports as they leave.
const NEW: i16 = -64;
/// The first 48 bytes of a flow's value, without its payload types.
const FLOW: i16 = -112;

// Within a flow's value.
const TAG: i16 = 0;
const PASSES: i16 = 8;
const ADDRESSES: i16 = 24;
const LEAVES: i16 = 36;
const LANE: i16 = 40;
const NUMBER: i16 = 44;
const ARRIVES: i16 = 48;
// Within a record.
const TOLD_TAG: i16 = 0;
const TOLD_TIME: i16 = 8;
const TOLD_LENGTH: i16 = 16;
const TOLD_HEADER: i16 = 20;

// Of `enum bpf_func_id`.
const KTIME_GET_NS: i32 = 5;
const L3_CSUM_REPLACE: i32 = 10;
const L4_CSUM_REPLACE: i32 = 11;
const CSUM_DIFF: i32 = 28;
const RING_RESERVE: i32 = 131;
const RING_SUBMIT: i32 = 132;
const RING_DISCARD: i32 = 133;
/// The difference is one of the pseudo header (RFC 768).
const SUM_OF_ADDRESSES: i32 = 1 << 4;
