//! [`Spec`]: the plain numbers of a valid layer.
//!
//! No syntax and no spans: `check` has turned every word into a number (`padding: same` too) and has
//! refused everything torch refuses, so whoever holds a `Spec` may compute with it and cannot fail.

mod columns;
mod pattern;
mod print;
mod residues;

pub(crate) use columns::Columns;
pub(crate) use pattern::{Factor, Pattern, Place};
pub(crate) use residues::Residues;

/// A height and a width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Hw {
    pub(crate) h: usize,
    pub(crate) w: usize,
}

/// What stands outside the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PaddingMode {
    /// Zeros.
    Zeros,
    /// The image mirrored at its border pixel, which is not repeated.
    Reflect,
    /// The border pixel.
    Replicate,
    /// The other end of the image.
    Circular,
}

/// The type of a layer's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Dtype {
    /// 32-bit floats.
    F32,
    /// 64-bit floats.
    F64,
}

/// Who chooses the way to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Algorithm {
    /// The planner's cost model.
    Auto,
    /// The user, who wants the plain sum of products.
    Direct,
    /// The user, who wants minimal filtering.
    Winograd,
}

/// Rows and columns added at each side of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Padding {
    pub(crate) top: usize,
    pub(crate) bottom: usize,
    pub(crate) left: usize,
    pub(crate) right: usize,
}

/// A valid layer. `check` is the only place that makes one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Spec {
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    pub(crate) kernel: Hw,
    pub(crate) stride: Hw,
    pub(crate) dilation: Hw,
    pub(crate) padding: Padding,
    pub(crate) padding_mode: PaddingMode,
    pub(crate) groups: usize,
    pub(crate) bias: bool,
    pub(crate) dtype: Dtype,
    /// The image size, where the user gave it.
    pub(crate) input: Option<Hw>,
    pub(crate) algorithm: Algorithm,
    /// What is known of the weights' values.
    pub(crate) pattern: Pattern,
    /// What its output channels are, if it computes the input's gradient of another layer.
    pub(crate) adjoint: Option<Residues>,
}

/// Beyond this dilation minimal filtering is not thought of: it cuts the image into as many parts along
/// each axis.
const MOST_DILATED: usize = 64;

impl Spec {
    /// Input channels that one output channel reads: the second axis of the weight.
    pub(crate) fn in_per_group(&self) -> usize {
        self.in_channels / self.groups
    }

    /// Output channels that read the same input channels.
    pub(crate) fn out_per_group(&self) -> usize {
        self.out_channels / self.groups
    }

    /// Weights of one output channel in one input channel.
    pub(crate) fn taps(&self) -> usize {
        self.kernel.h * self.kernel.w
    }

    /// `[out, in / groups, kernel height, kernel width]`
    pub(crate) fn weight_shape(&self) -> [usize; 4] {
        [self.out_channels, self.in_per_group(), self.kernel.h, self.kernel.w]
    }

    /// Whether the kernel has one tap, which meets every pixel.
    pub(crate) fn is_dense_tap(&self) -> bool {
        let one = Hw { h: 1, w: 1 };
        self.kernel == one && self.stride == one && self.padding == Padding::NONE
    }

    /// Whether no pixel is met twice, and all are the image's: so that the pixels of each tap can be gathered, as
    /// channels of a layer of one tap.
    pub(crate) fn is_cut_in_patches(&self) -> bool {
        let (extent, stride) = (self.effective_kernel(), self.stride);
        let apart = extent.h <= stride.h && extent.w <= stride.w && self.padding == Padding::NONE;
        apart && !self.pattern.is_known() && self.adjoint.is_none()
    }

    /// Products in one output pixel.
    pub(crate) fn terms(&self) -> usize {
        self.taps() * self.in_per_group()
    }

    /// Rows and columns from a kernel's first tap to its last: `dilation * (kernel - 1) + 1`.
    pub(crate) fn effective_kernel(&self) -> Hw {
        Hw { h: self.dilation.h * (self.kernel.h - 1) + 1, w: self.dilation.w * (self.kernel.w - 1) + 1 }
    }

    /// The output of an image of this size; `None` where the kernel does not fit into the padded image,
    /// or the padded image cannot be counted.
    pub(crate) fn output(&self, image: Hw) -> Option<Hw> {
        let Padding { top, bottom, left, right } = self.padding;
        let extent = self.effective_kernel();
        Some(Hw {
            h: windows(padded(image.h, top, bottom)?, extent.h, self.stride.h)?,
            w: windows(padded(image.w, left, right)?, extent.w, self.stride.w)?,
        })
    }

    /// Multiply-accumulates for one image of this size; 0 where there is no output.
    pub(crate) fn macs(&self, image: Hw) -> u128 {
        self.output(image).map_or(0, |out| {
            [out.h, out.w, self.out_channels, self.terms()]
                .into_iter()
                .fold(1u128, |product, factor| product.saturating_mul(factor as u128))
        })
    }

    /// Why minimal filtering does not apply, if it doesn't.
    pub(crate) fn winograd_obstacle(&self) -> Option<String> {
        let Hw { h, w } = self.kernel;
        let axes = [(self.stride.h, self.dilation.h), (self.stride.w, self.dilation.w)];
        if axes.iter().any(|(stride, _)| *stride > 2) {
            Some("it needs stride 1 or 2".to_owned())
        } else if axes.iter().any(|(stride, dilation)| *stride > 1 && *dilation > 1) {
            Some("where the stride is 2, it needs dilation 1".to_owned())
        } else if self.dilation.h.max(self.dilation.w) > MOST_DILATED {
            Some(format!("it needs a dilation of at most {MOST_DILATED}"))
        } else if ![1, 3, 5].contains(&h) || ![1, 3, 5].contains(&w) || h * w == 1 {
            Some(format!("it needs a kernel of 3 or 5 taps, or 1, along each axis, but got ({h}, {w})"))
        } else {
            None
        }
    }

    /// Weights and biases.
    pub(crate) fn parameters(&self) -> usize {
        self.out_channels * self.terms() + if self.bias { self.out_channels } else { 0 }
    }
}

/// The size of an axis with its padding.
fn padded(size: usize, before: usize, after: usize) -> Option<usize> {
    size.checked_add(before)?.checked_add(after)
}

/// Positions of a window of `extent` in an axis of `size`.
fn windows(size: usize, extent: usize, stride: usize) -> Option<usize> {
    Some(size.checked_sub(extent)? / stride + 1)
}

impl Padding {
    /// No padding.
    pub(crate) const NONE: Self = Self { top: 0, bottom: 0, left: 0, right: 0 };
}

impl PaddingMode {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Zeros, Self::Reflect, Self::Replicate, Self::Circular];

    /// The pixel that stands at padded index `at`, on an axis of `size` pixels with `before` in front of it. None is a
    /// zero.
    pub(crate) fn source(self, at: usize, before: usize, size: usize) -> Option<usize> {
        let last = size - 1;
        match (at.checked_sub(before), self) {
            (Some(i), _) if i < size => Some(i),
            (_, Self::Zeros) => None,
            (None, Self::Reflect) => Some(before - at),
            (Some(i), Self::Reflect) => Some(2 * last - i),
            (None, Self::Replicate) => Some(0),
            (Some(_), Self::Replicate) => Some(last),
            (None, Self::Circular) => Some(size + at - before),
            (Some(i), Self::Circular) => Some(i - size),
        }
    }

    /// The mode of this name.
    pub(crate) fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }

    /// The word in the macro's and in torch's language.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Zeros => "zeros",
            Self::Reflect => "reflect",
            Self::Replicate => "replicate",
            Self::Circular => "circular",
        }
    }
}

impl Dtype {
    /// The type of this name.
    pub(crate) fn find(word: &str) -> Option<Self> {
        [Self::F32, Self::F64].into_iter().find(|dtype| dtype.word() == word)
    }

    /// The word in the macro's language, which is the Rust type.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// Bytes of one number.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

impl Algorithm {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Direct, Self::Winograd];

    /// The word in the macro's language.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Direct => "direct",
            Self::Winograd => "winograd",
        }
    }

    /// The algorithm of this name.
    pub(crate) fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.word() == word)
    }
}

/// The greatest common divisor.
pub(crate) fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
