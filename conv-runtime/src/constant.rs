//! Weights that are part of the program: `weights:` in `conv2d!`.
//!
//! The macro packs them and emits a byte string, which the compiler swallows as one token. What turns it
//! into numbers must not run through its interpreter number by number, and must be free of `unsafe`:
//!
//! | form of 1 MB of weights | rustc's processor time | memory |
//! |---|---|---|
//! | `[f32::from_bits(1), ..]` | 5.0 s | 2.1 GB |
//! | a byte string through a loop of `f32::from_le_bytes` in a `const fn` | 2.7 s | 0.26 GB |
//! | `[1.5, ..]`, a literal each | 1.2 s | 0.23 GB |
//! | a byte string through [`bytemuck::must_cast`] | 0.09 s | 0.10 GB |
//! | nothing | 0.02 s | 0.07 GB |
//!
//! The cast is one copy for the interpreter, and nothing at run time. A whole layer of 9.4 MB takes a release build
//! 0.4 s of processor time more than with weights at run time (1.5 for 1.1), most of it to escape the string and to read
//! it again. It is there once, in an order that all vector widths read: with an order for each it was 1.2 s.

use crate::Isa;
use crate::element::Element;
use crate::kernel::ParametersRef;

/// A value at the start of a cache line, where the vectors of a kernel are whole.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug)]
pub struct Line<T>(pub T);

/// Makes the function that reads little-endian numbers.
macro_rules! numbers {
    ($name:ident, $element:ty) => {
        /// The numbers whose little-endian bytes these are.
        #[must_use]
        pub const fn $name<const BYTES: usize, const N: usize>(bytes: &[u8; BYTES]) -> [$element; N] {
            let numbers: [$element; N] = bytemuck::must_cast(*bytes);
            if cfg!(target_endian = "little") { numbers } else { swapped::$name(numbers) }
        }
    };
}

numbers!(f32s, f32);
numbers!(f64s, f64);

/// For the rare machine that keeps its numbers the other way round: slow to compile, but right.
mod swapped {
    macro_rules! swap {
        ($name:ident, $element:ty) => {
            pub(super) const fn $name<const N: usize>(mut numbers: [$element; N]) -> [$element; N] {
                let mut at = 0;
                while at < N {
                    numbers[at] = <$element>::from_bits(numbers[at].to_bits().swap_bytes());
                    at += 1;
                }
                numbers
            }
        };
    }

    swap!(f32s, f32);
    swap!(f64s, f64);
}

impl<E: Element> ParametersRef<'static, E> {
    /// The parameters of a layer that is a constant: `packed` has the weights and biases for vectors of so
    /// many bits.
    ///
    /// They are those of the current instruction set. If `CONV_ISA` asks for one that is missing, `forward`
    /// has said so before, and all else takes the best.
    #[inline]
    pub fn constant(packed: impl FnOnce(usize) -> (&'static [E], &'static [E])) -> Self {
        let isa = Isa::current().unwrap_or_else(|_| Isa::best());
        let (weights, bias) = packed(isa.bits());
        Self {
            isa,
            #[cfg(feature = "alloc")]
            original: None,
            weights,
            bias,
        }
    }
}
