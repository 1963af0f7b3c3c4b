//! The parameters of a layer that is a constant, as data of the program.
//!
//! ```text
//! static WEIGHTS_0: Line<[f32; 96]> = Line(f32s(b".."));
//! static BIAS_0: ..
//! fn parameters(&self) -> ParametersRef<'_, f32> {
//!     ParametersRef::constant(|bits| match bits {
//!         512 => (&WEIGHTS_1.0, &BIAS_1.0),
//!         ..
//!     })
//! }
//! ```
//!
//! Plans that want the same order share it. `conv_runtime`'s `constant.rs` says why it is a string.

use std::ops::Range;
use std::path::Path;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use crate::plan::{Plan, Transform};
use crate::spec::Spec;
use crate::weights::Weights;

/// What the order of packed weights depends on.
#[derive(Clone, Debug, PartialEq)]
struct Order {
    strips: Vec<(Range<usize>, usize)>,
    transforms: Option<[Transform; 2]>,
}

impl Order {
    fn of(spec: &Spec, plan: &Plan) -> Self {
        Self { strips: plan.strips(spec), transforms: plan.transforms(spec) }
    }
}

/// The weights of a layer, and the orders that its kernels want them in.
pub(crate) struct Constants<'a> {
    weights: &'a Weights,
    spec: &'a Spec,
    orders: Vec<(Order, &'a Plan)>,
    private: &'a TokenStream,
}

impl<'a> Constants<'a> {
    pub(crate) fn new(
        weights: &'a Weights,
        spec: &'a Spec,
        plans: impl Iterator<Item = &'a Plan>,
        private: &'a TokenStream,
    ) -> Self {
        let mut orders: Vec<(Order, &Plan)> = Vec::new();
        for plan in plans {
            let order = Order::of(spec, plan);
            if orders.iter().all(|(known, _)| *known != order) {
                orders.push((order, plan));
            }
        }
        Self { weights, spec, orders, private }
    }

    /// Weights and biases in every order, in a static each; the weights as they came, if some are transformed; and what
    /// makes the compiler watch their file. A program holds those that its kernels, or it itself, ask for.
    pub(crate) fn statics(&self) -> TokenStream {
        let tracked = self.weights.file.as_deref().map(tracked);
        let packed = self.orders.iter().enumerate().map(|(at, (_, plan))| {
            let packed = self.weights.pack(self.spec, plan);
            let [weights, bias] = names(at);
            let (weights, bias) = (self.line(&weights, &packed.weight), self.line(&bias, &packed.bias));
            quote!(#weights #bias)
        });
        let is_transformed = self.orders.iter().any(|(order, _)| order.transforms.is_some());
        let original = is_transformed.then(|| self.line(&format_ident!("ORIGINAL"), &self.weights.weight));
        quote!(#tracked #(#packed)* #original)
    }

    /// The function that gives the kernels of these plans their weights. Only x86 has the wider vectors.
    pub(crate) fn parameters(&self, plans: &[Plan]) -> TokenStream {
        let (element, private) = (self.spec.dtype.ident(), self.private);
        let order = |plan: &Plan| {
            let order = Order::of(self.spec, plan);
            let at = self.orders.iter().position(|(known, _)| *known == order);
            let [weights, bias] = names(at.unwrap_or_else(|| unreachable!("every plan has an order")));
            quote!((&#weights.0, &#bias.0))
        };
        let [narrow, wider @ ..] = plans else { unreachable!("there is a plan") };
        let arms = wider.iter().map(|plan| {
            let (bits, order) = (Literal::usize_unsuffixed(plan.machine.bits), order(plan));
            quote! {
                #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
                #bits => #order,
            }
        });
        let narrow = order(narrow);
        quote! {
            #[inline]
            fn parameters(&self) -> #private::ParametersRef<'_, #element> {
                #private::ParametersRef::constant(|bits| match bits {
                    #(#arms)*
                    _ => #narrow,
                })
            }
        }
    }

    /// The function that gives the weights as they came, where a kernel reads only what they were transformed to. It is
    /// not part of `parameters`, for a program that does not ask for the weights need not hold them.
    pub(crate) fn original(&self, plans: &[Plan]) -> Option<TokenStream> {
        plans.iter().find(|plan| plan.transforms(self.spec).is_some())?;
        let element = self.spec.dtype.ident();
        Some(quote! {
            fn original(&self) -> ::core::option::Option<&[#element]> {
                ::core::option::Option::Some(&ORIGINAL.0)
            }
        })
    }

    /// Numbers in a static.
    fn line(&self, name: &Ident, numbers: &[f64]) -> TokenStream {
        let (dtype, private) = (self.spec.dtype, self.private);
        let (element, read) = (dtype.ident(), format_ident!("{}s", dtype.word()));
        let len = Literal::usize_unsuffixed(numbers.len());
        let bytes = Literal::byte_string(&dtype.bytes_of(numbers));
        quote! {
            #[allow(dead_code)]
            static #name: #private::Line<[#element; #len]> = #private::Line(#private::#read(#bytes));
        }
    }
}

/// The statics of an order.
fn names(order: usize) -> [Ident; 2] {
    ["WEIGHTS", "BIAS"].map(|name| format_ident!("{name}_{order}"))
}

/// The parameters of a layer that will not run.
pub(crate) fn no_parameters(element: &Ident, private: &TokenStream) -> TokenStream {
    quote! {
        fn parameters(&self) -> #private::ParametersRef<'_, #element> {
            #private::ParametersRef::constant(|_| (&[], &[]))
        }
    }
}

/// Makes the compiler watch the file, which only the macro has read. A function that nobody calls leaves nothing in the
/// crate's metadata, where a constant left four times the file: 36 MB of 9.4, and a quarter of a second.
fn tracked(path: &str) -> TokenStream {
    let path = if Path::new(path).is_absolute() {
        quote!(#path)
    } else {
        quote!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", #path))
    };
    quote! {
        #[allow(dead_code)]
        fn tracked() {
            let _ = ::core::include_bytes!(#path);
        }
    }
}
