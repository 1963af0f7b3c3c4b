//! The item form: `#[attributes] visibility struct Name<key: value, ..>;`, one or more.
//!
//! A mistake costs one layer: the parser reports it and goes on after the layer's `;`.

use proc_macro2::{Delimiter, Ident, TokenStream};
use quote::{ToTokens, quote};

use super::LayerArgs;
use super::entries::{is_entry, nesting, parse_entries};
use super::text::text;
use super::token::{Kind, Token, unraw};
use crate::error::{Errors, Spot};

/// What a layer looks like.
const SHAPE: &str = "struct Name<in: 1, out: 4, k: 3>;";

/// An attribute or a doc comment, passed through.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    tokens: TokenStream,
    name: String,
}

impl Attribute {
    /// Whether this is `#[name ..]`.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name == name
    }
}

/// Those that choose whether the layer is there at all.
pub(crate) fn cfgs(attrs: &[Attribute]) -> TokenStream {
    attrs.iter().filter(|attribute| attribute.is("cfg")).map(ToTokens::to_token_stream).collect()
}

impl ToTokens for Attribute {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.tokens.to_tokens(tokens);
    }
}

/// All layers, as far as they can be read.
pub(super) fn parse_items(tokens: &[Token], errors: &mut Errors) -> Vec<LayerArgs> {
    let mut items = Items { rest: tokens, last: Spot::call_site(), errors };
    let mut layers = Vec::new();
    while !items.rest.is_empty() {
        let (before, mistakes) = (items.rest.len(), items.errors.count());
        let layer = items.layer();
        if items.rest.len() == before {
            items.next();
        }
        match &layer {
            Some(layer) => items.errors.under(mistakes, &cfgs(&layer.attrs)),
            None => items.skip(),
        }
        layers.extend(layer.map(|layer| LayerArgs { is_sound: items.errors.count() == mistakes, ..layer }));
    }
    layers
}

/// Whether a layer begins here.
fn begins_layer(mut tokens: &[Token]) -> bool {
    while let [hash, attribute, rest @ ..] = tokens
        && hash.is('#')
        && attribute.group(Delimiter::Bracket).is_some()
    {
        tokens = rest;
    }
    tokens.first().is_some_and(|first| first.is_word("struct") || first.is_word("pub"))
}

struct Items<'t, 'e> {
    rest: &'t [Token],
    /// The place of the last token that was read.
    last: Spot,
    errors: &'e mut Errors,
}

impl<'t> Items<'t, '_> {
    fn next(&mut self) -> Option<&'t Token> {
        let (first, rest) = self.rest.split_first()?;
        (self.rest, self.last) = (rest, first.spot());
        Some(first)
    }

    fn next_if(&mut self, condition: impl FnOnce(&Token) -> bool) -> Option<&'t Token> {
        if condition(self.rest.first()?) { self.next() } else { None }
    }

    /// The next token's place and text; at the end, those of the end.
    fn found(&self) -> (Spot, String) {
        match self.rest.first() {
            Some(token) => (token.spot(), format!("`{}`", text(&self.rest[..1]))),
            None => (self.last, "the end".to_owned()),
        }
    }

    /// Goes on after the next `;`, or before what looks like a layer.
    fn skip(&mut self) {
        while !begins_layer(self.rest) && self.next().is_some_and(|token| !token.is(';')) {}
    }

    /// One layer; nothing if there was no name to hold on to.
    fn layer(&mut self) -> Option<LayerArgs> {
        let attrs = self.attributes()?;
        let vis = self.visibility();
        let is_struct = self.keyword()?;
        let name = self.name();
        if name.is_none() && !self.rest.first()?.is('<') {
            return None;
        }
        let spot = self.last;
        let word = name.as_ref().map_or("Name".to_owned(), unraw);
        let content = self.content(&word, is_struct);
        let args = content.map(|content| parse_entries(content, self.errors));
        let is_type = is_struct || word.starts_with(char::is_uppercase);
        let name = name.filter(|_| is_type);
        Some(LayerArgs { attrs, vis, name, spot, args, is_sound: true })
    }

    fn attributes(&mut self) -> Option<Vec<Attribute>> {
        let mut attributes = Vec::new();
        while let Some(hash) = self.next_if(|token| token.is('#')) {
            let bracket = self.next_if(|token| token.group(Delimiter::Bracket).is_some());
            let Some(bracket) = bracket else {
                let (at, found) = self.found();
                self.errors.push(at, format!("an attribute is written `#[..]`, but got {found} after `#`"));
                return None;
            };
            let inner = bracket.group(Delimiter::Bracket).unwrap_or_default();
            attributes.push(Attribute {
                tokens: quote!(#hash #bracket),
                name: inner.first().and_then(Token::word).unwrap_or_default(),
            });
        }
        Some(attributes)
    }

    fn visibility(&mut self) -> TokenStream {
        let Some(keyword) = self.next_if(|token| token.is_word("pub")) else {
            return TokenStream::new();
        };
        let scope = self.next_if(|token| token.group(Delimiter::Parenthesis).is_some());
        quote!(#keyword #scope)
    }

    /// The word `struct`; says whether it is there. Any other word in its place is one mistake.
    fn keyword(&mut self) -> Option<bool> {
        if self.next_if(|token| token.is_word("struct")).is_some() {
            return Some(true);
        }
        let (at, found) = self.found();
        let next = self.rest.get(1);
        let word = self.rest.first().and_then(Token::word);
        let message = match (word, next) {
            (Some(_), Some(next)) if next.is_word("struct") => {
                self.rest = &self.rest[2..];
                format!("unexpected {found} before `struct`; leave it out")
            }
            (Some(word), Some(next)) if next.word().is_some() => {
                self.next();
                format!("a layer is a struct; write `struct`, not `{word}`")
            }
            (Some(word), Some(next)) if next.is('<') => {
                format!("missing `struct` before the layer's name; write `struct {word}<..>;`")
            }
            _ => {
                let is_extra = self.rest.first().is_some_and(|token| token.is(';'));
                let message = if is_extra {
                    "expected a layer, but got one more `;`; leave it out".to_owned()
                } else {
                    format!("expected a layer, but got {found}; write it as `{SHAPE}`")
                };
                self.errors.push(at, message);
                return None;
            }
        };
        self.errors.push(at, message);
        Some(false)
    }

    /// The layer's name; nothing after a report.
    fn name(&mut self) -> Option<Ident> {
        let (at, found) = self.found();
        let Some(Kind::Ident(name)) = self.rest.first().map(|token| &token.kind) else {
            let remedy = "write one, as in `struct Name<..>;`";
            self.errors.push(at, format!("missing the layer's name before {found}; {remedy}"));
            return None;
        };
        self.next();
        let name = syn::parse2(name.to_token_stream()).ok();
        if name.is_none() {
            let message = format!("a layer cannot be called {found}, a word of the language; choose another");
            self.errors.push(at, message);
        }
        name
    }

    /// The tokens between `<` and `>`, and the layer's end behind them. Nothing if there are none; that is
    /// reported, unless it was not a struct to begin with.
    fn content(&mut self, name: &str, is_struct: bool) -> Option<&'t [Token]> {
        if self.next_if(|token| token.is('<')).is_some() {
            return Some(self.angles(name));
        }
        let body = self.rest.first().and_then(|token| match &token.kind {
            Kind::Group(_, inner) if is_entry(inner) => Some(inner.as_slice()),
            _ => None,
        });
        if is_struct {
            self.no_angles(name);
        }
        if body.is_none() && is_entry(self.rest) {
            return Some(self.angles(name));
        }
        self.skip();
        body
    }

    /// Reports a missing `<`.
    fn no_angles(&mut self, name: &str) {
        let remedy = format!("write `struct {name}<in: 1, out: 4, k: 3>;`");
        if self.rest.first().is_none_or(|token| token.is(';')) || begins_layer(self.rest) {
            return self.errors.push(self.last, format!("`{name}` has no arguments; {remedy}"));
        }
        let (at, found) = self.found();
        let rule = "a layer's arguments stand in angle brackets";
        self.errors.push(at, format!("{rule}, but got {found} after `{name}`; {remedy}"));
    }

    /// The tokens up to the closing `>`, and the layer's end behind it. A `;` is the end of a layer whose
    /// `>` is missing, unless an argument follows.
    fn angles(&mut self, name: &str) -> &'t [Token] {
        let (content, mut depth) = (self.rest, 0);
        for i in 0..content.len() {
            let rest = &content[i..];
            depth += nesting(content, i);
            if depth < 0 {
                self.rest = rest;
                self.next();
                self.semicolon(name);
                return &content[..i];
            }
            if begins_layer(rest) || rest[0].is(';') && !is_entry(&rest[1..]) {
                self.rest = rest;
                return self.unclosed(&content[..i], name);
            }
        }
        self.rest = &[];
        self.unclosed(content, name)
    }

    /// Reports a missing `>`.
    fn unclosed(&mut self, content: &'t [Token], name: &str) -> &'t [Token] {
        let at = content.last().map_or(self.last, Token::spot);
        self.errors.push(at, format!("missing `>` after the arguments of `{name}`; write `>;`"));
        self.next_if(|token| token.is(';'));
        content
    }

    /// The `;` after a layer, or one report of what is in its place.
    fn semicolon(&mut self, name: &str) {
        if self.next_if(|token| token.is(';')).is_some() {
            return;
        }
        let (at, found) = self.found();
        if self.rest.is_empty() || begins_layer(self.rest) {
            let message = format!("missing `;` after `struct {name}<..>`; write `>;`");
            self.errors.push(self.last, message);
        } else if matches!(self.rest[0].kind, Kind::Group(..)) {
            self.errors.push(at, "a layer has no body; write `;` in its place");
            self.next();
            self.next_if(|token| token.is(';'));
        } else {
            let message = format!("expected `;` after `struct {name}<..>`, but got {found}; leave it out");
            self.errors.push(at, message);
            self.skip();
        }
    }
}
