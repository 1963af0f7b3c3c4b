//! [`Machine`]: what a plan knows of the processor.

use super::CACHE_LINE;
use crate::spec::Dtype;

/// Whose vectors they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    X86,
    /// 64-bit Arm.
    Neon,
    /// WebAssembly.
    Simd128,
    /// The floating-point unit of a 32-bit Arm, number by number.
    Vfp,
}

/// A vector unit. The macro cannot see which processor the program will run on, so it plans for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) family: Family,
    /// Bits in a vector.
    pub(crate) bits: usize,
    /// Elements in a vector.
    pub(crate) lanes: usize,
    /// Vector registers.
    pub(crate) registers: usize,
    /// Bytes of an element.
    pub(crate) bytes: usize,
}

/// Makes the machine of an architecture.
type Make = fn(Dtype) -> Machine;

impl Machine {
    /// The widths of x86, of which it takes the widest that it has while the program runs.
    pub(crate) const WIDTHS: [usize; 3] = [128, 256, 512];

    /// The values of `target_arch` that have other registers than x86 with its narrowest vectors.
    pub(crate) const OTHERS: [(&'static str, Make); 3] =
        [("aarch64", Self::neon), ("wasm32", Self::simd128), ("arm", Self::vfp)];

    /// x86 with vectors of this width.
    pub(crate) fn new(bits: usize, dtype: Dtype) -> Self {
        // AVX-512 has 32 registers, AVX2 and SSE2 have 16.
        Self::of(Family::X86, bits, if bits == 512 { 32 } else { 16 }, dtype)
    }

    /// NEON: short vectors, and many of them.
    fn neon(dtype: Dtype) -> Self {
        Self::of(Family::Neon, 128, 32, dtype)
    }

    /// WebAssembly's own registers have no end, but a browser has those of the processor, and takes some for itself:
    /// a direct 3x3 layer, 64 to 64 channels @56, took 6.16 ms in V8 planned for 16, 5.74 for 14, 6.12 for 12, 7.43 for 10.
    fn simd128(dtype: Dtype) -> Self {
        Self::of(Family::Simd128, 128, 14, dtype)
    }

    /// Its 32 registers hold eight times four numbers, which is what a vector is where there are none: the digits'
    /// classifier, planned for 16, stored 272 registers on the stack for 68.
    fn vfp(dtype: Dtype) -> Self {
        Self::of(Family::Vfp, 128, 8, dtype)
    }

    fn of(family: Family, bits: usize, registers: usize, dtype: Dtype) -> Self {
        let bytes = dtype.bytes();
        Self { family, bits, lanes: bits / 8 / bytes, registers, bytes }
    }

    /// How many times `vectors` accumulators fit, beside a register for each of the vectors, one for a splat, and
    /// one to spare. Without that the compiler spills: 3443 us for 1965 on 3x3 64->64@56 with 16 registers.
    pub(crate) fn accumulators_each(self, vectors: usize) -> usize {
        (self.registers - 2 - vectors) / vectors
    }

    /// The same for products of minimal filtering: one more fits, where those that are splat are fewer than the vectors
    /// and stay in registers instead of these. (AVX2 on a Zen 3, 3x3, 128 channels @28: 838 us for 873 with three times
    /// four accumulators for five times two. Direct layers, whose weights come from the second-level cache, lose by it:
    /// 1x1, 1024 to 256 channels @14, 1420 us for 1147.)
    pub(crate) fn products_each(self, vectors: usize) -> usize {
        let more = self.accumulators_each(vectors) + 1;
        if more < vectors && more * vectors + more < self.registers { more } else { more - 1 }
    }

    /// The most vectors of neighbouring columns in a tile. Where taps are few, the compiler unrolls them and loads the
    /// pixels of all before it begins; with four vectors of them a browser spilled 26 of a depthwise 3x3 layer's 36
    /// (406 us for 358 with 64@56), and NEON 7.
    pub(crate) fn widest_row(self) -> usize {
        if self.family == Family::X86 { 8 } else { 2 }
    }

    /// Fewer registers than this may hold a tile of unrolled taps: its accumulators and its weights. The others are for
    /// pixels, of which the compiler loads all that it can before it begins. On x86 an instruction can take them from
    /// memory; NEON needs a register for each, and spilled 7 vectors of a depthwise 3x3 layer with 8 rows a tile.
    pub(crate) fn kept(self) -> usize {
        if self.family == Family::Neon { self.registers / 2 } else { self.registers * 5 / 8 }
    }

    /// Whether programs may be larger for being faster: a microcontroller's are in flash, of which it has little.
    pub(crate) fn has_room(self) -> bool {
        self.family != Family::Vfp
    }

    /// Whether lanes are sorted within each half of a vector, and halves exchange quarters for more: AVX2 with eight lanes.
    pub(crate) fn unzips_in_halves(self) -> bool {
        self.family == Family::X86 && self.bits == 256 && self.lanes == 8
    }

    /// Elements in a line of the cache.
    pub(crate) fn line(self) -> usize {
        CACHE_LINE / self.bytes
    }

    /// How far apart to put stretches of so many elements that are read side by side: an odd number of cache lines, for
    /// what a power of two of them is apart shares few places of the cache.
    pub(crate) fn spread(self, elements: usize) -> usize {
        elements.next_multiple_of(2 * self.line()) + self.line()
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
