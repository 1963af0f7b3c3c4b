//! Rules about weights that are constants: their numbers, their shape, the file they come from.

use super::numbers::{Expected, check_numbers};
use crate::error::{Errors, Spot};
use crate::file::{Array, Checkpoint, npy, read};
use crate::parse::args::{Arg, Args, BiasArg, Numbers, Spanned, WeightsArg};
use crate::spec::{Dtype, Spec};
use crate::weights::Weights;
use crate::wording::{list, nearest, shorten};

/// A message names at most this many layers of a file.
const SUGGESTIONS: usize = 8;

/// All rules of this file. Gives weights only if the layer's other numbers are sound.
pub(super) fn check_constants(
    args: &Args,
    spec: Option<&Spec>,
    dtype: Dtype,
    errors: &mut Errors,
) -> Option<Weights> {
    let mut check = Check { args, spec, dtype, errors };
    if args.weights.is_absent() {
        check.weightless();
        return None;
    }
    let bias = check.written_bias();
    match &args.weights {
        Arg::Absent | Arg::Refused => None,
        Arg::Given(Spanned { value: WeightsArg::Numbers(numbers), spot }) => {
            check.tensor_of_no_file();
            let weight = check.numbers(numbers, *spot);
            check.bias_beside(*spot, "the weights are written out");
            check.finish(weight, bias, None)
        }
        Arg::Given(Spanned { value: WeightsArg::File(path), spot }) => check.file(path, *spot, bias),
    }
}

struct Check<'a> {
    args: &'a Args,
    /// The layer, if its numbers are sound.
    spec: Option<&'a Spec>,
    dtype: Dtype,
    errors: &'a mut Errors,
}

impl Check<'_> {
    /// The numbers of a bias that was written out.
    fn written_bias(&mut self) -> Option<Vec<f64>> {
        let Arg::Given(Spanned { value: BiasArg::Numbers(numbers), spot }) = &self.args.bias else {
            return None;
        };
        let shape = self.spec.map(|spec| vec![spec.out_channels]);
        check_numbers(numbers, *spot, &Expected { key: "bias", shape, dtype: self.dtype }, self.errors)
    }

    /// Weights that were written out.
    fn numbers(&mut self, numbers: &Numbers, at: Spot) -> Option<Vec<f64>> {
        let shape = self.spec.map(|spec| spec.weight_shape().to_vec());
        check_numbers(numbers, at, &Expected { key: "weights", shape, dtype: self.dtype }, self.errors)
    }

    /// What makes no sense in a layer whose weights come at run time.
    fn weightless(&mut self) {
        if let Arg::Given(tensor) = &self.args.tensor {
            let message = "tensor names a layer in a file, but there are no weights; add \
                           `weights: \"model.safetensors\"`";
            self.errors.push(tensor.spot, message);
        }
        if let Arg::Given(Spanned { value: BiasArg::Numbers(_), spot }) = &self.args.bias {
            let message = "a bias is written out beside the weights only, and there are none; write `bias: true`, or \
                           add `weights`";
            self.errors.push(*spot, message);
        }
    }

    /// `tensor` belongs to a checkpoint.
    fn tensor_of_no_file(&mut self) {
        if let Arg::Given(tensor) = &self.args.tensor {
            let message =
                "tensor names a layer in a .safetensors file, but the weights come from none; leave it out";
            self.errors.push(tensor.spot, message);
        }
    }

    /// A bias must stand beside weights that have none with them.
    fn bias_beside(&mut self, weights: Spot, why: &str) {
        let (at, rule) = match &self.args.bias {
            Arg::Absent => (weights, "missing bias: a layer has one if nothing is said"),
            Arg::Given(Spanned { value: BiasArg::Flag(true), spot }) => {
                (*spot, "missing the numbers of the bias")
            }
            _ => return,
        };
        let remedy = "write `bias: false`, or its numbers as in `bias: [0.5]`";
        self.errors.push(at, format!("{rule}, and {why} without it; {remedy}"));
    }

    /// The layer's constants, unless something was wrong.
    fn finish(
        &self,
        weight: Option<Vec<f64>>,
        bias: Option<Vec<f64>>,
        file: Option<&str>,
    ) -> Option<Weights> {
        let spec = self.spec?;
        let complete = bias.is_some() == spec.bias;
        complete.then_some(Weights { weight: weight?, bias, file: file.map(str::to_owned) })
    }

    /// Weights in a file.
    fn file(&mut self, path: &str, at: Spot, bias: Option<Vec<f64>>) -> Option<Weights> {
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_checkpoint = match extension {
            "safetensors" => true,
            "npy" => false,
            _ => {
                let message = format!(
                    "weights come from files that end in .safetensors or .npy, but got `{}`",
                    shorten(path)
                );
                self.errors.push(at, message);
                return None;
            }
        };
        if !is_checkpoint {
            self.tensor_of_no_file();
            self.bias_beside(at, "the file holds the weights");
        }
        let file = read(path).map_err(|message| self.errors.push(at, message)).ok()?;
        let file = File { path, at, bytes: &file };
        if is_checkpoint { self.checkpoint(&file, bias) } else { self.npy(&file, bias) }
    }

    fn npy(&mut self, file: &File<'_>, bias: Option<Vec<f64>>) -> Option<Weights> {
        let array = file.or_damaged(npy(file.bytes), self.errors)?;
        let shape = self.spec?.weight_shape();
        let weight = self.array(file, "the array", &array, &shape);
        self.finish(weight, bias, Some(file.path))
    }

    fn checkpoint(&mut self, file: &File<'_>, bias: Option<Vec<f64>>) -> Option<Weights> {
        let checkpoint = file.or_damaged(Checkpoint::new(file.bytes), self.errors)?;
        let name = match &self.args.tensor {
            Arg::Given(name) => name,
            Arg::Refused => return None,
            Arg::Absent => {
                let layers = layers(&checkpoint, "");
                let message =
                    format!("which layer of `{}`? Add `tensor: \"conv1\"`; it has {layers}", file.path);
                self.errors.push(file.at, message);
                return None;
            }
        };
        let spec = self.spec?;
        let shape = spec.weight_shape();
        let weight = self.entry(file, &checkpoint, name, "weight", &shape);
        let reads_bias =
            spec.bias && !matches!(self.args.bias.given(), Some(Spanned { value: BiasArg::Numbers(_), .. }));
        let bias = if reads_bias && weight.is_some() {
            Some(self.entry(file, &checkpoint, name, "bias", &[spec.out_channels])?)
        } else {
            bias
        };
        self.finish(weight, bias, Some(file.path))
    }

    /// An array of a checkpoint.
    fn entry(
        &mut self,
        file: &File<'_>,
        checkpoint: &Checkpoint<'_>,
        layer: &Spanned<String>,
        part: &str,
        shape: &[usize],
    ) -> Option<Vec<f64>> {
        let name = format!("{}.{part}", layer.value);
        let found = file.or_damaged(checkpoint.array(&name), self.errors)?;
        let Some(array) = found else {
            let remedy = match part {
                "bias" => "write `bias: false`, or its numbers".to_owned(),
                _ => format!("it has {}", layers(checkpoint, &layer.value)),
            };
            let name = shorten(&name);
            self.errors.push(layer.spot, format!("there is no `{name}` in `{}`; {remedy}", file.path));
            return None;
        };
        self.array(file, &format!("`{}`", shorten(&name)), &array, shape)
    }

    /// The numbers of an array, if it has the layer's shape and a type that its numbers are exact in.
    fn array(&mut self, file: &File<'_>, name: &str, array: &Array<'_>, shape: &[usize]) -> Option<Vec<f64>> {
        let path = file.path;
        if array.shape != shape {
            let message =
                format!("expected {name} in `{path}` to be of size {shape:?}, but got {:?}", array.shape);
            self.errors.push(file.at, message);
            return None;
        }
        if !self.dtype.holds(&array.stored) {
            let (layer, stored) = (self.dtype.word(), shorten(array.stored.name()));
            let message = format!(
                "expected {name} in `{path}` to be of {layer}, f16 or bf16, but got {stored}; convert it before it is saved"
            );
            self.errors.push(file.at, message);
            return None;
        }
        array.numbers()
    }
}

/// A file and where the user named it.
struct File<'a> {
    path: &'a str,
    at: Spot,
    bytes: &'a [u8],
}

impl File<'_> {
    /// What was read of the file, or a mistake.
    fn or_damaged<T>(&self, result: Result<T, String>, errors: &mut Errors) -> Option<T> {
        result.map_err(|what| errors.push(self.at, format!("`{}` {what}", self.path))).ok()
    }
}

/// The layers of a file, or the one that was probably meant.
fn layers(checkpoint: &Checkpoint<'_>, name: &str) -> String {
    let layers = checkpoint.layers();
    if let Some(meant) = nearest(name, layers.iter().copied()) {
        return format!("`{meant}`");
    }
    let mut names: Vec<_> =
        layers.iter().take(SUGGESTIONS).map(|name| format!("`{}`", shorten(name))).collect();
    match layers.len().checked_sub(SUGGESTIONS) {
        None | Some(0) if names.is_empty() => "no layer at all".to_owned(),
        None | Some(0) => list(&names, "and"),
        Some(more) => {
            names.push(format!("{more} more"));
            list(&names, "and")
        }
    }
}
