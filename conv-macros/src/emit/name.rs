//! The names of a nest's variables, registers and buffers, and its indices, as tokens.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;

use crate::nest::{Buffer, Index, Reg, Size, Var};

/// A number of elements or a position.
pub(super) fn index(value: &Index) -> TokenStream {
    match value {
        Index::Const(value) => {
            let value = Literal::usize_unsuffixed(*value);
            quote!(#value)
        }
        Index::Size(size) => {
            let name = size_name(*size);
            quote!(geometry.#name)
        }
        Index::Var(var) => {
            let name = variable(*var);
            quote!(#name)
        }
        Index::Sum(a, b) => {
            let (a, b) = (index(a), index(b));
            quote!(#a + #b)
        }
        Index::Product(a, b) => {
            let (a, b) = (factor(a), factor(b));
            quote!(#a * #b)
        }
        Index::Quotient(a, b) => {
            let (a, b) = (factor(a), Literal::usize_unsuffixed(*b));
            quote!(#a / #b)
        }
        Index::Remainder(a, b) => {
            let (a, b) = (factor(a), Literal::usize_unsuffixed(*b));
            quote!(#a % #b)
        }
        Index::Difference(a, b) => {
            let (a, b) = (index(a), index(b));
            quote!(usize::saturating_sub(#a, #b))
        }
        Index::Tiles(a, b) => {
            let (a, b) = (index(a), Literal::usize_unsuffixed(*b));
            quote!(usize::div_ceil(#a, #b))
        }
        Index::Opaque(value) => {
            let value = Literal::usize_unsuffixed(*value);
            quote!(::core::hint::black_box(#value))
        }
        Index::AtMost(a, b) => {
            let (a, b) = (index(a), index(b));
            quote!(::core::cmp::Ord::min(#a, #b))
        }
    }
}

/// An operand of a product: compounds take brackets.
pub(super) fn factor(value: &Index) -> TokenStream {
    let tokens = index(value);
    match value {
        Index::Const(_) | Index::Size(_) | Index::Var(_) => tokens,
        _ => quote!((#tokens)),
    }
}

pub(super) fn variable(var: Var) -> Ident {
    Ident::new(var.0, Span::call_site())
}

pub(super) fn register(reg: &Reg) -> Ident {
    Ident::new(&reg.0, Span::call_site())
}

fn size_name(size: Size) -> Ident {
    Ident::new(&size.to_string(), Span::call_site())
}

pub(super) fn buffer_name(buffer: Buffer) -> Ident {
    Ident::new(&buffer.to_string(), Span::call_site())
}

/// A buffer to read from.
pub(super) fn slice(buffer: Buffer) -> TokenStream {
    let name = buffer_name(buffer);
    match buffer {
        Buffer::Padded | Buffer::Tile => quote!(&#name),
        Buffer::Work => quote!(&*work),
        Buffer::Image | Buffer::Weights | Buffer::Bias | Buffer::Output | Buffer::Gradient => quote!(#name),
    }
}

/// A buffer to write to.
pub(super) fn slice_mut(buffer: Buffer) -> TokenStream {
    let name = buffer_name(buffer);
    match buffer {
        Buffer::Padded | Buffer::Tile => quote!(&mut #name),
        Buffer::Work | Buffer::Image | Buffer::Weights | Buffer::Bias | Buffer::Output | Buffer::Gradient => {
            quote!(#name)
        }
    }
}
