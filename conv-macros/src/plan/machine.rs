//! [`Machine`]: what a plan knows of the processor.

use crate::spec::Dtype;

/// A vector unit. The macro cannot see which processor the program will run on, so it plans for all three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    /// Bits in a vector.
    pub(crate) bits: usize,
    /// Elements in a vector.
    pub(crate) lanes: usize,
    /// Vector registers.
    pub(crate) registers: usize,
    /// Bytes of an element.
    pub(crate) bytes: usize,
}

impl Machine {
    /// The widths that every layer gets kernels for.
    pub(crate) const WIDTHS: [usize; 3] = [128, 256, 512];

    pub(crate) fn new(bits: usize, dtype: Dtype) -> Self {
        let bytes = match dtype {
            Dtype::F32 => 4,
            Dtype::F64 => 8,
        };
        // AVX-512 has 32 registers, AVX2 and SSE2 have 16. NEON has 32 and runs the kernels made for 16.
        let registers = if bits == 512 { 32 } else { 16 };
        Self { bits, lanes: bits / 8 / bytes, registers, bytes }
    }

    /// How many times `vectors` accumulators fit, beside a register for each of the vectors, one for a splat, and
    /// one to spare. Without that the compiler spills: 3443 us for 1965 on 3x3 64->64@56 with 16 registers.
    pub(crate) fn accumulators_each(self, vectors: usize) -> usize {
        (self.registers - 2 - vectors) / vectors
    }

    /// What a vector load costs that starts anywhere: it may straddle two cache lines.
    pub(crate) fn unaligned_load(self) -> f64 {
        match self.bits {
            512 => 2.0,
            256 => 1.5,
            _ => 1.25,
        }
    }
}
