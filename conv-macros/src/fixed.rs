//! Layers made for one image size: the types of their images and of their working memory.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use crate::plan::{Plan, Plans};
use crate::spec::{Hw, Spec};

/// Arrays in and out, for layers whose image size is known.
pub(crate) fn fixed(
    name: &Ident,
    spec: &Spec,
    image: Hw,
    plans: &Plans,
    private: &TokenStream,
) -> TokenStream {
    let element = spec.dtype.ident();
    let array = |channels: usize, size: Hw| {
        let [c, h, w] = [channels, size.h, size.w].map(Literal::usize_unsuffixed);
        quote!([[[#element; #w]; #h]; #c])
    };
    let out = spec.output(image).unwrap_or(Hw { h: 1, w: 1 });
    let (input, output) = (array(spec.in_channels, image), array(spec.out_channels, out));
    let scratch = |plan: &Plan| Literal::usize_unsuffixed(plan.scratch(spec).unwrap_or(0));
    let widths = plans.widths.iter().map(scratch);
    let others = plans.others.iter().map(|(arch, plan)| {
        let scratch = scratch(plan);
        quote!(if ::core::cfg!(target_arch = #arch) { #scratch } else)
    });
    quote! {
        #[automatically_derived]
        impl #private::Fixed for #name {
            type Input = #input;
            type Output = #output;
            type Memory = [#element; <Self as #private::Fixed>::SCRATCH];
            const SCRATCH: usize = #(#others)* { #private::scratch([#(#widths),*]) };

            #[inline]
            fn flat<'a>(
                input: &'a Self::Input,
                output: &'a mut Self::Output,
            ) -> (&'a [#element], &'a mut [#element]) {
                (input.as_flattened().as_flattened(), output.as_flattened_mut().as_flattened_mut())
            }

            #[inline]
            fn memory(memory: &mut Self::Memory) -> &mut [#element] {
                memory
            }
        }
    }
}
