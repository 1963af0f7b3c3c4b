//! Tokens -> [`Input`]: the arguments of every layer, each value with its place.
//!
//! | file | what it reads |
//! |---|---|
//! | `token` | the tokens, with the invisible groups of `macro_rules!` opened |
//! | `item` | `#[attributes] visibility struct Name<..>;` |
//! | `entries` | `key: value, key: value` |
//! | `key` | the key table |
//! | `value` | integers, pairs, paddings, words, strings, paths |
//! | `numbers` | weights and biases: arrays of numbers |
//! | `args` | what came of it |
//! | `refuse`, `text` | what to say about a value that is none, and the quotation in it |
//!
//! No token stream makes the parser panic or stop: it pushes an error for each mistake, and goes on where
//! the next argument or layer begins.

pub(crate) mod args;
mod entries;
mod item;
mod key;
mod numbers;
mod refuse;
mod text;
mod token;
mod value;

use std::slice;

use proc_macro2::{Ident, TokenStream};

use self::args::Args;
use self::entries::{is_entry, nesting, parse_entries};
pub(crate) use self::item::{Attribute, cfgs};
pub(crate) use self::key::Key;
use self::text::text;
use self::token::{Kind, Token, flatten, spot};
use crate::error::{Errors, Spot};

/// How `conv2d!` was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `struct Name<..>;`, one or more.
    Item,
    /// `key: value, ..`, with or without angle brackets.
    Expression,
}

/// An invocation, as far as it can be read.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) layers: Vec<LayerArgs>,
    pub(crate) form: Form,
}

/// A layer, as far as it can be read.
#[derive(Clone, Debug)]
pub(crate) struct LayerArgs {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: TokenStream,
    /// Missing in the expression form, and where it was mistaken.
    pub(crate) name: Option<Ident>,
    /// Where to point at for want of a better place: the name, or the whole expression.
    pub(crate) spot: Spot,
    /// Missing if there were none to be read, which was reported.
    pub(crate) args: Option<Args>,
    /// Whether the parser had nothing to report.
    pub(crate) is_sound: bool,
}

/// Reads an invocation.
pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Input {
    let tokens = flatten(tokens);
    if tokens.is_empty() {
        let message = "missing a layer; write `struct Name<in: 1, out: 4, k: 3>;`, or `in: 1, out: 4, k: 3` \
                       where a value is due";
        errors.push(Spot::call_site(), message);
        return Input { layers: Vec::new(), form: Form::Item };
    }
    match form(&tokens) {
        Form::Item => Input { layers: item::parse_items(&tokens, errors), form: Form::Item },
        Form::Expression => Input { layers: vec![expression(&tokens, errors)], form: Form::Expression },
    }
}

/// What the first tokens look like. A macro is not told where it stands.
fn form(tokens: &[Token]) -> Form {
    let (first, next) = (&tokens[0], tokens.get(1));
    let is_item = match &first.kind {
        Kind::Ident(_) if is_entry(tokens) => false,
        Kind::Ident(_) if first.is_word("struct") || first.is_word("pub") => true,
        Kind::Ident(_) => {
            let is_key = first.word().is_some_and(|word| Key::find(&word).is_some());
            !is_key && next.is_some_and(|next| !next.is(',') && !next.is(':') && !next.is('='))
        }
        Kind::Punct(_) => first.is('#') || first.is(';'),
        Kind::Group(..) | Kind::Literal(_) => false,
    };
    if is_item { Form::Item } else { Form::Expression }
}

/// The expression form.
fn expression(tokens: &[Token], errors: &mut Errors) -> LayerArgs {
    let before = errors.count();
    let content = match tokens {
        [open, inner @ ..] if open.is('<') => angles(open, inner, errors),
        [Token { kind: Kind::Group(_, inner), .. }] if is_entry(inner) => {
            let message = "the arguments stand right inside `conv2d!(..)`; leave out the inner delimiters";
            errors.push(tokens[0].spot(), message);
            inner
        }
        _ => bare(tokens, errors),
    };
    let args = parse_entries(content, errors);
    LayerArgs {
        attrs: Vec::new(),
        vis: TokenStream::new(),
        name: None,
        spot: spot(tokens).unwrap_or_else(Spot::call_site),
        args: Some(args),
        is_sound: errors.count() == before,
    }
}

/// The tokens up to the `>` that closes `open`. It is the last token, or reported.
fn angles<'t>(open: &Token, inner: &'t [Token], errors: &mut Errors) -> &'t [Token] {
    let Some(close) = closing(inner) else {
        errors.push(open.spot(), "missing `>` after the arguments, to close this `<`");
        return inner;
    };
    if let Some(extra) = inner.get(close + 1) {
        let found = text(slice::from_ref(extra));
        errors.push(extra.spot(), format!("expected nothing after the `>`, but got `{found}`; leave it out"));
    }
    &inner[..close]
}

/// Arguments without angle brackets. A `>` at their end is reported.
fn bare<'t>(tokens: &'t [Token], errors: &mut Errors) -> &'t [Token] {
    match tokens {
        [inner @ .., close] if closing(tokens) == Some(inner.len()) => {
            errors.push(close.spot(), "missing `<` before the arguments; leave out the `>`");
            inner
        }
        _ => tokens,
    }
}

/// Where the first `>` is that closes nothing among these tokens.
fn closing(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0;
    (0..tokens.len()).find(|&i| {
        depth += nesting(tokens, i);
        depth < 0
    })
}
