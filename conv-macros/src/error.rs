//! The collector of mistakes: all of them in one compile, each once, in the order of the source.

use std::mem;

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

/// Where a mistake is: the first and the last token of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    /// The place of the first token in the source, counted in tokens.
    pub(crate) start: usize,
    /// The place of the last token.
    pub(crate) end: usize,
    pub(crate) first: Span,
    pub(crate) last: Span,
}

impl Spot {
    /// The whole invocation, for want of a token to point at.
    pub(crate) fn call_site() -> Self {
        let span = Span::call_site();
        Self { start: 0, end: 0, first: span, last: span }
    }

    /// From here up to the end of another place.
    pub(crate) fn to(self, other: Self) -> Self {
        Self { end: other.end, last: other.last, ..self }
    }
}

/// One mistake.
#[derive(Clone, Debug)]
pub(crate) struct Mistake {
    pub(crate) spot: Spot,
    pub(crate) message: String,
    /// The attributes that choose whether its layer is there at all.
    cfgs: TokenStream,
}

/// All mistakes so far. To be [finished](Errors::finish), so that none can be forgotten.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    found: Vec<Mistake>,
    finished: bool,
}

impl Errors {
    /// Notes a mistake.
    pub(crate) fn push(&mut self, spot: Spot, message: impl Into<String>) {
        self.found.push(Mistake { spot, message: message.into(), cfgs: TokenStream::new() });
    }

    /// Says that the mistakes after so many are mistakes only if these attributes say so.
    pub(crate) fn under(&mut self, before: usize, cfgs: &TokenStream) {
        for mistake in &mut self.found[before..] {
            mistake.cfgs = cfgs.clone();
        }
    }

    /// How many there are: a stage compares before and after to know whether it went well.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// Hands the mistakes over, in the order of the source and without repetitions.
    ///
    /// # Errors
    /// The mistakes, if there are any.
    pub(crate) fn finish(mut self) -> Result<(), Vec<Mistake>> {
        self.finished = true;
        let mut found = mem::take(&mut self.found);
        found.sort_by(|a, b| a.key().cmp(&b.key()));
        found.dedup_by(|a, b| a.key() == b.key());
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}

/// A stage that drops the collector would hide mistakes: a bug of this crate, which its tests find.
impl Drop for Errors {
    fn drop(&mut self) {
        debug_assert!(self.finished || std::thread::panicking(), "mistakes were not reported");
    }
}

impl Mistake {
    /// What orders and distinguishes mistakes.
    fn key(&self) -> (usize, usize, &str) {
        (self.spot.start, self.spot.end, &self.message)
    }

    /// A `compile_error!` that the compiler shows from the first to the last token of the mistake. With
    /// its braces it stands as an item, as a statement and as an expression.
    pub(crate) fn to_compile_error(&self) -> TokenStream {
        let Self { spot: Spot { first, last, .. }, message, cfgs } = self;
        let path = quote_spanned!(*first=> ::core::compile_error);
        quote_spanned!(*last=> #cfgs #path ! { #message })
    }
}
