//! The public item around the kernels: the struct, its documentation, and what ties it to the runtime.

mod gradients;
mod product;

use std::slice;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote;

use crate::check::{BrokenLayer, CheckedLayer};
use crate::constant::{self, Constants};
use crate::emit::{Emitter, padding_mode};
use crate::fixed::fixed;
use crate::lower::{lower, lower_prepare};
use crate::parse::cfgs;
use crate::plan::{Machine, Plan, Plans, Transform};
use crate::report::Report;
use crate::spec::{Hw, Spec};

/// The layer as a named type.
pub(crate) fn item(layer: &CheckedLayer) -> TokenStream {
    let CheckedLayer { attrs, vis, name, spec, runtime, weights } = layer;
    let private = quote!(#runtime::__private);
    let plans = Plans::new(spec);
    let docs = Report { spec, plans: &plans.all() }.rustdoc();
    let element = spec.dtype.ident();
    let kernel = kernels(layer, &plans, &private);
    let fixed = spec.input.map(|image| fixed(name, spec, image, &plans, &private));
    let is_constant = weights.is_some();
    let fields = fields(is_constant, &element, &private);
    let trainable = (!is_constant).then(|| trainable(name, &element, &private));
    let gradients = (!is_constant).then(|| gradients::gradients(name, spec, &plans, &private));
    let cfgs = cfgs(attrs);
    let needs_alloc = (!is_constant).then(|| quote!(#cfgs #runtime::__needs_alloc!();));
    quote! {
        #needs_alloc
        #(#attrs)*
        #[doc = #docs]
        #vis struct #name #fields

        #cfgs
        #[allow(deprecated, unused_imports)]
        const _: () = {
            use ::core::primitive::{bool, #element, str, usize};
            #kernel
            #trainable
            #gradients
            #fixed
        };
    }
}

/// What stands for a layer with mistakes: a type that can be used like a layer, so that its uses are no
/// mistakes of their own. It never runs, for the program does not compile.
pub(crate) fn stand_in(layer: &BrokenLayer) -> TokenStream {
    let BrokenLayer { attrs, vis, name: Some(name), runtime, dtype, is_constant } = layer else {
        return TokenStream::new();
    };
    let (element, private) = (dtype.ident(), quote!(#runtime::__private));
    let fields = fields(*is_constant, &element, &private);
    let trainable = (!is_constant).then(|| trainable(name, &element, &private));
    let parameters = match is_constant {
        false => stored_parameters(&element, &private),
        true => constant::no_parameters(&element, &private),
    };
    let gradients = (!is_constant).then(|| gradients::stand_in(name, &element, &private));
    let cfgs = cfgs(attrs);
    let blocks = Machine::WIDTHS.map(|bits| {
        let (cfg, block) = (cfg(bits), block_name(bits));
        quote!(#cfg fn #block<S: #private::Simd>(_: S, _: #private::Job<'_, #element>) {})
    });
    quote! {
        #(#attrs)*
        #vis struct #name #fields

        #cfgs
        #[allow(deprecated, unused_imports)]
        const _: () = {
            use ::core::primitive::{bool, #element, str, usize};
            impl #private::Kernel for #name {
                type Elem = #element;
                const CONFIG: #private::Conv2dConfig = #private::Conv2dConfig::new(1, 1, [1, 1]);
                const PLAN: &'static str = "";
                const SIZES: ::core::option::Option<[[usize; 2]; 2]> = ::core::option::Option::None;
                const SCHEMES: [#private::Scheme; 3] = [#private::Scheme::IMAGE; 3];
                #parameters
                #(#blocks)*
            }
            #trainable
            #gradients
        };
    }
}

/// What the struct holds: packed weights, or nothing if they are constants.
fn fields(is_constant: bool, element: &Ident, private: &TokenStream) -> TokenStream {
    if is_constant {
        return quote!(;);
    }
    quote! {
        {
            parameters: #private::Parameters<::core::primitive::#element>,
        }
    }
}

/// Where the kernels of a layer with weights of its own find them.
fn stored_parameters(element: &Ident, private: &TokenStream) -> TokenStream {
    quote! {
        #[inline]
        fn parameters(&self) -> #private::ParametersRef<'_, #element> {
            self.parameters.as_ref()
        }
    }
}

/// How the runtime makes the layer.
fn trainable(name: &Ident, element: &Ident, private: &TokenStream) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl #private::Trainable for #name {
            fn from_parameters(parameters: #private::Parameters<#element>) -> Self {
                Self { parameters }
            }

            fn into_parameters(self) -> #private::Parameters<#element> {
                self.parameters
            }
        }
    }
}

/// Where there are kernels of this width: only x86 has the wider ones.
fn cfg(bits: usize) -> Option<TokenStream> {
    (bits > 128).then(|| quote!(#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]))
}

fn block_name(bits: usize) -> Ident {
    Ident::new(&format!("block_{bits}"), Span::call_site())
}

/// The layer as the value of an expression: a type that only the blueprint names. With its weights it is
/// complete, and needs no blueprint.
pub(crate) fn blueprint(layer: &CheckedLayer) -> TokenStream {
    let (item, name, runtime) = (item(layer), &layer.name, &layer.runtime);
    if layer.weights.is_some() {
        return quote!({ #item #name });
    }
    quote! {
        {
            #item
            #runtime::__private::Blueprint::<#name>::of_layer()
        }
    }
}

/// What the runtime asks of a layer; once more for each architecture that has kernels of its own.
fn kernels(layer: &CheckedLayer, plans: &Plans, private: &TokenStream) -> TokenStream {
    let CheckedLayer { name, spec, weights, .. } = layer;
    let all = plans.widths.iter().chain(plans.others.iter().map(|(_, plan)| plan));
    let constants = weights.as_ref().map(|weights| Constants::new(weights, spec, all, private));
    let statics = constants.as_ref().map(Constants::statics);
    let kernel = |plans: &[Plan]| {
        let parameters = match &constants {
            None => stored_parameters(&spec.dtype.ident(), private),
            Some(constants) => {
                let (parameters, original) = (constants.parameters(plans), constants.original(plans));
                quote!(#parameters #original)
            }
        };
        kernel(name, spec, private, plans, &Report { spec, plans }.summary(), &parameters)
    };
    let widths = kernel(&plans.widths);
    if plans.others.is_empty() {
        return quote!(#statics #widths);
    }
    let archs: Vec<_> = plans.others.iter().map(|(arch, _)| arch).collect();
    let others = plans.others.iter().map(|(_, plan)| kernel(slice::from_ref(plan)));
    quote! {
        #statics
        #[cfg(not(any(#(target_arch = #archs),*)))]
        #widths
        #(#[cfg(target_arch = #archs)] #others)*
    }
}

/// What the runtime asks of a layer. A plan that is the only one serves all widths.
fn kernel(
    name: &Ident,
    spec: &Spec,
    private: &TokenStream,
    plans: &[Plan],
    summary: &str,
    parameters: &TokenStream,
) -> TokenStream {
    let element = spec.dtype.ident();
    let config = config(spec, private);
    let schemes = plans.iter().cycle().take(3).map(|plan| scheme(spec, plan, private));
    let sizes = sizes(spec);
    let blocks = plans.iter().map(|plan| block(spec, plan, private));
    let residues = gradients::residues(spec, private);
    let prepares = plans.iter().filter_map(|plan| prepare(spec, plan, private));
    quote! {
        #[automatically_derived]
        impl #private::Kernel for #name {
            type Elem = #element;
            const CONFIG: #private::Conv2dConfig = #config;
            const PLAN: &'static str = #summary;
            const SIZES: ::core::option::Option<[[usize; 2]; 2]> = #sizes;
            const SCHEMES: [#private::Scheme; 3] = [#(#schemes),*];
            #residues

            #parameters

            #(#blocks)*
            #(#prepares)*
        }
    }
}

/// The kernels of one vector width: a full block of output channels, and the narrower one.
fn block(spec: &Spec, plan: &Plan, private: &TokenStream) -> TokenStream {
    let emitter = Emitter { private, dtype: spec.dtype };
    let name = block_name(plan.machine.bits);
    let (element, vector) = (spec.dtype.ident(), emitter.vector(plan.machine.lanes));
    let body = |tail| emitter.emit(&lower(spec, plan, tail));
    let body = full_or_tail(plan.has_full_block(spec), plan.tail > 0, body);
    let cfg = cfg(plan.machine.bits);
    quote! {
        #cfg
        #[inline(always)]
        fn #name<S: #private::Simd>(simd: S, job: #private::Job<'_, #element>) {
            type V<S> = #vector<S>;
            let #private::Job { geometry, image, weights, bias, output, work, .. } = job;
            let _ = (geometry, weights, &work);
            #body
        }
    }
}

/// What a kernel does with a full block of output channels, or with the narrower one: the job says which, if there are
/// both.
fn full_or_tail(has_full: bool, has_tail: bool, body: impl Fn(bool) -> TokenStream) -> TokenStream {
    if !(has_full && has_tail) {
        return body(has_tail);
    }
    let (full, tail) = (body(false), body(true));
    quote!(if job.tail { #tail } else { #full })
}

/// The kernel of one vector width that runs once a band, before the blocks.
fn prepare(spec: &Spec, plan: &Plan, private: &TokenStream) -> Option<TokenStream> {
    let emitter = Emitter { private, dtype: spec.dtype };
    let name = Ident::new(&format!("prepare_{}", plan.machine.bits), Span::call_site());
    let (element, vector) = (spec.dtype.ident(), emitter.vector(plan.machine.lanes));
    let body = emitter.emit(&lower_prepare(spec, plan)?);
    let cfg = cfg(plan.machine.bits);
    Some(quote! {
        #cfg
        #[inline(always)]
        fn #name<S: #private::Simd>(simd: S, job: #private::Prepare<'_, #element>) {
            type V<S> = #vector<S>;
            let #private::Prepare { geometry, image, output } = job;
            let _ = geometry;
            #body
        }
    })
}

fn scheme(spec: &Spec, plan: &Plan, private: &TokenStream) -> TokenStream {
    let flatten = plan.flatten;
    let together = plan.loops_over_groups(spec);
    let reads = match (plan.copy, plan.pads()) {
        _ if plan.copies_bare(spec) => quote!(BareChannelsLast),
        _ if plan.reads_channels_last() => quote!(ChannelsLast),
        (true, _) => quote!(Copy),
        (false, true) => quote!(Pads),
        (false, false) => quote!(Image),
    };
    let [block, tail, panel, phases, min_width, slack] =
        [plan.block, plan.tail, plan.panel.unwrap_or(0), plan.phases, plan.min_width, plan.slack()]
            .map(Literal::usize_unsuffixed);
    let filtering = filtering(spec, plan, private);
    let even = plan.even.map_or_else(
        || quote!(::core::option::Option::None),
        |most| {
            let most = Literal::usize_unsuffixed(most);
            quote!(::core::option::Option::Some(#most))
        },
    );
    let depth = Literal::usize_unsuffixed(plan.depth(&plan.seen(spec)));
    let [bytes, least, step] =
        [plan.bands.bytes, plan.bands.least, plan.bands.step].map(Literal::usize_unsuffixed);
    quote! {
        #private::Scheme {
            block: #block,
            tail: #tail,
            panel: #panel,
            flatten: #flatten,
            reads: #private::Reads::#reads,
            together: #together,
            phases: #phases,
            min_width: #min_width,
            slack: #slack,
            bands: #private::Bands { bytes: #bytes, least: #least, step: #step },
            even: #even,
            depth: #depth,
            filtering: #filtering,
        }
    }
}

/// The tiles of minimal filtering, and how it transforms the weights.
fn filtering(spec: &Spec, plan: &Plan, private: &TokenStream) -> TokenStream {
    let Some([rows, columns]) = plan.transforms(spec) else {
        return quote!(::core::option::Option::None);
    };
    let [m, n, p, q] = [rows.outputs(), columns.outputs(), rows.products(), columns.products()]
        .map(Literal::usize_unsuffixed);
    let constants = |transform: &Transform| {
        let values = transform.filter.iter().flatten().map(|value| {
            let constant = Literal::f64_suffixed(value.abs());
            if *value < 0.0 { quote!(-#constant) } else { quote!(#constant) }
        });
        quote!(&[#(#values),*])
    };
    let (rows, columns) = (constants(&rows), constants(&columns));
    quote! {
        ::core::option::Option::Some(#private::Filtering {
            outputs: [#m, #n],
            products: [#p, #q],
            filter: [#rows, #columns],
        })
    }
}

fn config(spec: &Spec, private: &TokenStream) -> TokenStream {
    let (kernel, stride, dilation) = (pair(spec.kernel), pair(spec.stride), pair(spec.dilation));
    let [top, bottom, left, right] =
        [spec.padding.top, spec.padding.bottom, spec.padding.left, spec.padding.right]
            .map(Literal::usize_unsuffixed);
    let [input, output, groups] =
        [spec.in_channels, spec.out_channels, spec.groups].map(Literal::usize_unsuffixed);
    let mode = padding_mode(spec.padding_mode);
    let bias = spec.bias;
    quote! {
        #private::Conv2dConfig::new(#input, #output, #kernel)
            .stride(#stride)
            .padding([[#top, #bottom], [#left, #right]])
            .padding_mode(#private::PaddingMode::#mode)
            .dilation(#dilation)
            .groups(#groups)
            .bias(#bias)
    }
}

fn pair(size: Hw) -> TokenStream {
    let [h, w] = [size.h, size.w].map(Literal::usize_unsuffixed);
    quote!([#h, #w])
}

/// The sizes of the image and the output, or `None` where they are known only at run time.
fn sizes(spec: &Spec) -> TokenStream {
    let Some((image, out)) = spec.input.and_then(|image| Some((image, spec.output(image)?))) else {
        return quote!(::core::option::Option::None);
    };
    let [ih, iw, oh, ow] = [image.h, image.w, out.h, out.w].map(Literal::usize_unsuffixed);
    quote!(::core::option::Option::Some([[#ih, #iw], [#oh, #ow]]))
}
