//! Rules about words.

use crate::error::Errors;
use crate::parse::args::{Arg, Args};
use crate::spec::{Algorithm, Dtype, PaddingMode};
use crate::wording::{nearest, shorten};

/// The words that are known.
pub(super) struct Words {
    pub(super) mode: Option<PaddingMode>,
    pub(super) dtype: Option<Dtype>,
    pub(super) algorithm: Option<Algorithm>,
}

/// All rules of this file.
pub(super) fn check_words(args: &Args, errors: &mut Errors) -> Words {
    let mode = Rule { default: PaddingMode::Zeros, find: PaddingMode::find, unknown: unknown_mode };
    let dtype = Rule { default: Dtype::F32, find: Dtype::find, unknown: unknown_dtype };
    let algorithm = Rule { default: Algorithm::Auto, find: Algorithm::find, unknown: unknown_algorithm };
    Words {
        mode: mode.check(&args.padding_mode, errors),
        dtype: dtype.check(&args.dtype, errors),
        algorithm: algorithm.check(&args.algorithm, errors),
    }
}

/// A word is one of its key's.
struct Rule<T> {
    default: T,
    find: fn(&str) -> Option<T>,
    /// What to say of another word.
    unknown: fn(&str) -> String,
}

impl<T> Rule<T> {
    fn check(self, arg: &Arg<String>, errors: &mut Errors) -> Option<T> {
        let word = match arg {
            Arg::Absent => return Some(self.default),
            Arg::Refused => return None,
            Arg::Given(word) => word,
        };
        let found = (self.find)(&word.value);
        if found.is_none() {
            errors.push(word.spot, (self.unknown)(&shorten(&word.value)));
        }
        found
    }
}

fn unknown_mode(word: &str) -> String {
    let remedy = match word.to_lowercase().as_str() {
        "constant" | "zero" | "none" => "did you mean `zeros`?".to_owned(),
        "wrap" | "periodic" => "did you mean `circular`?".to_owned(),
        "edge" | "border" | "clamp" | "nearest" => "did you mean `replicate`?".to_owned(),
        "mirror" | "reflection" => "did you mean `reflect`?".to_owned(),
        "symmetric" => "a reflection that repeats the edge is not available".to_owned(),
        "same" | "valid" => format!("write `padding: {word}`"),
        _ => did_you_mean(word, PaddingMode::ALL.map(PaddingMode::word)),
    };
    format!(
        "padding_mode must be one of {{'zeros', 'reflect', 'replicate', 'circular'}}, but got \
         padding_mode='{word}'; {remedy}"
    )
}

fn unknown_dtype(word: &str) -> String {
    let remedy = match word.to_lowercase().as_str() {
        "float" | "float32" | "single" => "write `f32`",
        "double" | "float64" => "write `f64`",
        "f16" | "bf16" | "half" | "float16" | "bfloat16" => {
            "write `f32` and convert: half precision is not available in this version"
        }
        "f128" | "f80" => "write `f64`, the most precise one",
        _ if word.starts_with(['i', 'u']) && word[1..].parse::<u8>().is_ok() => {
            "layers of integers are not available in this version"
        }
        _ => "write one of the two",
    };
    format!("dtype must be f32 or f64, but got {word}; {remedy}")
}

fn unknown_algorithm(word: &str) -> String {
    let remedy = match word.to_lowercase().as_str() {
        "im2col" | "gemm" | "fft" => {
            "there is no detour over matrices or spectra, leave the choice to `auto`".to_owned()
        }
        _ => did_you_mean(word, Algorithm::ALL.map(Algorithm::word)),
    };
    format!("algorithm must be auto, direct or winograd, but got {word}; {remedy}")
}

/// The nearest of the words, if there is one.
fn did_you_mean<const N: usize>(word: &str, words: [&'static str; N]) -> String {
    match nearest(word, words) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "write one of these words".to_owned(),
    }
}
