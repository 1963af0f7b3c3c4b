//! [`Isa`]: the instruction set that a layer's kernels run on.
//!
//! A generated layer holds its kernels in three vector widths. Which of them runs is decided while the
//! program runs, by what the processor has, so one binary serves every machine of its architecture.

#[cfg(feature = "std")]
use alloc::{string::String, vec::Vec};
use core::fmt;

use fearless_simd::Level;

use crate::Error;

/// An instruction set that this machine has.
///
/// A value of this type is the proof that the machine has it, which is why there is no constructor by name:
/// take one of [`Isa::available`], or [`Isa::current`].
///
/// ```
/// use conv_runtime::Isa;
/// let names: Vec<&str> = Isa::available().map(Isa::name).collect();
/// assert!(names.contains(&Isa::best().name()));
/// ```
#[derive(Clone, Copy)]
pub struct Isa {
    level: Level,
}

impl Isa {
    /// The widest instruction set of this machine.
    #[must_use]
    pub fn best() -> Self {
        Self::available().next().unwrap_or(Self { level: Level::baseline() })
    }

    /// Every instruction set of this machine that the kernels have code for, widest first.
    pub fn available() -> impl Iterator<Item = Self> {
        levels(Level::try_detect().unwrap_or(Level::baseline()))
            .into_iter()
            .flatten()
            .map(|level| Self { level })
    }

    /// The instruction set that layers are built for: the one that the environment variable `CONV_ISA`
    /// names (`avx512`, `avx2`, `sse2`, `neon`, `simd128`, `scalar`), or else the best.
    ///
    /// # Errors
    /// [`Error::UnknownIsa`] if `CONV_ISA` names something that this machine does not have. Layers then
    /// still can be built, and say so at the first `forward`.
    pub fn current() -> Result<Self, Error> {
        #[cfg(feature = "std")]
        if let Some(name) = requested() {
            return Self::available().find(|isa| isa.name() == name).ok_or_else(|| Error::UnknownIsa {
                requested: name.into(),
                available: Self::available().map(Self::name).collect::<Vec<_>>().join(", "),
            });
        }
        Ok(Self::best())
    }

    /// The name that `CONV_ISA` knows it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.level {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Avx512(_) => "avx512",
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Avx2(_) => "avx2",
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Sse4_2(_) | Level::Sse2(_) => "sse2",
            #[cfg(target_arch = "aarch64")]
            Level::Neon(_) => "neon",
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Level::WasmSimd128(_) => "simd128",
            _ => "scalar",
        }
    }

    /// Bits in one of its vectors.
    #[must_use]
    pub fn bits(self) -> usize {
        match self.name() {
            "avx512" => 512,
            "avx2" => 256,
            _ => 128,
        }
    }

    /// What there is for vectors of 128, 256 and 512 bits: the one for this instruction set.
    pub(crate) fn choose<T>(self, [narrow, medium, wide]: [T; 3]) -> T {
        match self.bits() {
            512 => wide,
            256 => medium,
            _ => narrow,
        }
    }

    pub(crate) fn level(self) -> Level {
        self.level
    }
}

/// The levels at or below `best` that kernels are compiled for. SSE4.2 adds nothing that a convolution
/// uses, so one copy of the 128-bit kernels, for SSE2, serves both.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn levels(best: Level) -> [Option<Level>; 3] {
    [
        best.as_avx512().map(Level::Avx512),
        best.as_avx2().map(Level::Avx2),
        Some(best.as_sse2().map_or(best, Level::Sse2)),
    ]
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn levels(best: Level) -> [Option<Level>; 1] {
    [Some(best)]
}

/// What `CONV_ISA` said when it was first asked for.
#[cfg(feature = "std")]
fn requested() -> Option<&'static str> {
    static REQUESTED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let read = || {
        // What is not Unicode is no name either, and is said to be none.
        let name = std::env::var_os("CONV_ISA")?.to_string_lossy().into_owned();
        (!name.is_empty()).then_some(name)
    };
    REQUESTED.get_or_init(read).as_deref()
}

impl PartialEq for Isa {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Isa {}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Isa({self})")
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
