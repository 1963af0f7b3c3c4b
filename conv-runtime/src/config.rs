//! What a layer is, in numbers: [`Conv2dConfig`], built like `torch.nn.Conv2d(...)`.
//!
//! The rules that these numbers obey are in `rules.rs`.

use core::fmt::{self, Display, Formatter};

/// What the pixels beyond the image's edge are.
///
/// | mode | pixels left of `a b c d` |
/// |---|---|
/// | `zeros` | `0 0` |
/// | `reflect` | `c b` (the edge is not repeated) |
/// | `replicate` | `a a` |
/// | `circular` | `c d` |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PaddingMode {
    /// Zero.
    #[default]
    Zeros,
    /// The image mirrored in its edge pixel; padding must be less than the image.
    Reflect,
    /// The edge pixel again and again.
    Replicate,
    /// The image again, as if rolled up; padding may be as large as the image.
    Circular,
}

impl Display for PaddingMode {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Zeros => "zeros",
            Self::Reflect => "reflect",
            Self::Replicate => "replicate",
            Self::Circular => "circular",
        })
    }
}

/// The parameters of a `torch.nn.Conv2d`; pairs are `[height, width]`.
///
/// Any numbers can be written down here; [`validate`](Self::validate) says whether they are a layer.
///
/// ```
/// use conv_runtime::{Conv2dConfig, PaddingMode};
///
/// const EDGE: Conv2dConfig = Conv2dConfig::new(3, 8, [3, 3])
///     .stride([2, 2])
///     .padding([[0, 1], [0, 1]])
///     .padding_mode(PaddingMode::Replicate);
/// assert_eq!(EDGE.output_shape([1, 3, 224, 224]), Ok([1, 8, 112, 112]));
/// assert_eq!(EDGE.weight_shape(), [8, 3, 3, 3]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv2dConfig {
    /// Channels of the input image.
    pub in_channels: usize,
    /// Channels of the output image.
    pub out_channels: usize,
    /// Height and width of the kernel.
    pub kernel_size: [usize; 2],
    /// Input rows and columns from one output to the next.
    pub stride: [usize; 2],
    /// `[[top, bottom], [left, right]]`, in pixels.
    pub padding: [[usize; 2]; 2],
    /// Input rows and columns from one tap of the kernel to the next; 1 is a dense kernel.
    pub dilation: [usize; 2],
    /// Into how many independent parts the channels are divided, contiguous on both sides.
    pub groups: usize,
    /// What lies beyond the image's edge.
    pub padding_mode: PaddingMode,
    /// Whether a number is added to each output channel.
    pub bias: bool,
}

impl Conv2dConfig {
    /// A layer with torch's defaults: stride 1, no padding, dilation 1, one group, zeros, a bias.
    #[must_use]
    pub const fn new(in_channels: usize, out_channels: usize, kernel_size: [usize; 2]) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel_size,
            stride: [1, 1],
            padding: [[0, 0], [0, 0]],
            dilation: [1, 1],
            groups: 1,
            padding_mode: PaddingMode::Zeros,
            bias: true,
        }
    }

    /// The same layer with another stride.
    #[must_use]
    pub const fn stride(mut self, stride: [usize; 2]) -> Self {
        self.stride = stride;
        self
    }

    /// The same layer with another padding, `[[top, bottom], [left, right]]`.
    #[must_use]
    pub const fn padding(mut self, padding: [[usize; 2]; 2]) -> Self {
        self.padding = padding;
        self
    }

    /// The same layer with another dilation.
    #[must_use]
    pub const fn dilation(mut self, dilation: [usize; 2]) -> Self {
        self.dilation = dilation;
        self
    }

    /// The same layer with another number of groups.
    #[must_use]
    pub const fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// The same layer with another padding mode.
    #[must_use]
    pub const fn padding_mode(mut self, padding_mode: PaddingMode) -> Self {
        self.padding_mode = padding_mode;
        self
    }

    /// The same layer with or without a bias.
    #[must_use]
    pub const fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Input channels that one output channel reads; 0 if there are no groups.
    #[must_use]
    pub const fn in_per_group(&self) -> usize {
        per_group(self.in_channels, self.groups)
    }

    /// Output channels of one group; 0 if there are no groups.
    #[must_use]
    pub const fn out_per_group(&self) -> usize {
        per_group(self.out_channels, self.groups)
    }

    /// `[out, in / groups, kh, kw]`.
    #[must_use]
    pub const fn weight_shape(&self) -> [usize; 4] {
        let [kh, kw] = self.kernel_size;
        [self.out_channels, self.in_per_group(), kh, kw]
    }

    /// Height and width that the dilated kernel covers, `dilation * (kernel_size - 1) + 1`;
    /// `usize::MAX` where that is too large, which [`validate`](Self::validate) refuses.
    #[must_use]
    pub const fn effective_kernel(&self) -> [usize; 2] {
        let ([kh, kw], [dh, dw]) = (self.kernel_size, self.dilation);
        [extent(kh, dh), extent(kw, dw)]
    }
}

const fn per_group(channels: usize, groups: usize) -> usize {
    match channels.checked_div(groups) {
        Some(channels) => channels,
        None => 0,
    }
}

const fn extent(kernel: usize, dilation: usize) -> usize {
    dilation.saturating_mul(kernel.saturating_sub(1)).saturating_add(1)
}

/// As Python prints the module: `Conv2d(1, 4, kernel_size=(2, 3), stride=(1, 1))`.
impl Display for Conv2dConfig {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { in_channels, out_channels, kernel_size: [kh, kw], stride: [sh, sw], .. } = self;
        write!(f, "Conv2d({in_channels}, {out_channels}, kernel_size=({kh}, {kw}), stride=({sh}, {sw})")?;
        match self.padding {
            [[0, 0], [0, 0]] => {}
            [[top, bottom], [left, right]] if top == bottom && left == right => {
                write!(f, ", padding=({top}, {left})")?;
            }
            [[top, bottom], [left, right]] => {
                write!(f, ", padding=(({top}, {bottom}), ({left}, {right}))")?;
            }
        }
        let [dh, dw] = self.dilation;
        if (dh, dw) != (1, 1) {
            write!(f, ", dilation=({dh}, {dw})")?;
        }
        if self.groups != 1 {
            write!(f, ", groups={}", self.groups)?;
        }
        if !self.bias {
            f.write_str(", bias=False")?;
        }
        if self.padding_mode != PaddingMode::Zeros {
            write!(f, ", padding_mode={}", self.padding_mode)?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn prints_as_python_does() {
        let plain = Conv2dConfig::new(1, 4, [2, 3]);
        assert_eq!(plain.to_string(), "Conv2d(1, 4, kernel_size=(2, 3), stride=(1, 1))");
        let all = Conv2dConfig::new(4, 6, [3, 5])
            .stride([2, 1])
            .padding([[4, 4], [2, 2]])
            .dilation([3, 1])
            .groups(2)
            .bias(false)
            .padding_mode(PaddingMode::Reflect);
        assert_eq!(
            all.to_string(),
            "Conv2d(4, 6, kernel_size=(3, 5), stride=(2, 1), padding=(4, 2), dilation=(3, 1), groups=2, bias=False, padding_mode=reflect)"
        );
        let uneven = plain.padding([[0, 1], [2, 2]]);
        assert!(uneven.to_string().ends_with("padding=((0, 1), (2, 2)))"));
    }

    #[test]
    fn derived_numbers() {
        let config = Conv2dConfig::new(8, 12, [3, 1]).groups(4).dilation([5, usize::MAX]);
        assert_eq!((config.in_per_group(), config.out_per_group()), (2, 3));
        assert_eq!(config.weight_shape(), [12, 2, 3, 1]);
        assert_eq!(config.effective_kernel(), [11, 1]); // one tap: no dilation
    }

    #[test]
    fn nonsense_has_no_panic() {
        let config = Conv2dConfig::new(8, 12, [0, usize::MAX]).groups(0).dilation([9, 9]);
        assert_eq!(config.weight_shape(), [12, 0, 0, usize::MAX]);
        assert_eq!(config.effective_kernel(), [1, usize::MAX]);
    }
}
