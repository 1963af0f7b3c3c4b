//! The pipeline: tokens -> tokens.

use proc_macro2::TokenStream;
use quote::quote;

use crate::check::{Checked, check};
use crate::error::{Errors, Mistake};
use crate::item::{blueprint, item, stand_in};
use crate::parse::{Form, Input, parse};

/// Expands an invocation: every valid layer in full, every mistake as one `compile_error!`.
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Input { layers, form } = parse(tokens, &mut errors);
    let layers = check(layers, &mut errors);
    let mistakes = errors.finish().err().unwrap_or_default();
    match form {
        Form::Item => items(&layers, &mistakes),
        Form::Expression => expression(&layers, &mistakes),
    }
}

/// Items, and a stand-in for those that have mistakes.
fn items(layers: &[Checked], mistakes: &[Mistake]) -> TokenStream {
    let mistakes = mistakes.iter().map(Mistake::to_compile_error);
    let layers = layers.iter().map(|layer| match layer {
        Ok(layer) => item(layer),
        Err(layer) => stand_in(layer),
    });
    quote!(#(#mistakes)* #(#layers)*)
}

/// A value. The last `compile_error!` is the value of a block with mistakes: the compiler says nothing of
/// what is done to it.
fn expression(layers: &[Checked], mistakes: &[Mistake]) -> TokenStream {
    let mistakes = mistakes.iter().map(Mistake::to_compile_error);
    if let [Ok(layer)] = layers { blueprint(layer) } else { quote!({ #(#mistakes);* }) }
}
