//! Tests of the front end: what is accepted as which `Spec`, what is refused with which words, and that
//! nothing makes it panic.
//!
//! The snapshots list invocations, each with its errors: `the tokens pointed at`: what is said about them.
//! One line for one mistake.

mod accept;
mod constants;
mod expand;
mod fuzz;
mod refuse;
mod shape;
mod spec;
mod spread;

use std::fmt::Write;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::check::{Checked, CheckedLayer, check};
use crate::error::{Errors, Mistake, Spot};
use crate::parse::parse;

/// Parses and checks.
fn front(tokens: TokenStream) -> (Vec<Checked>, Vec<Mistake>) {
    let mut errors = Errors::default();
    let input = parse(tokens, &mut errors);
    let layers = check(input.layers, &mut errors);
    (layers, errors.finish().err().unwrap_or_default())
}

/// The layers of a valid invocation.
pub(super) fn accepted(tokens: TokenStream) -> Vec<CheckedLayer> {
    let source = tokens.to_string();
    let (layers, mistakes) = front(tokens);
    assert!(mistakes.is_empty(), "{source}: {mistakes:?}");
    layers.into_iter().map(|layer| layer.unwrap_or_else(|_| panic!("{source}"))).collect()
}

pub(super) fn tokens(source: &str) -> TokenStream {
    source.parse().unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// The mistakes, each as `tokens`: message.
pub(super) fn mistakes(source: &str) -> Vec<String> {
    let (_, mistakes) = front(tokens(source));
    let line =
        |mistake: &Mistake| format!("`{}`: {}", pointed_at(tokens(source), mistake.spot), mistake.message);
    mistakes.iter().map(line).collect()
}

/// The tokens of a spot. Counts them anew, as a check of the parser's count.
fn pointed_at(tokens: TokenStream, spot: Spot) -> String {
    fn walk(tokens: TokenStream, count: &mut usize, spot: Spot, found: &mut TokenStream) {
        for tree in tokens {
            let start = *count;
            let inner = match &tree {
                TokenTree::Group(group) => Some((group.delimiter(), group.stream())),
                _ => None,
            };
            let mut inside = TokenStream::new();
            *count += usize::from(!matches!(inner, Some((Delimiter::None, _))));
            if let Some((_, stream)) = inner {
                walk(stream, count, spot, &mut inside);
            }
            if spot.start <= start && *count <= spot.end {
                found.extend([tree]);
            } else {
                found.extend(inside);
            }
        }
    }
    let mut found = TokenStream::new();
    walk(tokens, &mut 0, spot, &mut found);
    found.to_string()
}

/// A report of what is said about each source, for a snapshot.
fn report(sources: &[&str]) -> String {
    let mut report = String::new();
    for source in sources {
        let _ = writeln!(report, "{source}");
        let mistakes = mistakes(source);
        assert!(!mistakes.is_empty(), "accepted: {source}");
        for mistake in mistakes {
            let _ = writeln!(report, "    {mistake}");
        }
    }
    report
}

/// Layers with these arguments and the required ones.
fn with(arguments: &[&str]) -> String {
    let sources: Vec<String> =
        arguments.iter().map(|arguments| format!("in: 4, out: 4, k: 3, {arguments}")).collect();
    report(&sources.iter().map(String::as_str).collect::<Vec<_>>())
}
