//! Tokens as a message quotes them: on one line, spaced as one writes them, cut where they get long.

use proc_macro2::Delimiter;

use super::token::{Kind, Token};
use crate::wording::shorten;

/// Nothing is written beyond this: the quotation will be cut.
const ENOUGH: usize = 200;

/// The tokens as the user wrote them, as far as spaces can be guessed.
pub(crate) fn text(tokens: &[Token]) -> String {
    let mut text = String::new();
    write(tokens, &mut text);
    shorten(&text)
}

/// Appends the tokens, up to a little more than the longest quotation.
fn write(tokens: &[Token], text: &mut String) {
    let mut before: Option<&Token> = None;
    let mut is_prefix = true;
    let is_generic = tokens.iter().any(|token| token.is('<'));
    for token in tokens {
        if text.len() > ENOUGH {
            return;
        }
        let is_closing = is_generic && token.is('>');
        if before.is_some_and(|before| !is_closing && is_spaced(before, token, is_prefix)) {
            text.push(' ');
        }
        match &token.kind {
            Kind::Group(group, inner) => {
                let (open, close) = delimiters(group.delimiter());
                text.push_str(open);
                write(inner, text);
                text.push_str(close);
            }
            Kind::Ident(ident) => text.push_str(&ident.to_string()),
            Kind::Literal(literal) => text.push_str(&literal.to_string()),
            Kind::Punct(punct) => text.push(punct.as_char()),
        }
        // a sign before a number, or the colons of a path: what follows clings to it
        is_prefix = token.punct().is_some_and(|_| is_tight(before, token));
        before = Some(token);
    }
}

fn delimiters(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::None => ("", ""),
    }
}

/// Whether the token after this punctuation stands close to it.
fn is_tight(before: Option<&Token>, token: &Token) -> bool {
    let after_operand = before.is_some_and(|before| !matches!(before.kind, Kind::Punct(_)));
    match token.punct() {
        Some('-' | '*' | '&') => !after_operand || token.is_joint(),
        Some(':') => token.is_joint() || before.is_some_and(|before| before.is(':') && before.is_joint()),
        Some('#' | '.' | '$' | '!' | '\'' | '<' | '@' | '~') => true,
        _ => token.is_joint(),
    }
}

/// Whether there is a space between two tokens.
fn is_spaced(before: &Token, token: &Token, is_prefix: bool) -> bool {
    let is_operand = !matches!(before.kind, Kind::Punct(_));
    match &token.kind {
        Kind::Punct(punct) => match punct.as_char() {
            ',' | ';' | '.' | '?' | ':' | '!' => false,
            '<' => is_prefix || !matches!(before.kind, Kind::Ident(_)),
            _ => is_operand || !is_prefix,
        },
        Kind::Group(group, _) if is_operand => {
            group.delimiter() == Delimiter::Brace || !matches!(before.kind, Kind::Ident(_))
        }
        _ => is_operand || !is_prefix,
    }
}
