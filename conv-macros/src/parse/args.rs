//! The arguments of a layer as they were written, every value with its place.

use proc_macro2::TokenStream;

use crate::error::Spot;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) spot: Spot,
}

/// An argument. One that was refused has had its error and takes part in no further rule.
#[derive(Clone, Debug, Default)]
pub(crate) enum Arg<T> {
    #[default]
    Absent,
    Refused,
    Given(Spanned<T>),
}

/// An integer a direction.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) h: Spanned<usize>,
    pub(crate) w: Spanned<usize>,
}

/// An integer a side.
#[derive(Clone, Debug)]
pub(crate) struct Sides {
    pub(crate) top: Spanned<usize>,
    pub(crate) bottom: Spanned<usize>,
    pub(crate) left: Spanned<usize>,
    pub(crate) right: Spanned<usize>,
}

/// A padding: numbers or a word.
#[derive(Clone, Debug)]
pub(crate) enum PaddingArg {
    Sides(Sides),
    Word(String),
}

/// A number as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    /// Its sign and its digits, without underscores, in base 10 if it is an integer.
    pub(crate) digits: String,
    pub(crate) is_integer: bool,
    /// The type at its end, or nothing.
    pub(crate) suffix: String,
}

/// Numbers in nested arrays.
#[derive(Clone, Debug)]
pub(crate) enum Numbers {
    One(Number),
    Array(Vec<Spanned<Numbers>>),
}

/// Where weights come from.
#[derive(Clone, Debug)]
pub(crate) enum WeightsArg {
    Numbers(Numbers),
    /// The path of a file.
    File(String),
}

/// A bias: whether there is one, or the numbers themselves.
#[derive(Clone, Debug)]
pub(crate) enum BiasArg {
    Flag(bool),
    Numbers(Numbers),
}

/// Everything inside the angle brackets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Args {
    pub(crate) in_channels: Arg<usize>,
    pub(crate) out_channels: Arg<usize>,
    pub(crate) kernel: Arg<Pair>,
    pub(crate) stride: Arg<Pair>,
    pub(crate) padding: Arg<PaddingArg>,
    pub(crate) padding_mode: Arg<String>,
    pub(crate) dilation: Arg<Pair>,
    pub(crate) groups: Arg<usize>,
    pub(crate) bias: Arg<BiasArg>,
    pub(crate) dtype: Arg<String>,
    pub(crate) input: Arg<Pair>,
    pub(crate) algorithm: Arg<String>,
    pub(crate) runtime: Arg<TokenStream>,
    pub(crate) weights: Arg<WeightsArg>,
    pub(crate) tensor: Arg<String>,
}

impl<T> Arg<T> {
    /// What a parser of values made of it: a value, or nothing but an error.
    pub(crate) fn parsed(value: Option<Spanned<T>>) -> Self {
        value.map_or(Self::Refused, Self::Given)
    }

    /// Whether there was no word of it.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Takes part in no further rule, if there was no word of it.
    pub(crate) fn refuse_absent(&mut self) {
        if self.is_absent() {
            *self = Self::Refused;
        }
    }
}

impl<T: Clone> Arg<T> {
    /// The value, where there is one.
    pub(crate) fn given(&self) -> Option<Spanned<T>> {
        match self {
            Self::Given(value) => Some(value.clone()),
            Self::Absent | Self::Refused => None,
        }
    }

    /// The value or the default; nothing if the value was refused.
    pub(crate) fn or(&self, default: impl FnOnce() -> Spanned<T>) -> Option<Spanned<T>> {
        match self {
            Self::Given(value) => Some(value.clone()),
            Self::Absent => Some(default()),
            Self::Refused => None,
        }
    }
}

impl<T: Clone> Spanned<T> {
    /// Another value at the same place.
    pub(crate) fn with<U>(&self, value: U) -> Spanned<U> {
        Spanned { value, spot: self.spot }
    }
}

impl Pair {
    /// The same number in both directions.
    pub(crate) fn both(value: &Spanned<usize>) -> Self {
        Self { h: value.clone(), w: value.clone() }
    }
}

impl Sides {
    /// The numbers of a pair, at both ends of each direction.
    pub(crate) fn symmetric(pair: Pair) -> Self {
        let Pair { h, w } = pair;
        Self { top: h.clone(), bottom: h, left: w.clone(), right: w }
    }
}
