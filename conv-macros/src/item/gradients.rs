//! What the runtime asks of a layer for training: the kernels of the two gradients.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::product::Products;
use crate::backward::Adjoint;
use crate::emit::Emitter;
use crate::lower::lower_sums;
use crate::plan::{Machine, Plan, Plans, SumsPlan, SumsTile, one_row, outs_a_call, plan, plan_sums};
use crate::spec::{Residues, Spec};

/// The impl that ties the gradients' kernels to the layer, and the hidden layer of the input's gradient, where there is
/// need of one.
pub(super) fn gradients(name: &Ident, spec: &Spec, forward: &Plans, private: &TokenStream) -> TokenStream {
    let Input { hidden, items } = Input::new(name, spec, forward, private);
    let plans = Machine::WIDTHS.map(|bits| plan_sums(spec, Machine::new(bits, spec.dtype)));
    let schemes = plans.iter().map(|plan| scheme(spec, plan, private));
    let sums = plans.iter().map(|plan| sums(spec, plan, private));
    quote! {
        #hidden

        #[automatically_derived]
        impl #private::Differentiable for #name {
            #items
            const SUMS: [#private::Sums; 3] = [#(#schemes),*];
            #(#sums)*
        }
    }
}

/// What computes the input's gradient.
struct Input {
    /// The layer that takes turned weights.
    hidden: TokenStream,
    /// What the runtime asks.
    items: TokenStream,
}

impl Input {
    fn new(name: &Ident, spec: &Spec, forward: &Plans, private: &TokenStream) -> Self {
        let Some(Adjoint { spec, folds }) = Adjoint::of(spec) else {
            let items = quote!(type InputGradient = #name; const FOLDS: bool = true;);
            return Self { hidden: TokenStream::new(), items };
        };
        let plans = Machine::WIDTHS.map(|bits| plan(&spec, Machine::new(bits, spec.dtype)));
        let products = Products::new(&spec, forward, &plans);
        let layer = format_ident!("{name}InputGradient");
        let mut hidden = TokenStream::new();
        let mut input = quote!(type InputGradient = #name;);
        if let Some(those) = products.turned() {
            hidden = input_gradient(&layer, &spec, &plans, &those, private);
            input = quote!(#[cfg(#those)] type InputGradient = #layer; #[cfg(not(#those))] #input);
        }
        let products = products.items(private);
        Self { hidden, items: quote!(#input const FOLDS: bool = #folds; #products) }
    }
}

/// As [`gradients`], of a layer that has mistakes.
pub(super) fn stand_in(name: &Ident, element: &Ident, private: &TokenStream) -> TokenStream {
    let sums = Machine::WIDTHS.map(|bits| {
        let sums = sums_name(bits);
        quote!(fn #sums<S: #private::Simd>(_: S, _: #private::SumsJob<'_, #element>) {})
    });
    quote! {
        impl #private::Differentiable for #name {
            type InputGradient = #name;
            const FOLDS: bool = true;
            const SUMS: [#private::Sums; 3] = [#private::Sums::InPlace; 3];
            #(#sums)*
        }
    }
}

/// The layer that turns the output's gradient into the input's, where `cfg` says `those`.
fn input_gradient(
    name: &Ident,
    spec: &Spec,
    plans: &[Plan; 3],
    those: &TokenStream,
    private: &TokenStream,
) -> TokenStream {
    let element = spec.dtype.ident();
    let parameters = super::stored_parameters(&element, private);
    let kernel = super::kernel(name, spec, private, plans, "", &parameters);
    let trainable = super::trainable(name, &element, private);
    quote! {
        #[cfg(#those)]
        #[doc(hidden)]
        #[derive(Debug)]
        pub struct #name {
            parameters: #private::Parameters<#element>,
        }

        #[cfg(#those)]
        #kernel
        #[cfg(#those)]
        #trainable
    }
}

/// Which output channels lack taps, if any do.
pub(super) fn residues(spec: &Spec, private: &TokenStream) -> Option<TokenStream> {
    let Residues { count, whole } = spec.adjoint?;
    let (counts, wholes) = (super::pair(count), super::pair(whole));
    (count != whole).then(|| {
        quote!(const RESIDUES: #private::Residues = #private::Residues { count: #counts, whole: #wholes };)
    })
}

fn sums_name(bits: usize) -> Ident {
    format_ident!("sums_{bits}")
}

/// The kernel of the weight's gradient in one vector width.
fn sums(spec: &Spec, plan: &SumsPlan, private: &TokenStream) -> TokenStream {
    let emitter = Emitter { private, dtype: spec.dtype };
    let name = sums_name(plan.machine.bits);
    let (element, vector) = (spec.dtype.ident(), emitter.vector(plan.machine.lanes));
    let body = emitter.emit(&lower_sums(spec, plan));
    quote! {
        #[inline(always)]
        fn #name<S: #private::Simd>(simd: S, job: #private::SumsJob<'_, #element>) {
            type V<S> = #vector<S>;
            let #private::SumsJob { geometry, image, gradient, output, zeros: work } = job;
            let _ = (geometry, work);
            #body
        }
    }
}

fn scheme(spec: &Spec, plan: &SumsPlan, private: &TokenStream) -> TokenStream {
    match plan.tile {
        SumsTile::InPlace { .. } | SumsTile::Planes { .. } => quote!(#private::Sums::InPlace),
        SumsTile::Channels { vectors, depth, .. } => {
            let width = Literal::usize_unsuffixed(vectors * plan.machine.lanes);
            let depth = Literal::usize_unsuffixed(depth);
            quote!(#private::Sums::Copies(#private::Copies::Channels { width: #width, depth: #depth }))
        }
        SumsTile::InChannels { outs, vectors } => {
            let width = Literal::usize_unsuffixed(vectors * plan.machine.lanes);
            let outs = Literal::usize_unsuffixed(outs_a_call(outs));
            quote!(#private::Sums::Rows { width: #width, outs: #outs })
        }
        SumsTile::Pixels { lines, .. } => {
            let one_row = one_row(spec, lines);
            let lines = Literal::usize_unsuffixed(lines);
            quote!(#private::Sums::Copies(#private::Copies::Pixels { lines: #lines, one_row: #one_row }))
        }
    }
}
