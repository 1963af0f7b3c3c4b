//! Weights from files: the two formats that people keep them in, read by hand.
//!
//! Both are a header and raw numbers. A reader of either is shorter than what a dependency would add to
//! every build. A file is anybody's: nothing in it is believed before it is checked, and no file makes the
//! readers panic or take memory that the file does not have.

mod json;
mod npy;
mod safetensors;

use std::path::Path;
use std::{env, fs, io};

pub(crate) use npy::npy;
pub(crate) use safetensors::Checkpoint;

/// The type of the numbers in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    F16,
    Bf16,
    F32,
    F64,
    /// One that no layer is made of.
    Other(String),
}

/// An array in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Array<'f> {
    pub(crate) stored: Stored,
    pub(crate) shape: Vec<usize>,
    /// As many as shape and type say.
    bytes: &'f [u8],
    is_big_endian: bool,
}

/// The content of a file that the user named; relative paths start at the folder of `Cargo.toml`.
///
/// # Errors
/// What to say about it.
pub(crate) fn read(path: &str) -> Result<Vec<u8>, String> {
    let folder = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    fs::read(Path::new(&folder).join(path)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            format!("there is no file `{path}`; relative paths start at the folder of Cargo.toml")
        }
        _ => format!("`{path}` cannot be read: {error}"),
    })
}

impl Stored {
    /// Bytes of a number; none if it is not known.
    fn bytes(&self) -> Option<usize> {
        match self {
            Self::F16 | Self::Bf16 => Some(2),
            Self::F32 => Some(4),
            Self::F64 => Some(8),
            Self::Other(_) => None,
        }
    }

    /// The name that people know it by.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Other(name) => name,
        }
    }
}

impl<'f> Array<'f> {
    /// The array that has these bytes; none if they are not as many as shape and type need.
    fn new(stored: Stored, shape: Vec<usize>, bytes: &'f [u8], is_big_endian: bool) -> Option<Self> {
        let len = shape.iter().try_fold(1usize, |len, &size| len.checked_mul(size))?;
        let fits = match stored.bytes() {
            Some(size) => len.checked_mul(size) == Some(bytes.len()),
            None => true,
        };
        fits.then_some(Self { stored, shape, bytes, is_big_endian })
    }

    /// The numbers, exactly; none if they are of no type that an `f64` can hold.
    pub(crate) fn numbers(&self) -> Option<Vec<f64>> {
        Some(match self.stored {
            Stored::F16 => self.each(|two| half(u16::from_le_bytes(two))),
            Stored::Bf16 => {
                self.each(|two| f64::from(f32::from_bits(u32::from(u16::from_le_bytes(two)) << 16)))
            }
            Stored::F32 => self.each(|four| f64::from(f32::from_le_bytes(four))),
            Stored::F64 => self.each(f64::from_le_bytes),
            Stored::Other(_) => return None,
        })
    }

    /// A plain loop, for millions of numbers: users build this crate without optimisation.
    fn each<const N: usize>(&self, number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        let (stored, _) = self.bytes.as_chunks();
        let (mut numbers, mut at) = (vec![0.0; stored.len()], 0);
        while at < stored.len() {
            let mut bytes = stored[at];
            if self.is_big_endian {
                bytes.reverse();
            }
            numbers[at] = number(bytes);
            at += 1;
        }
        numbers
    }
}

/// An IEEE half: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction.
fn half(bits: u16) -> f64 {
    let (sign, exponent, fraction) = (bits >> 15, bits >> 10 & 0x1f, bits & 0x3ff);
    let magnitude = match exponent {
        0 => f64::from(fraction) * f64::from_bits((1023 - 24) << 52), // in units of 2^-24
        0x1f if fraction == 0 => f64::INFINITY,
        0x1f => f64::NAN,
        // The fraction moves from bit 9 to bit 51, the exponent from bias 15 to 1023.
        _ => f64::from_bits(u64::from(exponent + 1023 - 15) << 52 | u64::from(fraction) << 42),
    };
    if sign == 1 { -magnitude } else { magnitude }
}
