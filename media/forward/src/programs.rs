//! What the kernel does with packets.

pub mod arrival;
pub mod departure;

use crate::assembler::{Assembler, Do, If, R0, R1, R2, R3, R4, R6, Register, STACK, Width};
use net::bpf::{Instruction, Map};
use std::os::fd::AsFd;

fn stack_address(a: &mut Assembler, to: Register, offset: i16) {
    a.set(Do::Move, to, STACK);
    a.set(Do::Add, to, i32::from(offset));
}

/// Ends the program: the packet leaves by the interface that the first register names, toward the neighbour that the kernel knows.
fn leave(a: &mut Assembler) {
    a.set(Do::Move, R2, 0);
    a.set(Do::Move, R3, 0);
    a.set(Do::Move, R4, 0);
    a.call(REDIRECT_NEIGH);
    a.exit();
}

/// Ends the program with what is to become of the packet.
fn end(a: &mut Assembler, with: i32) {
    a.set(Do::Move, R0, with);
    a.exit();
}

/// Of `struct __sk_buff`.
const SKB_PROTOCOL: i16 = 16;
/// As it lies there.
const IPV4: i32 = u16::from_ne_bytes([0x08, 0x00]) as i32;
/// Bytes of an Ethernet header.
const ETHERNET: i32 = 14;

// Of `enum tcx_action_base`.
const NEXT: i32 = -1;
const DROP: i32 = 2;

// Of `enum bpf_func_id`.
const MAP_LOOKUP: i32 = 1;
const SKB_STORE_BYTES: i32 = 9;
const SKB_LOAD_BYTES: i32 = 26;
const REDIRECT_NEIGH: i32 = 152;
