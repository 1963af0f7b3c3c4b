//! `conv2d!`: a layer of a convolutional network, as loops made for it alone.
//!
//! Use it through `conv_runtime`, whose documentation is the user's. This crate is tokens -> tokens:
//!
//! | stage | from | to | where |
//! |---|---|---|---|
//! | parse | tokens | `Args`: every value with its place | `parse` |
//! | check | `Args` | `Spec`: plain numbers of a valid layer | `check`, `spec` |
//! | | `Spec` | `Adjoint`: the input's gradient as a layer, planned like any other | `backward` |
//! | | files | `Weights`: the numbers of a constant layer | `file`, `weights` |
//! | plan | `Spec` | `Plan`: algorithm, tile, blocking | `plan` |
//! | lower | `Plan` | `Nest`: loops and registers | `lower`, `nest` |
//! | emit | `Nest` | tokens | `emit`, `item`, `constant`, `fixed` |
//!
//! One direction, and no stage looks two steps back. `expand` is the whole way.

#![forbid(unsafe_code)]

mod backward;
mod check;
mod constant;
mod emit;
mod error;
mod expand;
mod file;
mod fixed;
mod item;
mod lower;
mod nest;
mod parse;
mod plan;
mod report;
mod spec;
#[cfg(test)]
mod tests;
mod weights;
mod wording;

/// Generates a convolution layer. `conv_runtime::conv2d!` is this macro, with its documentation.
#[proc_macro]
pub fn conv2d(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand::expand(input.into()).into()
}
