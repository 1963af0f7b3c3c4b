//! The key table, and what to say about words that are not in it.

use crate::wording::nearest;

/// An argument of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    In,
    Out,
    Kernel,
    Stride,
    Padding,
    PaddingMode,
    Dilation,
    Groups,
    Bias,
    Dtype,
    Input,
    Algorithm,
    Crate,
    Weights,
    Tensor,
}

/// What the macro knows of a key.
struct Row {
    key: Key,
    /// torch's name.
    long: &'static str,
    /// The name in a hurry; the same where there is no shorter one.
    short: &'static str,
    /// What it takes, for messages.
    takes: &'static str,
    /// A value, for messages.
    example: &'static str,
}

const PAIR: &str = "an integer or `(height, width)`";

#[rustfmt::skip]
const TABLE: [Row; 15] = [
    Row { key: Key::In, long: "in_channels", short: "in", takes: "one integer", example: "1" },
    Row { key: Key::Out, long: "out_channels", short: "out", takes: "one integer", example: "4" },
    Row { key: Key::Kernel, long: "kernel_size", short: "k", takes: PAIR, example: "3" },
    Row { key: Key::Stride, long: "stride", short: "stride", takes: PAIR, example: "1" },
    Row { key: Key::Padding, long: "padding", short: "padding",
        takes: "an integer, `(height, width)`, `((top, bottom), (left, right))`, `same` or `valid`", example: "1" },
    Row { key: Key::PaddingMode, long: "padding_mode", short: "padding_mode",
        takes: "`zeros`, `reflect`, `replicate` or `circular`", example: "zeros" },
    Row { key: Key::Dilation, long: "dilation", short: "dilation", takes: PAIR, example: "1" },
    Row { key: Key::Groups, long: "groups", short: "groups", takes: "one integer", example: "1" },
    Row { key: Key::Bias, long: "bias", short: "bias", takes: "`true`, `false` or an array of numbers", example: "true" },
    Row { key: Key::Dtype, long: "dtype", short: "dtype", takes: "`f32` or `f64`", example: "f32" },
    Row { key: Key::Input, long: "input", short: "input", takes: "`(height, width)`", example: "(28, 28)" },
    Row { key: Key::Algorithm, long: "algorithm", short: "algorithm", takes: "`auto`, `direct` or `winograd`", example: "auto" },
    Row { key: Key::Crate, long: "crate", short: "crate", takes: "the path of conv_runtime", example: "::conv_runtime" },
    Row { key: Key::Weights, long: "weights", short: "weights", takes: "nested arrays of numbers, or the path of a file in quotes",
        example: "[[[[1]]]]" },
    Row { key: Key::Tensor, long: "tensor", short: "tensor", takes: "a name in quotes", example: "\"conv1\"" },
];

/// Names from other libraries, and the name here.
const ALIASES: [(&str, Key); 22] = [
    ("in_planes", Key::In),
    ("ic", Key::In),
    ("cin", Key::In),
    ("oc", Key::Out),
    ("cout", Key::Out),
    ("filters", Key::Out),
    ("out_planes", Key::Out),
    ("kernel", Key::Kernel),
    ("ksize", Key::Kernel),
    ("kernel_shape", Key::Kernel),
    ("s", Key::Stride),
    ("p", Key::Padding),
    ("pad", Key::Padding),
    ("pads", Key::Padding),
    ("d", Key::Dilation),
    ("dilation_rate", Key::Dilation),
    ("g", Key::Groups),
    ("use_bias", Key::Bias),
    ("type", Key::Dtype),
    ("input_size", Key::Input),
    ("input_shape", Key::Input),
    ("image", Key::Input),
];

/// Names that mean something elsewhere and have no counterpart here, and why.
const FOREIGN: [(&str, &str); 9] = [
    ("device", "a layer runs on the CPU that calls it; leave it out"),
    ("transposed", "transposed convolutions are not available; leave it out"),
    ("output_padding", "transposed convolutions are not available; leave it out"),
    ("data_format", "images are always (batch, channels, height, width); leave it out"),
    ("memory_format", "images are always (batch, channels, height, width); leave it out"),
    ("activation", "a layer is the convolution alone; apply the activation to its output"),
    ("batch", "every layer takes any batch size; leave it out"),
    ("batch_size", "every layer takes any batch size; leave it out"),
    ("name", "the layer's name stands after `struct`; leave it out"),
];

/// An unknown key: what to say, and the key that was probably meant.
pub(crate) struct Unknown {
    pub(crate) remedy: String,
    pub(crate) meant: Option<Key>,
}

impl Key {
    /// The key of this name, long or short.
    pub(crate) fn find(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.long == name || row.short == name).map(|row| row.key)
    }

    /// What to say of a name that is no key.
    pub(crate) fn unknown(name: &str) -> Unknown {
        if let Some((_, why)) = FOREIGN.iter().find(|(foreign, _)| *foreign == name) {
            return Unknown { remedy: (*why).to_owned(), meant: None };
        }
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
        let meant = match alias {
            Some((_, key)) => Some(key.short()),
            None => nearest(name, TABLE.iter().flat_map(|row| [row.long, row.short])),
        };
        match meant {
            Some(meant) => Unknown { remedy: format!("did you mean `{meant}`?"), meant: Self::find(meant) },
            None => Unknown { remedy: format!("the keys are {}", names()), meant: None },
        }
    }

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// torch's name.
    pub(crate) fn long(self) -> &'static str {
        self.row().long
    }

    /// The shorter name.
    pub(crate) fn short(self) -> &'static str {
        self.row().short
    }

    /// What it takes, with an article.
    pub(crate) fn takes(self) -> &'static str {
        self.row().takes
    }

    /// How it is written: `k: 3`.
    pub(crate) fn example(self) -> String {
        format!("{}: {}", self.short(), self.row().example)
    }

    /// The rule that a number too small breaks, in torch's words where it has them.
    pub(crate) fn floor(self) -> String {
        match self {
            Self::Groups => "groups must be a positive integer".to_owned(),
            Self::Stride => "non-positive stride is not supported".to_owned(),
            Self::Padding => "negative padding is not supported".to_owned(),
            Self::Dilation => "dilation should be greater than zero".to_owned(),
            Self::Kernel => "kernel size should be greater than zero".to_owned(),
            Self::Input => "an image has at least one row and one column".to_owned(),
            _ => format!("{} must be at least 1", self.long()),
        }
    }

    /// The smallest number it takes.
    pub(crate) fn smallest(self) -> usize {
        usize::from(self != Self::Padding)
    }

    /// Whether it takes one number and no pair.
    pub(crate) fn takes_one(self) -> bool {
        matches!(self, Self::In | Self::Out | Self::Groups)
    }
}

/// All keys by their shorter names.
fn names() -> String {
    TABLE.map(|row| row.short).join(", ")
}
