//! `LayerArgs` -> [`CheckedLayer`]: torch's rules, and those of this macro.
//!
//! One rule, one function, one sentence, one message: torch's words where it has any, then the numbers,
//! then what to write instead. An argument that breaks a rule takes part in no further one, so that a
//! mistake is one error. The places of values end here.
//!
//! | file | rules about |
//! |---|---|
//! | `channels` | in, out, groups |
//! | `window` | kernel, stride, dilation, padding |
//! | `word` | words |
//! | `constants`, `numbers` | weights that are constants |
//! | `size` | what follows from the image's size, and numbers no computer can hold |

mod channels;
mod constants;
mod numbers;
mod size;
mod window;
mod word;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use self::channels::check_channels;
use self::constants::check_constants;
use self::window::check_window;
use self::word::check_words;
use crate::error::{Errors, Spot};
use crate::parse::args::{Args, BiasArg, Spanned};
use crate::parse::{Attribute, Key, LayerArgs, cfgs};
use crate::spec::{Algorithm, Dtype, Pattern, Spec};
use crate::weights::Weights;
use crate::wording::list;

/// A valid layer.
#[derive(Clone, Debug)]
pub(crate) struct CheckedLayer {
    /// To be passed through; a `cfg` among them concerns everything that belongs to the layer.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: TokenStream,
    /// `Layer` in the expression form.
    pub(crate) name: Ident,
    /// The path of `conv_runtime`.
    pub(crate) runtime: TokenStream,
    pub(crate) spec: Spec,
    /// Its weights, if they are constants.
    pub(crate) weights: Option<Weights>,
}

/// What is left of a layer with mistakes: enough for a stand-in.
#[derive(Clone, Debug)]
pub(crate) struct BrokenLayer {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: TokenStream,
    /// Missing where the mistake was in the name, or there is none.
    pub(crate) name: Option<Ident>,
    pub(crate) runtime: TokenStream,
    pub(crate) dtype: Dtype,
    /// Whether its weights were to be constants.
    pub(crate) is_constant: bool,
}

/// A layer after all rules.
pub(crate) type Checked = Result<CheckedLayer, BrokenLayer>;

/// Checks all layers of an invocation.
pub(crate) fn check(mut layers: Vec<LayerArgs>, errors: &mut Errors) -> Vec<Checked> {
    check_names(&mut layers, errors);
    let check = |layer: LayerArgs| {
        let (before, cfgs) = (errors.count(), cfgs(&layer.attrs));
        let checked = check_layer(layer, errors);
        errors.under(before, &cfgs);
        checked
    };
    layers.into_iter().map(check).collect()
}

/// Two layers of one invocation have two names, unless attributes choose between them.
fn check_names(layers: &mut [LayerArgs], errors: &mut Errors) {
    let mut names: Vec<Ident> = Vec::new();
    for layer in layers {
        let is_chosen = layer.attrs.iter().any(|attribute| attribute.is("cfg"));
        let Some(name) = layer.name.clone().filter(|_| !is_chosen) else { continue };
        if names.contains(&name) {
            errors.push(layer.spot, format!("the name `{name}` is defined twice here; choose another"));
            (layer.name, layer.is_sound) = (None, false);
        } else {
            names.push(name);
        }
    }
}

fn check_layer(layer: LayerArgs, errors: &mut Errors) -> Checked {
    let before = errors.count();
    let LayerArgs { attrs, vis, name, spot, args, is_sound } = layer;
    let spec = args.as_ref().and_then(|args| check_spec(args, spot, errors));
    let args = args.unwrap_or_default();
    let dtype = args.dtype.given().and_then(|word| Dtype::find(&word.value));
    // Numbers of a type that nobody knows are checked as if it were the larger.
    let largest = if args.dtype.is_absent() { Dtype::F32 } else { Dtype::F64 };
    let weights = check_constants(&args, spec.as_ref(), dtype.unwrap_or(largest), errors);
    let runtime = args.runtime.given().map_or_else(|| quote!(::conv_runtime), |path| path.value);
    match spec {
        Some(mut spec) if is_sound && errors.count() == before => {
            if let Some(weights) = &weights {
                spec.pattern = Pattern::of(&weights.weight);
            }
            let name = name.unwrap_or_else(|| Ident::new("Layer", Span::mixed_site()));
            Ok(CheckedLayer { attrs, vis, name, runtime, spec, weights })
        }
        _ => {
            let is_constant = !args.weights.is_absent();
            let dtype = dtype.unwrap_or(Dtype::F32);
            Err(BrokenLayer { attrs, vis, name, runtime, dtype, is_constant })
        }
    }
}

/// All rules about one layer.
fn check_spec(args: &Args, at: Spot, errors: &mut Errors) -> Option<Spec> {
    check_required(args, at, errors);
    let words = check_words(args, errors);
    let channels = check_channels(args, at, errors);
    let window = check_window(args, at, errors);
    let is_storable = size::check_weights(&channels, &window, words.dtype, errors);
    let input = size::check_input(args, errors);
    let fits =
        input.as_ref().is_some_and(|input| size::check_image(words.mode, input, &channels, &window, errors));
    let spec = Spec {
        in_channels: channels.inputs?.value,
        out_channels: channels.outputs?.value,
        kernel: window.kernel?.value.numbers(),
        stride: window.stride?.value.numbers(),
        dilation: window.dilation?.value.numbers(),
        padding: window.padding?.value.numbers(),
        padding_mode: words.mode?,
        groups: channels.groups?.value,
        bias: !matches!(
            args.bias.or(|| Spanned { value: BiasArg::Flag(true), spot: at })?.value,
            BiasArg::Flag(false)
        ),
        dtype: words.dtype?,
        input: input.map(|input| input.value.numbers()),
        algorithm: words.algorithm?,
        pattern: Pattern::default(),
        adjoint: None,
    };
    if is_storable && fits {
        size::check_tensors(&spec, args, errors);
    }
    check_algorithm(&spec, args, errors);
    Some(spec)
}

/// An algorithm that the user insists on can be used.
fn check_algorithm(spec: &Spec, args: &Args, errors: &mut Errors) {
    if let (Algorithm::Winograd, Some(obstacle), Some(word)) =
        (spec.algorithm, spec.winograd_obstacle(), args.algorithm.given())
    {
        let message = format!("winograd cannot compute this layer: {obstacle}; write `algorithm: auto`");
        errors.push(word.spot, message);
    }
}

/// The channels and the kernel have no default.
fn check_required(args: &Args, at: Spot, errors: &mut Errors) {
    let missing: Vec<Key> = [
        (Key::In, args.in_channels.is_absent()),
        (Key::Out, args.out_channels.is_absent()),
        (Key::Kernel, args.kernel.is_absent()),
    ]
    .into_iter()
    .filter_map(|(key, is_absent)| is_absent.then_some(key))
    .collect();
    if missing.is_empty() {
        return;
    }
    let names = list(&missing.iter().map(|key| key.long()).collect::<Vec<_>>(), "and");
    let examples: Vec<String> = missing.iter().map(|key| key.example()).collect();
    let s = if missing.len() == 1 { "" } else { "s" };
    let message = format!("missing required argument{s} {names}; add `{}`", examples.join(", "));
    errors.push(at, message);
}

/// A number that is large enough.
fn at_least(value: &Spanned<usize>, key: Key, errors: &mut Errors) -> bool {
    let smallest = key.smallest();
    let is_enough = value.value >= smallest;
    if !is_enough {
        let (rule, got) = (key.floor(), value.value);
        errors.push(value.spot, format!("{rule}, but got `{got}`; write {smallest} or more"));
    }
    is_enough
}
