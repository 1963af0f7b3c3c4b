//! Tokens as the parser wants them: invisible groups opened, every token numbered.
//!
//! A value that passed through `macro_rules!` arrives in a group without delimiters, which a reader of
//! the source does not see and this macro must not see either. They are opened here, once, so that no
//! other part needs to know of them.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

use crate::error::Spot;

/// Groups nested deeper than this stay closed, as a bound on the parser's stack. A closed group is no
/// valid argument, so nothing is ignored.
const DEEPEST: usize = 256;

/// A token and its place.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    start: usize,
    end: usize,
}

/// What a token is. A group keeps its original for passing it on.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Ident(Ident),
    Punct(Punct),
    Literal(Literal),
    Group(Group, Vec<Token>),
}

/// The tokens of a stream, without invisible groups.
pub(crate) fn flatten(stream: TokenStream) -> Vec<Token> {
    let mut tokens = Vec::new();
    collect(stream, 0, &mut 0, &mut tokens);
    tokens
}

fn collect(stream: TokenStream, depth: usize, count: &mut usize, tokens: &mut Vec<Token>) {
    for tree in stream {
        let start = *count;
        let kind = match tree {
            TokenTree::Group(group) if depth < DEEPEST => {
                if group.delimiter() == Delimiter::None {
                    collect(group.stream(), depth + 1, count, tokens);
                    continue;
                }
                let mut inner = Vec::new();
                *count += 1;
                collect(group.stream(), depth + 1, count, &mut inner);
                tokens.push(Token { kind: Kind::Group(group, inner), start, end: *count });
                continue;
            }
            TokenTree::Group(group) => Kind::Group(group, Vec::new()),
            TokenTree::Ident(ident) => Kind::Ident(ident),
            TokenTree::Punct(punct) => Kind::Punct(punct),
            TokenTree::Literal(literal) => Kind::Literal(literal),
        };
        *count += 1;
        tokens.push(Token { kind, start, end: *count });
    }
}

impl Token {
    /// The place of this token.
    pub(crate) fn spot(&self) -> Spot {
        let span = match &self.kind {
            Kind::Ident(ident) => ident.span(),
            Kind::Punct(punct) => punct.span(),
            Kind::Literal(literal) => literal.span(),
            Kind::Group(group, _) => group.span(),
        };
        Spot { start: self.start, end: self.end, first: span, last: span }
    }

    /// The text of an identifier, a raw one without its `r#`.
    pub(crate) fn word(&self) -> Option<String> {
        match &self.kind {
            Kind::Ident(ident) => Some(unraw(ident)),
            _ => None,
        }
    }

    /// Whether this is the identifier.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Ident(ident) if ident == word)
    }

    /// The character of a punctuation.
    pub(crate) fn punct(&self) -> Option<char> {
        match &self.kind {
            Kind::Punct(punct) => Some(punct.as_char()),
            _ => None,
        }
    }

    /// Whether this is the punctuation.
    pub(crate) fn is(&self, punct: char) -> bool {
        self.punct() == Some(punct)
    }

    /// Whether this is a punctuation written without a space before the next one, as the first of `::`.
    pub(crate) fn is_joint(&self) -> bool {
        matches!(&self.kind, Kind::Punct(punct) if punct.spacing() == Spacing::Joint)
    }

    /// The content of a group with this delimiter.
    pub(crate) fn group(&self, delimiter: Delimiter) -> Option<&[Token]> {
        match &self.kind {
            Kind::Group(group, inner) if group.delimiter() == delimiter => Some(inner),
            _ => None,
        }
    }
}

/// An identifier's text, a raw one without its `r#`.
pub(crate) fn unraw(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").unwrap_or(&text).to_owned()
}

/// The place of several tokens.
pub(crate) fn spot(tokens: &[Token]) -> Option<Spot> {
    Some(tokens.first()?.spot().to(tokens.last()?.spot()))
}

impl ToTokens for Token {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match &self.kind {
            Kind::Ident(ident) => ident.to_tokens(tokens),
            Kind::Punct(punct) => punct.to_tokens(tokens),
            Kind::Literal(literal) => literal.to_tokens(tokens),
            Kind::Group(group, _) => group.to_tokens(tokens),
        }
    }
}
