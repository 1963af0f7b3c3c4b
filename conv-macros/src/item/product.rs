//! The kernels of the input's gradient that take the weights as `forward` has them.

use std::iter;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use crate::emit::Emitter;
use crate::lower::lower_product;
use crate::plan::{Machine, Plan, Plans, ProductPlan, plan_product};
use crate::spec::Spec;

/// The plans for every machine that the program may run on, where they are worth it.
pub(super) struct Products<'a> {
    adjoint: &'a Spec,
    widths: [Option<ProductPlan>; 3],
    others: Vec<(&'static str, Option<ProductPlan>)>,
}

impl<'a> Products<'a> {
    /// Beside the plans of `forward`, and those of the layer that takes turned weights.
    pub(super) fn new(adjoint: &'a Spec, forward: &Plans, turned: &[Plan; 3]) -> Self {
        let [narrow, medium, wide] = &forward.widths;
        let of = |forward, turned| plan_product(adjoint, forward, turned);
        let widths = [of(narrow, &turned[0]), of(medium, &turned[1]), of(wide, &turned[2])];
        let others = forward.others.iter().map(|(arch, forward)| (*arch, of(forward, &turned[0])));
        Self { adjoint, widths, others: others.collect() }
    }

    /// Where turned weights are needed, and a layer for them, as `cfg` has it: everywhere, on some architectures alone, or
    /// nowhere.
    pub(super) fn turned(&self) -> Option<TokenStream> {
        if self.widths.iter().any(Option::is_none) {
            return Some(quote!(all()));
        }
        let others = self.others.iter().filter(|(_, plan)| plan.is_none());
        let archs: Vec<_> = others.map(|(arch, _)| arch).collect();
        (!archs.is_empty()).then(|| quote!(any(#(target_arch = #archs),*)))
    }

    /// What the runtime asks of a layer; once more for each architecture that has kernels of its own.
    pub(super) fn items(&self, private: &TokenStream) -> TokenStream {
        let widths = self.of(&self.widths.each_ref().map(Option::as_ref), private);
        if self.others.is_empty() {
            return quote!(#(#widths)*);
        }
        let archs = self.others.iter().map(|(arch, _)| arch);
        let elsewhere = quote!(#[cfg(not(any(#(target_arch = #archs),*)))]);
        let others = self.others.iter().map(|(arch, plan)| {
            let items = self.of(&[plan.as_ref(), None, None], private);
            quote!(#(#[cfg(target_arch = #arch)] #items)*)
        });
        quote! {
            #(#elsewhere #widths)*
            #(#others)*
        }
    }

    /// How the kernels want their data, and the kernels, if there are any.
    fn of(&self, plans: &[Option<&ProductPlan>; 3], private: &TokenStream) -> Vec<TokenStream> {
        if plans.iter().all(Option::is_none) {
            return Vec::new();
        }
        let scheme = |plan: &ProductPlan| {
            let [rows, blocks] = [plan.rows, plan.blocks()].map(Literal::usize_unsuffixed);
            quote!(::core::option::Option::Some(#private::Product { rows: #rows, blocks: #blocks }))
        };
        let none = || quote!(::core::option::Option::None);
        let schemes = plans.map(|plan| plan.map_or_else(none, scheme));
        let product = quote!(::core::option::Option<#private::Product>);
        let schemes = quote!(const PRODUCTS: [#product; 3] = [#(#schemes),*];);
        let kernels = plans.iter().flatten().map(|plan| self.kernel(plan, private));
        iter::once(schemes).chain(kernels).collect()
    }

    fn kernel(&self, plan: &ProductPlan, private: &TokenStream) -> TokenStream {
        let Self { adjoint, .. } = self;
        let emitter = Emitter { private, dtype: adjoint.dtype };
        let name = product_name(plan.machine);
        let (element, vector) = (adjoint.dtype.ident(), emitter.vector(plan.machine.lanes));
        let body = |tail| emitter.emit(&lower_product(adjoint, plan, tail));
        let body = super::full_or_tail(adjoint.in_per_group() >= plan.block, plan.tail > 0, body);
        quote! {
            #[inline(always)]
            fn #name<S: #private::Simd>(simd: S, job: #private::ProductJob<'_, #element>) {
                type V<S> = #vector<S>;
                let #private::ProductJob { geometry, weights, gradient, last: image, output, .. } = job;
                let _ = image;
                #body
            }
        }
    }
}

fn product_name(machine: Machine) -> Ident {
    format_ident!("product_{}", machine.bits)
}
