//! What the kernel does with packets that the process has laid into shared memory.
//!
//! The process sends an order to itself over the loopback interface: a datagram that names packets in that memory. At the interface's ingress
//! the program makes each of them of the order, one after the other, and has a copy sent by the same interface. There a copy for this
//! machine goes on to its socket; one for another is seen by the program a second time, and leaves.
//!
//! Because the order came from a socket, copies have what the kernel wants of packets over loopback: a route, and a UDP sum that is left to
//! whoever needs it.

use super::*;
use crate::assembler::{R5, R7, R8, R9};
use crate::departures::{BATCH, FRAME, LANE, SLOT, SLOTS, TAKEN};

/// What an order says, in a datagram's first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Whoever knows it may give orders.
    pub secret: u64,
    /// The number of the first packet.
    pub first: u64,
    /// In whose memory they are.
    pub lane: u32,
    /// How many there are, [`BATCH`] at most.
    pub count: u32,
}

impl Order {
    /// Bytes of it.
    pub const LENGTH: usize = 24;

    /// As the program reads it.
    pub fn to_bytes(self) -> [u8; Order::LENGTH] {
        let mut bytes = [0; Order::LENGTH];
        bytes[..8].copy_from_slice(&self.secret.to_ne_bytes());
        bytes[8..16].copy_from_slice(&self.first.to_ne_bytes());
        bytes[16..20].copy_from_slice(&self.lane.to_ne_bytes());
        bytes[20..].copy_from_slice(&self.count.to_ne_bytes());
        bytes
    }
}

/// The Ethernet header of a packet. It goes to the loopback interface's own address, which is all zero: others would make it somebody
/// else's. Of one that is then to leave the machine the source is the secret, by which the program knows it.
pub fn ethernet(leaves: bool, secret: u64) -> [u8; ETHERNET as usize] {
    let mut header = [0; ETHERNET as usize];
    if leaves {
        header[4..12].copy_from_slice(&secret.to_ne_bytes());
    }
    header[12] = 0x08;
    header
}

/// Makes a secret of random bits: all but the two bytes that lie in the destination of an Ethernet header.
pub fn secret(random: u64) -> u64 {
    u64::from_le((random | 1) << 16)
}

/// The program for the loopback interface of that number, over the memory of all lanes.
pub fn sender(lanes: &Map, loopback: u32, secret: u64) -> Vec<Instruction> {
    let (packet, lane, number, left) = (R6, R7, R8, R9);
    let mut a = Assembler::default();
    let (ordered, next, drop) = (a.label(), a.label(), a.label());
    a.set(Do::Move, packet, R1);
    a.load(Width::Word, R1, packet, SKB_PROTOCOL);
    a.jump(If::Differs, R1, IPV4, next);

    // Made here before?
    bytes_of(&mut a, 0, HEADER, 12);
    a.jump(If::Differs, R0, 0, next);
    a.constant(R2, secret);
    a.load(Width::Double, R1, STACK, HEADER + 4);
    a.jump(If::Differs, R1, R2, ordered);
    a.load(Width::Word, R1, packet, SKB_MARK);
    a.set(Do::Move, R2, 0);
    a.store(Width::Word, packet, SKB_MARK, R2);
    leave(&mut a);

    // An order?
    a.place(ordered);
    bytes_of(&mut a, ETHERNET + IP_AND_UDP, ORDER, Order::LENGTH as i32);
    a.jump(If::Differs, R0, 0, next);
    a.constant(R2, secret);
    a.load(Width::Double, R1, STACK, ORDER);
    a.jump(If::Differs, R1, R2, next);
    a.map(R1, lanes.as_fd());
    stack_address(&mut a, R2, ORDER + 16);
    a.call(MAP_LOOKUP);
    a.jump(If::Equal, R0, 0, drop);
    a.set(Do::Move, lane, R0);
    a.load(Width::Double, number, STACK, ORDER + 8);
    a.load(Width::Word, left, STACK, ORDER + 20);
    a.jump(If::Above, left, BATCH as i32, drop);
    // An order that another one has overtaken is not carried out any more: its packets may be gone.
    a.load(Width::Double, R1, lane, TAKEN as i16);
    a.jump(If::Below, number, R1, drop);

    // Packet after packet. The process may write a new one in the place of one that it believes gone: what was read holds if its number is
    // still there afterwards.
    let (top, skip, done) = (a.label(), a.label(), a.label());
    a.place(top);
    a.jump(If::Equal, left, 0, done);
    a.set(Do::Add, left, -1);
    a.set(Do::Move, R2, number);
    a.set(Do::And, R2, SLOTS as i32 - 1);
    a.set(Do::Multiply, R2, SLOT as i32);
    a.set(Do::Add, R2, lane);
    a.set(Do::Add, R2, LANE as i32);
    a.store(Width::Double, STACK, PLACE, R2);
    a.fetch(R1, R2, 0);
    a.jump(If::Differs, R1, number, skip);
    a.load(Width::Word, R1, R2, 12);
    a.store(Width::Word, packet, SKB_MARK, R1);
    a.load(Width::Word, R2, R2, 8);
    a.jump(If::Below, R2, ETHERNET + IP_AND_UDP, skip);
    a.jump(If::Above, R2, FRAME as i32, skip);
    a.store(Width::Double, STACK, LENGTH, R2);
    a.set(Do::Move, R1, packet);
    a.set(Do::Move, R3, 0);
    a.call(SKB_CHANGE_TAIL);
    a.jump(If::Differs, R0, 0, skip);
    a.set(Do::Move, R1, packet);
    a.set(Do::Move, R2, 0);
    a.load(Width::Double, R3, STACK, PLACE);
    a.set(Do::Add, R3, 16);
    a.load(Width::Double, R4, STACK, LENGTH);
    a.set(Do::Move, R5, 0);
    a.call(SKB_STORE_BYTES);
    a.jump(If::Differs, R0, 0, skip);
    a.load(Width::Double, R2, STACK, PLACE);
    a.fetch(R1, R2, 0);
    a.jump(If::Differs, R1, number, skip);
    a.set(Do::Move, R1, packet);
    a.set(Do::Move, R2, loopback as i32);
    a.set(Do::Move, R3, 0);
    a.call(CLONE_REDIRECT);
    a.place(skip);
    a.set(Do::Add, number, 1);
    a.go(top);

    a.place(done);
    a.store(Width::Double, lane, TAKEN as i16, number);
    a.place(drop);
    end(&mut a, DROP);
    a.place(next);
    end(&mut a, NEXT);
    a.finish()
}

/// Bytes of the packet, onto the stack; in R0 whether there are so many.
fn bytes_of(a: &mut Assembler, from: i32, to: i16, length: i32) {
    a.set(Do::Move, R1, R6);
    a.set(Do::Move, R2, from);
    stack_address(a, R3, to);
    a.set(Do::Move, R4, length);
    a.call(SKB_LOAD_BYTES);
}

/// Of `struct __sk_buff`. Names the interface by which a packet leaves, from the first time that it is seen to the second.
const SKB_MARK: i16 = 8;
/// Bytes of the headers of IP and UDP.
const IP_AND_UDP: i32 = 28;

// On the stack: the Ethernet addresses, of which the last eight bytes are read as one; the order, where a packet lies and how long it is.
const HEADER: i16 = -20;
const ORDER: i16 = -48;
const PLACE: i16 = -56;
const LENGTH: i16 = -64;

// Of `enum bpf_func_id`.
const CLONE_REDIRECT: i32 = 13;
const SKB_CHANGE_TAIL: i32 = 38;
