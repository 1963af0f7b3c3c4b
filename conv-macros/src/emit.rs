//! [`Nest`] -> tokens: one arm a node, no decisions.
//!
//! The emitted text names registers and loops as the nest does, so it reads back to the plan. Everything
//! outside it is an absolute path into `conv_runtime::__private`.

mod name;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote};

use self::name::{buffer_name, factor, index, register, slice, slice_mut, variable};
use crate::nest::{Buffer, Extent, Index, Nest, PaddedRows, Reg, Sides, Stmt, Vector};
use crate::spec::{Dtype, PaddingMode};

/// What the emitted text needs to know beside the nest.
pub(crate) struct Emitter<'a> {
    /// Path of `conv_runtime::__private`.
    pub(crate) private: &'a TokenStream,
    pub(crate) dtype: Dtype,
}

impl Emitter<'_> {
    /// The statements of a kernel, which sees `simd`, and the fields of its job as variables.
    pub(crate) fn emit(&self, nest: &Nest) -> TokenStream {
        self.body(&nest.body)
    }

    /// The vector type of `lanes` elements.
    pub(crate) fn vector(&self, lanes: usize) -> TokenStream {
        let private = self.private;
        let name = Ident::new(&format!("{}x{lanes}", self.dtype.word()), Span::call_site());
        quote!(#private::#name)
    }

    fn body(&self, stmts: &[Stmt]) -> TokenStream {
        stmts.iter().map(|stmt| self.statement(stmt)).collect()
    }

    fn statement(&self, stmt: &Stmt) -> TokenStream {
        match stmt {
            Stmt::For { var, from, to, body } => {
                let (var, from, to, body) = (variable(*var), index(from), index(to), self.body(body));
                quote!(for #var in #from..#to { #body })
            }
            Stmt::Tiles { var, from, extent, step, body } => {
                let (var, end, body) = (variable(*var), index(extent), self.body(body));
                let tiles = index(&extent.clone().less(from.clone()).tiles_of(*step));
                let step = Literal::usize_unsuffixed(*step);
                let start = (*from != Index::Const(0)).then(|| index(from)).map(|from| quote!(#from +));
                quote! {
                    for tile_of in 0..#tiles {
                        let #var = ::core::cmp::Ord::min(#start tile_of * #step, #end - #step);
                        #body
                    }
                }
            }
            Stmt::Groups { count, steps, body } => {
                let moved = steps.iter().map(|(buffer, step)| {
                    let (name, step) = (buffer_name(*buffer), factor(step));
                    let is_output = (*buffer == Buffer::Output).then(|| quote!(mut));
                    quote!(let #name = & #is_output #name[group * #step..];)
                });
                let (count, moved, body) = (index(count), moved.collect::<TokenStream>(), self.body(body));
                quote!(for group in 0..#count { #moved #body })
            }
            Stmt::Choose { value, at_least, then, otherwise } => {
                let (value, at_least) = (index(value), Literal::usize_unsuffixed(*at_least));
                let (then, otherwise) = (self.body(then), self.body(otherwise));
                let otherwise = (!otherwise.is_empty()).then(|| quote!(else { #otherwise }));
                quote!(if #value >= #at_least { #then } #otherwise)
            }
            simple => self.simple(simple),
        }
    }

    /// A statement without a body: windows and rows, and what is not about memory at all.
    fn simple(&self, stmt: &Stmt) -> TokenStream {
        let private = self.private;
        match stmt {
            Stmt::Local { buffer, len } => {
                let (name, len) = (buffer_name(*buffer), Literal::usize_unsuffixed(*len));
                let zero = self.dtype.literal(0.0);
                quote!(let mut #name = [#zero; #len];)
            }
            Stmt::Let { var, value } => {
                let (var, value) = (variable(*var), index(value));
                quote!(let #var = ::core::hint::black_box(#value);)
            }
            Stmt::Window { name, buffer, at, len } => {
                let (name, source, at) = (register(name), slice(*buffer), index(at));
                let (element, len) = (self.dtype.ident(), Literal::usize_unsuffixed(*len));
                quote!(let #name: &[#element; #len] = #private::window(#source, #at);)
            }
            Stmt::WindowMut { name, buffer, at, len } => {
                let (name, target, at) = (register(name), slice_mut(*buffer), index(at));
                let (element, len) = (self.dtype.ident(), Literal::usize_unsuffixed(*len));
                quote!(let #name: &mut [#element; #len] = #private::window_mut(#target, #at);)
            }
            Stmt::Row { name, buffer, at, len } => {
                let (name, source, at, len) = (register(name), slice(*buffer), index(at), index(len));
                quote!(let #name = #private::row(#source, #at, #len);)
            }
            Stmt::PaddedRows(rows) => self.padded_rows(rows),
            Stmt::WindowOfRow { name, row, at, len } => {
                let (name, row, at) = (register(name), register(row), index(at));
                let (element, len) = (self.dtype.ident(), Literal::usize_unsuffixed(*len));
                quote!(let #name: &[#element; #len] = #private::window(#row, #at);)
            }
            Stmt::OutputRows { name, planes, rows, plane, at, len } => {
                let [plane, at, len] = [plane, at, len].map(index);
                let planes = (0..*planes).map(|o| {
                    let rows = (0..*rows).map(|t| register(&Reg::new(name, &[o, t])));
                    quote!([#(#rows),*])
                });
                quote!(let [#(#planes),*] = #private::rows_mut(output, #plane, #at, #len);)
            }
            Stmt::Sides(sides) => self.sides(sides),
            arithmetic => self.arithmetic(arithmetic),
        }
    }

    /// What is done with registers.
    fn arithmetic(&self, stmt: &Stmt) -> TokenStream {
        let private = self.private;
        match stmt {
            Stmt::Start { acc, value } => {
                let (acc, value) = (register(acc), self.value(value));
                quote!(let mut #acc: V<S> = #value;)
            }
            Stmt::Set { reg, value } => {
                let (reg, value) = (register(reg), self.value(value));
                quote!(let #reg: V<S> = #value;)
            }
            Stmt::Fma { acc, a, b } => {
                let (acc, a, b) = (register(acc), register(a), register(b));
                quote!(#acc = #private::fma(simd, #a, #b, #acc);)
            }
            Stmt::Combine { reg, terms } => self.combine(reg, terms),
            Stmt::Move { to, from } => {
                let (to, from) = (register(to), register(from));
                quote!(#to = #from;)
            }
            Stmt::Add { acc, a } => {
                let (acc, a) = (register(acc), register(a));
                quote!(#acc += #a;)
            }
            Stmt::Subtract { acc, a } => {
                let (acc, a) = (register(acc), register(a));
                quote!(#acc -= #a;)
            }
            stores => self.store(stores),
        }
    }

    /// A sum of products with constants, from the left: what is multiplied by one is added or subtracted.
    fn combine(&self, reg: &Reg, terms: &[(f64, Reg)]) -> TokenStream {
        let private = self.private;
        let mut sum = TokenStream::new();
        for (at, (factor, term)) in terms.iter().enumerate() {
            let term = register(term);
            let constant = self.dtype.literal(factor.abs());
            let is_one = factor.abs().to_bits() == 1.0f64.to_bits();
            sum = match (at, is_one, *factor < 0.0) {
                (0, true, false) => quote!(#term),
                (0, true, true) => quote!(-#term),
                (0, false, false) => quote!(#term * #constant),
                (0, false, true) => quote!(#term * -#constant),
                (_, true, false) => quote!(#sum + #term),
                (_, true, true) => quote!(#sum - #term),
                (_, false, false) => {
                    quote!(#private::fma(simd, #term, #private::splat(simd, #constant), #sum))
                }
                (_, false, true) => {
                    quote!(#private::fma(simd, #term, #private::splat(simd, -#constant), #sum))
                }
            };
        }
        let reg = register(reg);
        quote!(let #reg: V<S> = #sum;)
    }

    fn padded_rows(&self, rows: &PaddedRows) -> TokenStream {
        let private = self.private;
        let PaddedRows { buffer, names, extent, mode, plane, first, padding: [above, below], image } = rows;
        let (mode, buffer) = (padding_mode(*mode), slice(*buffer));
        let [plane, first, height, width] = [plane, first, &image[0], &image[1]].map(index);
        let rows = names.iter().enumerate().filter_map(|(r, name)| {
            let name = register(name.as_ref()?);
            let is_sure = r >= *above && r + below < names.len();
            let r = Literal::usize_unsuffixed(r);
            let start = if is_sure {
                quote!(rows.inside(#buffer, #r))
            } else {
                quote!(rows.padded(#buffer, &*work, #r))
            };
            Some(match extent {
                Extent::Rest => quote!(let #name = #start;),
                Extent::Row => quote!(let #name = #private::row(#start, 0, #width);),
            })
        });
        let above = Literal::usize_unsuffixed(*above);
        quote! {
            let rows = #private::PaddedRows {
                mode: #private::PaddingMode::#mode,
                plane: #plane,
                first: #first,
                above: #above,
                image: [#height, #width],
            };
            #(#rows)*
        }
    }

    fn sides(&self, sides: &Sides) -> TokenStream {
        let private = self.private;
        let made = sides
            .made
            .each_ref()
            .map(|reg| reg.as_ref().map_or_else(|| quote!(_), |reg| register(reg).into_token_stream()));
        let [first, last] = sides.from.each_ref().map(register);
        let (mode, rest) = (padding_mode(sides.mode), index(&sides.rest));
        let [left, right] = sides.padding.map(Literal::usize_unsuffixed);
        quote! {
            let [#(#made),*]: [V<S>; 3] = #private::sides(
                simd,
                #private::Sides { mode: #private::PaddingMode::#mode, padding: [#left, #right], rest: #rest },
                [#first, #last],
            );
        }
    }

    fn store(&self, stmt: &Stmt) -> TokenStream {
        let private = self.private;
        match stmt {
            Stmt::Store { reg, buffer, at } => {
                let (reg, target, at) = (register(reg), slice_mut(*buffer), index(at));
                quote!(#private::store(simd, #reg, #target, #at);)
            }
            Stmt::StoreFirst { reg, buffer, at, count } => {
                let (reg, target, at) = (register(reg), slice_mut(*buffer), index(at));
                let count = index(count);
                quote!(#private::store_first(simd, #reg, #target, #at, #count);)
            }
            Stmt::StoreOver { reg, buffer, at, count } => {
                let (reg, target, at) = (register(reg), slice_mut(*buffer), index(at));
                let count = index(count);
                quote!(#private::store_over(simd, #reg, #target, #at, #count);)
            }
            Stmt::StoreToRow { reg, row, at, count } => {
                let (reg, row, at) = (register(reg), register(row), index(at));
                match count.as_ref().map(index) {
                    None => quote!(#private::store(simd, #reg, #row, #at);),
                    Some(count) => quote!(#private::store_first(simd, #reg, #row, #at, #count);),
                }
            }
            Stmt::AddLanes { sums, buffer } => {
                let target = slice_mut(*buffer);
                let sums = sums.iter().map(|(reg, at)| {
                    let (reg, at) = (register(reg), index(at));
                    quote!((#reg, #at))
                });
                quote!(#private::add_lanes(simd, #target, &[#(#sums),*]);)
            }
            Stmt::Scatter { from: (buffer, from), pixels, width, channels, plane, at } => {
                let [from, pixels, plane, at] = [from, pixels, plane, at].map(index);
                let [width, channels] = [width, channels].map(|n| Literal::usize_unsuffixed(*n));
                let source = buffer_name(*buffer);
                quote! {
                    let values = &#source[#from..];
                    #private::scatter(
                        simd,
                        #private::Tile { values, pixels: #pixels, width: #width, channels: #channels },
                        output,
                        #plane,
                        #at,
                    );
                }
            }
            Stmt::Copy { from, to, len } => {
                let (source, target) = (slice(from.0), slice_mut(to.0));
                let [from, to, len] = [from.1, to.1, *len].map(Literal::usize_unsuffixed);
                quote!(*#private::window_mut::<#len, _>(#target, #to) = *#private::window(#source, #from);)
            }
            _ => unreachable!("every other statement is emitted above"),
        }
    }

    fn value(&self, value: &Vector) -> TokenStream {
        let private = self.private;
        match value {
            Vector::Load { window, at } => {
                let (window, at) = (register(window), Literal::usize_unsuffixed(*at));
                quote!(#private::load(simd, #window, #at))
            }
            Vector::Splat { window, at } => {
                let (window, at) = (register(window), Literal::usize_unsuffixed(*at));
                quote!(#private::splat(simd, #window[#at]))
            }
            Vector::SplatOf { row, at } => {
                let (row, at) = (register(row), index(at));
                quote!(#private::splat(simd, #row[#at]))
            }
            Vector::Part { row, at, len } => {
                let (row, at, len) = (register(row), Literal::usize_unsuffixed(*at), index(len));
                quote!(#private::part(simd, #row, #at, #len))
            }
            Vector::Last { window, count } => {
                let (window, count) = (register(window), index(count));
                quote!(#private::last(simd, #window, #count))
            }
            Vector::Keep { reg, lanes } => {
                let (reg, lanes) = (register(reg), Literal::u64_unsuffixed(*lanes));
                quote!(#private::keep(simd, #reg, #lanes))
            }
            Vector::Pick { reg, lanes } => {
                let reg = register(reg);
                let bytes = Literal::usize_unsuffixed(lanes.len() * self.dtype.bytes());
                let lanes = lanes.iter().map(|lane| Literal::u8_unsuffixed(*lane));
                quote!(#private::pick(simd, #reg, const { &#private::bytes::<_, #bytes>([#(#lanes),*]) }))
            }
            Vector::Unzip { low, high, odd, crossed } => {
                let (low, high) = (register(low), register(high));
                let unzip = match (odd, crossed) {
                    (false, false) => quote!(unzip_even),
                    (true, false) => quote!(unzip_odd),
                    (false, true) => quote!(unzip_even_crossed),
                    (true, true) => quote!(unzip_odd_crossed),
                };
                quote!(#private::#unzip(simd, #low, #high))
            }
            Vector::Cross { reg } => {
                let reg = register(reg);
                quote!(#private::cross(simd, #reg))
            }
            Vector::Same { reg } => register(reg).into_token_stream(),
            Vector::Slide { low, high, by } => {
                let (low, high, by) = (register(low), register(high), Literal::usize_unsuffixed(*by));
                quote!(#private::slide::<#by, _, _>(simd, #low, #high))
            }
            Vector::Zero => {
                let zero = self.dtype.literal(0.0);
                quote!(#private::splat(simd, #zero))
            }
        }
    }
}

impl Dtype {
    pub(crate) fn ident(self) -> Ident {
        Ident::new(self.word(), Span::call_site())
    }

    /// A constant of this type, which is not negative.
    #[expect(clippy::cast_possible_truncation, reason = "constants are rounded to the layer's type")]
    fn literal(self, value: f64) -> Literal {
        match self {
            Self::F32 => Literal::f32_suffixed(value as f32),
            Self::F64 => Literal::f64_suffixed(value),
        }
    }
}

/// The mode's name in the runtime.
pub(crate) fn padding_mode(mode: PaddingMode) -> Ident {
    let name = match mode {
        PaddingMode::Zeros => "Zeros",
        PaddingMode::Reflect => "Reflect",
        PaddingMode::Replicate => "Replicate",
        PaddingMode::Circular => "Circular",
    };
    Ident::new(name, Span::call_site())
}
