//! How a [`Spec`] prints itself: the descriptor for symbols, tests and messages, and torch's line.

use std::fmt;

use super::{Algorithm, Dtype, Hw, Padding, PaddingMode, Spec};

impl Spec {
    /// The layer as torch prints it, for people.
    pub(crate) fn torch_repr(&self) -> String {
        let one = Hw { h: 1, w: 1 };
        let mut parts = vec![
            self.in_channels.to_string(),
            self.out_channels.to_string(),
            format!("kernel_size={}", self.kernel.torch()),
            format!("stride={}", self.stride.torch()),
        ];
        parts.extend((self.padding != Padding::NONE).then(|| format!("padding={}", self.padding.torch())));
        parts.extend((self.dilation != one).then(|| format!("dilation={}", self.dilation.torch())));
        parts.extend((self.groups != 1).then(|| format!("groups={}", self.groups)));
        parts.extend((!self.bias).then(|| "bias=False".to_owned()));
        let mode = self.padding_mode;
        parts.extend((mode != PaddingMode::Zeros).then(|| format!("padding_mode={}", mode.word())));
        parts.extend((self.dtype == Dtype::F64).then(|| "dtype=torch.float64".to_owned()));
        format!("Conv2d({})", parts.join(", "))
    }
}

impl Hw {
    /// torch's tuple.
    fn torch(self) -> String {
        format!("({}, {})", self.h, self.w)
    }
}

impl Padding {
    /// torch's tuple; where torch has no word for it (unequal sides), this macro's.
    fn torch(self) -> String {
        let Self { top, bottom, left, right } = self;
        if top == bottom && left == right {
            Hw { h: top, w: left }.torch()
        } else {
            format!("(({top}, {bottom}), ({left}, {right}))")
        }
    }
}

/// The descriptor: `ic1oc4_kh2kw3_sh1sw1_dh1dw1_g1`, and what differs from the defaults after it.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { in_channels, out_channels, kernel, stride, dilation, groups, .. } = self;
        write!(f, "ic{in_channels}oc{out_channels}_kh{}kw{}", kernel.h, kernel.w)?;
        write!(f, "_sh{}sw{}_dh{}dw{}_g{groups}", stride.h, stride.w, dilation.h, dilation.w)?;
        write!(f, "{}", self.padding)?;
        if self.padding_mode != PaddingMode::Zeros {
            write!(f, "_{}", self.padding_mode.word())?;
        }
        if !self.bias {
            f.write_str("_nobias")?;
        }
        if self.dtype != Dtype::F32 {
            write!(f, "_{}", self.dtype.word())?;
        }
        if let Some(Hw { h, w }) = self.input {
            write!(f, "_i{h}x{w}")?;
        }
        if self.algorithm != Algorithm::Auto {
            write!(f, "_{}", self.algorithm.word())?;
        }
        Ok(())
    }
}

/// The descriptor's part for the padding: nothing, `_p1` or `_pt0pb1pl1pr0`.
impl fmt::Display for Padding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { top, bottom, left, right } = *self;
        match *self {
            Self::NONE => Ok(()),
            _ if [bottom, left, right] == [top; 3] => write!(f, "_p{top}"),
            _ => write!(f, "_pt{top}pb{bottom}pl{left}pr{right}"),
        }
    }
}
