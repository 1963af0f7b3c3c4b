//! The parameters of a layer that is a constant, as data of the program.
//!
//! ```text
//! fn parameters(&self) -> ParametersRef<'_, f32> {
//!     ParametersRef::constant(|bits| match bits {
//!         512 => { static WEIGHTS: Line<[f32; 96]> = Line(f32s(b"..")); .. }
//!         ..
//!     })
//! }
//! ```
//!
//! Each vector width has an order of its own, or that of the narrowest. Only x86 has the wider ones, so no
//! other machine's program holds weights for them. `conv_runtime`'s `constant.rs` says why it is a string.

use std::path::Path;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use crate::plan::Plan;
use crate::spec::{Dtype, Spec};
use crate::weights::{Packed, Weights};

/// The function that gives the kernels their weights.
pub(crate) fn parameters(
    weights: &Weights,
    spec: &Spec,
    plans: &[Plan],
    private: &TokenStream,
) -> TokenStream {
    let element = spec.dtype.ident();
    let [narrow, wider @ ..] = plans else { unreachable!("there is a plan") };
    let narrow = weights.pack(spec, narrow);
    let wider = wider.iter().map(|plan| (plan.machine.bits, weights.pack(spec, plan)));
    // What is packed as in the last arm needs none of its own.
    let wider = wider.filter(|(_, packed)| *packed != narrow);
    let arms = wider.map(|(bits, packed)| {
        let (bits, arm) = (Literal::usize_unsuffixed(bits), arm(&packed, spec.dtype, private));
        quote! {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            #bits => #arm
        }
    });
    let last = arm(&narrow, spec.dtype, private);
    let tracked = weights.file.as_deref().map(tracked);
    quote! {
        #[inline]
        fn parameters(&self) -> #private::ParametersRef<'_, #element> {
            #tracked
            #private::ParametersRef::constant(|bits| match bits {
                #(#arms)*
                _ => #last
            })
        }
    }
}

/// The function that gives the weights as they came, where a kernel reads only what they were transformed to. It is not
/// part of `parameters`, for a program that does not ask for the weights need not hold them.
pub(crate) fn original(
    weights: &Weights,
    spec: &Spec,
    plans: &[Plan],
    private: &TokenStream,
) -> Option<TokenStream> {
    plans.iter().find(|plan| plan.transforms(spec).is_some())?;
    let element = spec.dtype.ident();
    let line = line("WEIGHTS", &weights.weight, spec.dtype, private);
    Some(quote! {
        fn original(&self) -> ::core::option::Option<&[#element]> {
            #line
            ::core::option::Option::Some(&WEIGHTS.0)
        }
    })
}

/// The parameters of a layer that will not run.
pub(crate) fn no_parameters(element: &Ident, private: &TokenStream) -> TokenStream {
    quote! {
        fn parameters(&self) -> #private::ParametersRef<'_, #element> {
            #private::ParametersRef::constant(|_| (&[], &[]))
        }
    }
}

/// Weights and biases, in a static each.
fn arm(packed: &Packed, dtype: Dtype, private: &TokenStream) -> TokenStream {
    let [weights, bias] = [("WEIGHTS", &packed.weight), ("BIAS", &packed.bias)]
        .map(|(name, numbers)| line(name, numbers, dtype, private));
    quote! {
        {
            #weights
            #bias
            (&WEIGHTS.0, &BIAS.0)
        }
    }
}

/// Numbers in a static.
fn line(name: &str, numbers: &[f64], dtype: Dtype, private: &TokenStream) -> TokenStream {
    let (element, read) = (dtype.ident(), format_ident!("{}s", dtype.word()));
    let name = format_ident!("{name}");
    let len = Literal::usize_unsuffixed(numbers.len());
    let bytes = Literal::byte_string(&dtype.bytes_of(numbers));
    quote!(static #name: #private::Line<[#element; #len]> = #private::Line(#private::#read(#bytes));)
}

/// Makes the compiler watch the file, which only the macro has read.
fn tracked(path: &str) -> TokenStream {
    let path = if Path::new(path).is_absolute() {
        quote!(#path)
    } else {
        quote!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", #path))
    };
    quote! {
        const _: &[::core::primitive::u8] = ::core::include_bytes!(#path);
    }
}
