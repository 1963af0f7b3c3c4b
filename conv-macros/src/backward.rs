//! The input's gradient as a layer of its own: [`Spec`] -> [`Adjoint`].
//!
//! Along one axis, the padded image's gradient at `u` is the sum of `weight[i] * grad[y]` over all
//! `y * stride + i * dilation = u`. With `step = stride / gcd(stride, dilation)`, the taps `r, r + step,
//! r + 2 step, ..` of one residue `r` all meet the same places `u = stride * v + r * dilation`, and there
//! they are a convolution of stride 1:
//!
//! ```text
//! z[r][v] = sum over m:  weight[r + m * step] * grad[v - m * (dilation / gcd)]
//! ```
//!
//! So the gradient of every layer is one layer of stride 1, zero padding and turned taps, from the output's
//! channels to the input's, once for each pair of residues; the runtime puts `z[r][v]` where it belongs. With
//! stride 1 there is one residue, and nothing to be put anywhere. Its kernels are planned and lowered like
//! all others, Winograd's algorithm included. Where each residue has one tap, that layer is a product of two matrices, and
//! often computed with the weights as they are (`plan/product.rs`), for turning them takes its time.
//!
//! The weights are turned, and transformed, by each call. That is not in the plans' costs: if it were, fewer layers of
//! small maps would be filtered minimally, which suits one image and not several. (Granite Rapids, in ms, filtered and not:
//! 3x3, 256 channels @14 with AVX2, one image 3.5 and 3.0, four 10.1 and 12; 512 @7 with AVX2 5.4 and 5.0, with AVX-512 3.5
//! and 4.1, for the weights of a block are then picked from all over torch's order; to transpose them in squares instead
//! took 5.2.)
//!
//! Some residues have one tap less than the others: a kernel of 3 with stride 2 has two taps at even places and one
//! at odd places. All residues share the kernels of the largest, and what is missing is always the first turned tap.
//! Kernels that loop over taps are told by the runtime where to begin; unrolled ones leave it out.

use crate::spec::{Algorithm, Hw, Padding, PaddingMode, Residues, Spec, gcd};

/// The layer that turns the output's gradient into the input's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Adjoint {
    pub(crate) spec: Spec,
    /// Its output is the padded image's gradient by residues, and not yet the image's.
    pub(crate) folds: bool,
}

impl Adjoint {
    /// `None` if its sizes cannot be counted: then no image can be that large either.
    pub(crate) fn of(spec: &Spec) -> Option<Self> {
        let [rows, columns] = [
            Axis::of(spec.kernel.h, spec.stride.h, spec.dilation.h),
            Axis::of(spec.kernel.w, spec.stride.w, spec.dilation.w),
        ];
        let [reach_h, reach_w] = [rows.reach()?, columns.reach()?];
        let Padding { top, bottom, left, right } = spec.padding;
        let direct = spec.stride == Hw { h: 1, w: 1 }
            && spec.padding_mode == PaddingMode::Zeros
            && top.max(bottom) <= reach_h
            && left.max(right) <= reach_w;
        let trimmed = if direct { spec.padding } else { Padding::NONE };
        let adjoint = Spec {
            in_channels: spec.out_channels,
            out_channels: spec.in_channels.checked_mul(rows.residues)?.checked_mul(columns.residues)?,
            kernel: Hw { h: rows.taps, w: columns.taps },
            stride: Hw { h: 1, w: 1 },
            dilation: Hw { h: rows.dilation, w: columns.dilation },
            padding: Padding {
                top: reach_h - trimmed.top,
                bottom: reach_h - trimmed.bottom,
                left: reach_w - trimmed.left,
                right: reach_w - trimmed.right,
            },
            padding_mode: PaddingMode::Zeros,
            bias: false,
            algorithm: if rows.residues * columns.residues == 1 { spec.algorithm } else { Algorithm::Direct },
            input: spec.input.and_then(|image| spec.output(image)),
            adjoint: Some(Residues {
                count: Hw { h: rows.residues, w: columns.residues },
                whole: Hw { h: rows.whole, w: columns.whole },
            }),
            ..spec.clone()
        };
        let least = adjoint.effective_kernel();
        adjoint.output(Hw { h: least.h.max(1 << 20), w: least.w.max(1 << 20) })?;
        Some(Self { spec: adjoint, folds: !direct })
    }
}

/// One axis of the adjoint.
struct Axis {
    residues: usize,
    /// How many of them, the first, have as many taps as any.
    whole: usize,
    /// Of the residue that has most.
    taps: usize,
    dilation: usize,
}

impl Axis {
    fn of(kernel: usize, stride: usize, dilation: usize) -> Self {
        let common = gcd(stride, dilation);
        let step = stride / common;
        let (residues, taps) = (step.min(kernel), kernel.div_ceil(step));
        Self { residues, whole: kernel - (taps - 1) * residues, taps, dilation: dilation / common }
    }

    /// From its first tap to its last.
    fn reach(&self) -> Option<usize> {
        self.dilation.checked_mul(self.taps - 1)
    }
}
