//! Weights from files in the safetensors format, as torch's users save them.
//!
//! [`SafeTensors`] is the type of the `safetensors` crate, so whatever has been read with it can be
//! given to a layer's `load`. A layer takes tensors of its own type, and of the two half-precision
//! types, each of whose numbers every `f32` and `f64` can be. It takes nothing that would be rounded.
//!
//! ```
//! use conv_runtime::safetensors::{Dtype, SafeTensors, TensorView, serialize};
//!
//! let half = [0x00, 0x3e]; // 1.5
//! let weight = TensorView::new(Dtype::F16, vec![1, 1, 1, 1], &half)?;
//! let bytes = serialize([("conv.weight", weight)], None)?;
//! let checkpoint = SafeTensors::deserialize(&bytes)?;
//! assert_eq!(checkpoint.names(), ["conv.weight"]);
//! # Ok::<(), conv_runtime::safetensors::SafeTensorError>(())
//! ```

use alloc::string::ToString;
use alloc::vec::Vec;

use crate::{Element, Error, Tensor};

pub use ::safetensors::tensor::TensorView;
pub use ::safetensors::{Dtype, SafeTensorError, SafeTensors, serialize};

/// The tensor of this name, if the file has one of this shape whose numbers are all exact in `T`.
pub(crate) fn tensor<T: Element, const R: usize>(
    file: &SafeTensors<'_>,
    name: &str,
    shape: [usize; R],
) -> Result<Tensor<T, R>, Error> {
    let missing = |_| Error::MissingTensor { name: name.to_string() };
    let found = file.tensor(name).map_err(missing)?;
    if found.shape() != shape {
        return Err(Error::TensorShape {
            name: name.to_string(),
            expected: shape.into(),
            got: found.shape().into(),
        });
    }
    let data = numbers(&found).ok_or_else(|| Error::TensorDtype {
        name: name.to_string(),
        expected: T::NAME.to_uppercase(),
        got: found.dtype().to_string(),
    })?;
    Tensor::from_vec(shape, data)
}

/// The little-endian numbers of a tensor, or `None` if they might not be exact in `T`.
fn numbers<T: Element>(tensor: &TensorView<'_>) -> Option<Vec<T>> {
    let bytes = tensor.data();
    match (tensor.dtype(), T::NAME) {
        (Dtype::F16, _) => Some(read(bytes, |two| f16_to_f64(u16::from_le_bytes(two)))),
        (Dtype::BF16, _) => Some(read(bytes, |two| bf16_to_f64(u16::from_le_bytes(two)))),
        (Dtype::F32, "f32") => Some(read(bytes, |four| f32::from_le_bytes(four).to_f64())),
        (Dtype::F64, "f64") => Some(read(bytes, f64::from_le_bytes)),
        _ => None,
    }
}

/// One number after the other; through `f64`, which is exact for what is exact in `T`.
fn read<T: Element, const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|&bytes| T::from_f64(number(bytes))).collect()
}

/// A `bfloat16` is the upper half of an `f32`.
fn bf16_to_f64(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

/// An IEEE half: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction.
fn f16_to_f64(bits: u16) -> f64 {
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

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers are exact")]
mod tests {
    use super::*;
    use alloc::vec;

    /// A file with one tensor `t` of one dimension.
    fn file(dtype: Dtype, len: usize, data: &[u8]) -> Vec<u8> {
        serialize([("t", TensorView::new(dtype, vec![len], data).unwrap())], None).unwrap()
    }

    fn load<T: Element>(dtype: Dtype, len: usize, data: &[u8]) -> Result<Vec<T>, Error> {
        let bytes = file(dtype, len, data);
        let file = SafeTensors::deserialize(&bytes).unwrap();
        tensor(&file, "t", [len]).map(Tensor::into_vec)
    }

    #[test]
    fn own_type_bit_for_bit() {
        let singles = [1.5_f32, -0.0, f32::MIN_POSITIVE / 4.0, f32::INFINITY];
        let bytes: Vec<u8> = singles.iter().flat_map(|x| x.to_le_bytes()).collect();
        let loaded = load::<f32>(Dtype::F32, 4, &bytes).unwrap();
        assert_eq!(loaded.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), singles.map(f32::to_bits));
        let doubles = [0.1_f64, f64::MAX];
        let bytes: Vec<u8> = doubles.iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(load::<f64>(Dtype::F64, 2, &bytes).unwrap(), doubles);
    }

    #[test]
    fn halves_widen_exactly() {
        let rows = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 2.0_f64.powi(-24)),
            (0x03ff, 1023.0 * 2.0_f64.powi(-24)),
            (0x0400, 2.0_f64.powi(-14)),
            (0x3555, 1365.0 / 4096.0),
            (0xfc00, f64::NEG_INFINITY),
        ];
        for (bits, value) in rows {
            assert!(f16_to_f64(bits) == value, "{bits:#x}");
        }
        assert!(f16_to_f64(0x8000).is_sign_negative() && f16_to_f64(0x7e00).is_nan());
        assert!(bf16_to_f64(0x3fc0) == 1.5 && bf16_to_f64(0x0001) == 2.0_f64.powi(-133));
        let bytes = [0x00, 0x3e, 0x00, 0xc0];
        assert_eq!(load::<f32>(Dtype::F16, 2, &bytes).unwrap(), [1.5, -2.0]);
        assert_eq!(load::<f64>(Dtype::BF16, 2, &[0xc0, 0x3f, 0x00, 0xc0]).unwrap(), [1.5, -2.0]);
    }

    #[test]
    fn every_half_survives() {
        for bits in 0..=u16::MAX {
            let wide = f16_to_f64(bits);
            assert!(f64::from(f32::from_f64(wide)) == wide || wide.is_nan());
        }
    }

    #[test]
    fn refusals() {
        let bytes = file(Dtype::F64, 1, &[0; 8]);
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let sentence = |result: Result<Tensor<f32, 1>, Error>| result.unwrap_err().to_string();
        assert_eq!(
            sentence(tensor(&file, "t", [1])),
            "dtype mismatch for t: expected F32, F16 or BF16 in the checkpoint, but got F64"
        );
        assert_eq!(
            sentence(tensor(&file, "t", [2])),
            "size mismatch for t: copying a param with shape torch.Size([1]) from checkpoint, the shape in current model is torch.Size([2])."
        );
        assert_eq!(sentence(tensor(&file, "u", [1])), "Missing key(s) in state_dict: \"u\".");
        assert!(matches!(load::<f64>(Dtype::F32, 1, &[0; 4]), Err(Error::TensorDtype { .. })));
        assert!(matches!(load::<f32>(Dtype::I32, 1, &[0; 4]), Err(Error::TensorDtype { .. })));
    }
}
