/// Length of a frame, the `mode` parameter of SDP (RFC 3952).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// 20 ms a frame, 15.2 kbit/s.
    Ms20,
    /// 30 ms a frame, 13.33 kbit/s.
    Ms30,
}

impl Mode {
    /// Bytes of an encoded frame: 38 or 50.
    pub const fn frame_bytes(self) -> usize {
        match self {
            Mode::Ms20 => 38,
            Mode::Ms30 => 50,
        }
    }

    /// Samples of a frame at 8 kHz: 160 or 240.
    pub const fn frame_samples(self) -> usize {
        self.sub_blocks() * SUB_BLOCK
    }

    /// Sub-blocks of 40 samples in a frame.
    pub(crate) const fn sub_blocks(self) -> usize {
        match self {
            Mode::Ms20 => 4,
            Mode::Ms30 => 6,
        }
    }

    /// Sub-blocks that are coded by the adaptive codebook alone: all but the two of the start state.
    pub(crate) const fn predicted_sub_blocks(self) -> usize {
        self.sub_blocks() - 2
    }

    /// Samples of the start state that are quantised one by one (RFC 3951 §3.5).
    pub(crate) const fn state_samples(self) -> usize {
        match self {
            Mode::Ms20 => 57,
            Mode::Ms30 => 58,
        }
    }

    /// LPC analyses a frame (RFC 3951 §3.2).
    pub(crate) const fn analyses(self) -> usize {
        match self {
            Mode::Ms20 => 1,
            Mode::Ms30 => 2,
        }
    }
}

/// Samples of a sub-block.
pub(crate) const SUB_BLOCK: usize = 40;

/// The most sub-blocks of a frame in any mode.
pub(crate) const MAX_SUB_BLOCKS: usize = Mode::Ms30.sub_blocks();

/// The most samples of a frame in any mode.
pub(crate) const MAX_SAMPLES: usize = Mode::Ms30.frame_samples();

/// The most start state samples in any mode.
pub(crate) const MAX_STATE_SAMPLES: usize = Mode::Ms30.state_samples();
