//! Instructions of eBPF (RFC 9669) by name, with labels.

use net::bpf::Instruction;
use std::os::fd::{AsRawFd, BorrowedFd};

/// A register of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register(u8);

/// What a call returns; what the program returns.
pub const R0: Register = Register(0);
/// The first argument of a call; the packet, when the program begins.
pub const R1: Register = Register(1);
pub const R2: Register = Register(2);
pub const R3: Register = Register(3);
pub const R4: Register = Register(4);
pub const R5: Register = Register(5);
/// From here on calls leave registers as they are.
pub const R6: Register = Register(6);
pub const R7: Register = Register(7);
pub const R8: Register = Register(8);
pub const R9: Register = Register(9);
/// The end of the stack, whose 512 bytes lie before it.
pub const STACK: Register = Register(10);

/// How much a load or store moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Byte = 0x10,
    /// Two bytes.
    Half = 0x08,
    /// Four.
    Word = 0x00,
    /// Eight.
    Double = 0x18,
}

/// When to jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum If {
    Equal = 0x10,
    Differs = 0x50,
    /// Greater, unsigned.
    Above = 0x20,
    /// Less, unsigned.
    Below = 0xa0,
    /// Any of these bits set.
    Has = 0x40,
}

/// Arithmetic on 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Do {
    Add = 0x00,
    Or = 0x40,
    And = 0x50,
    Multiply = 0x20,
    ShiftLeft = 0x60,
    ShiftRight = 0x70,
    Move = 0xb0,
}

/// A second operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    Register(Register),
    Value(i32),
}

impl From<Register> for With {
    fn from(register: Register) -> With {
        With::Register(register)
    }
}

impl From<i32> for With {
    fn from(value: i32) -> With {
        With::Value(value)
    }
}

/// A place in the program, which may be named before it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(usize);

/// A program on its way.
#[derive(Default)]
pub struct Assembler {
    instructions: Vec<Instruction>,
    /// Where labels are.
    places: Vec<Option<usize>>,
    /// Jumps, and the labels that they go to.
    jumps: Vec<(usize, Label)>,
}

impl Assembler {
    /// A label to be placed later.
    pub fn label(&mut self) -> Label {
        self.places.push(None);
        Label(self.places.len() - 1)
    }

    /// What follows is where `label` leads.
    pub fn place(&mut self, label: Label) {
        self.places[label.0] = Some(self.instructions.len());
    }

    /// `to` becomes `to` and `with` under `what`.
    pub fn set(&mut self, what: Do, to: Register, with: impl Into<With>) {
        const WIDE: u8 = 0x07;
        self.operate(WIDE | what as u8, to, with.into());
    }

    /// `to` becomes what lies `offset` bytes from where `from` points.
    pub fn load(&mut self, width: Width, to: Register, from: Register, offset: i16) {
        const LOAD: u8 = 0x61;
        self.push(LOAD | width as u8, to, from, offset, 0);
    }

    /// What lies `offset` bytes from where `to` points becomes `from`.
    pub fn store(&mut self, width: Width, to: Register, offset: i16, from: Register) {
        const STORE: u8 = 0x63;
        self.push(STORE | width as u8, to, from, offset, 0);
    }

    /// Turns the lower 16 bits, as they come from a network, into a number.
    pub fn network_to_number(&mut self, register: Register) {
        const TO_BIG_ENDIAN: u8 = 0xdc;
        self.push(TO_BIG_ENDIAN, register, R0, 0, 16);
    }

    /// Goes on at `label` if `register` is so.
    pub fn jump(&mut self, when: If, register: Register, with: impl Into<With>, label: Label) {
        const WIDE: u8 = 0x05;
        self.jumps.push((self.instructions.len(), label));
        self.operate(WIDE | when as u8, register, with.into());
    }

    /// Goes on at `label`.
    pub fn go(&mut self, label: Label) {
        self.jumps.push((self.instructions.len(), label));
        self.push(0x05, R0, R0, 0, 0);
    }

    /// `to` becomes the eight bytes `offset` bytes from where `from` points: as they are after all that was read before, and before all
    /// that is read after.
    pub fn fetch(&mut self, to: Register, from: Register, offset: i16) {
        const ATOMIC: u8 = 0xdb;
        const FETCH_AND_ADD: i32 = 0x01;
        self.set(Do::Move, to, 0);
        self.push(ATOMIC, from, to, offset, FETCH_AND_ADD);
    }

    /// `to` becomes a constant of 64 bits.
    pub fn constant(&mut self, to: Register, value: u64) {
        const LOAD_DOUBLE: u8 = 0x18;
        self.push(LOAD_DOUBLE, to, R0, 0, value as i32);
        self.push(0, R0, R0, 0, (value >> 32) as i32);
    }

    /// `to` becomes a reference to a map.
    pub fn map(&mut self, to: Register, map: BorrowedFd<'_>) {
        const LOAD_DOUBLE: u8 = 0x18;
        const IS_MAP: Register = Register(1);
        self.push(LOAD_DOUBLE, to, IS_MAP, 0, map.as_raw_fd());
        self.push(0, R0, R0, 0, 0);
    }

    /// Calls a function of the kernel (`enum bpf_func_id`) with what is in the first registers.
    pub fn call(&mut self, function: i32) {
        self.push(0x85, R0, R0, 0, function);
    }

    /// Ends the program.
    pub fn exit(&mut self) {
        self.push(0x95, R0, R0, 0, 0);
    }

    /// The whole program.
    ///
    /// # Panics
    /// If a label is jumped to that has no place.
    pub fn finish(mut self) -> Vec<Instruction> {
        for (at, label) in self.jumps {
            let place = self.places[label.0].expect("every label that is jumped to has its place");
            self.instructions[at].offset = (place as i64 - at as i64 - 1) as i16;
        }
        self.instructions
    }

    fn operate(&mut self, code: u8, register: Register, with: With) {
        const FROM_REGISTER: u8 = 0x08;
        match with {
            With::Register(from) => self.push(code | FROM_REGISTER, register, from, 0, 0),
            With::Value(value) => self.push(code, register, R0, 0, value),
        }
    }

    fn push(&mut self, code: u8, to: Register, from: Register, offset: i16, immediate: i32) {
        self.instructions.push(Instruction { code, registers: from.0 << 4 | to.0, offset, immediate });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against what `clang -target bpf` makes of the same.
    #[test]
    fn instructions_are_the_kernels() {
        let mut a = Assembler::default();
        let end = a.label();
        a.load(Width::Word, R1, R6, 16);
        a.jump(If::Differs, R1, 8, end);
        a.set(Do::Move, R2, STACK);
        a.set(Do::Add, R2, -28);
        a.store(Width::Byte, STACK, -63, R1);
        a.place(end);
        a.exit();
        let bytes: Vec<[u8; 4]> = a
            .finish()
            .iter()
            .map(|i| [i.code, i.registers, i.offset.to_le_bytes()[0], i.immediate.to_le_bytes()[0]])
            .collect();
        assert_eq!(
            bytes,
            [
                [0x61, 0x61, 16, 0],
                [0x55, 0x01, 3, 8],
                [0xbf, 0xa2, 0, 0],
                [0x07, 0x02, 0, 0xe4],
                [0x73, 0x1a, 0xc1, 0],
                [0x95, 0, 0, 0]
            ]
        );
    }
}
