//! `key: value, key: value`: what stands inside the angle brackets.
//!
//! A mistake costs one entry. Where it is clear what was meant (`k = 3`, a forgotten comma), the value is
//! taken all the same, so that its own mistakes are found too.

use super::args::{Arg, Args};
use super::key::Key;
use super::numbers::{bias, weights};
use super::text::text;
use super::token::{Kind, Token, spot, unraw};
use super::value::{integer, padding, pair, path, size, string, word};
use crate::error::{Errors, Spot};
use crate::wording::shorten;

/// The arguments of a layer.
pub(super) fn parse_entries(tokens: &[Token], errors: &mut Errors) -> Args {
    let mut entries = Entries { args: Args::default(), seen: Vec::new(), nameless: false, errors };
    for piece in entries.pieces(tokens) {
        entries.piece(piece);
    }
    if entries.nameless {
        entries.args.in_channels.refuse_absent();
        entries.args.out_channels.refuse_absent();
        entries.args.kernel.refuse_absent();
    }
    entries.args
}

/// What stands between a key and its value.
#[derive(Clone, Copy)]
pub(super) struct Separator {
    tokens: usize,
    is_colon: bool,
}

/// The separator these tokens begin with: `:`, or what one might write in its place.
pub(super) fn separator(tokens: &[Token]) -> Option<Separator> {
    let first = tokens.first()?;
    let next = tokens.get(1).and_then(Token::punct).filter(|_| first.is_joint());
    let third = tokens.get(2).and_then(Token::punct);
    match (first.punct()?, next) {
        (':', Some(':')) if third != Some(':') => None,
        (':', Some('=')) | ('=', Some('>' | '=')) => Some(Separator { tokens: 2, is_colon: false }),
        (':', _) => Some(Separator { tokens: 1, is_colon: true }),
        ('=', _) => Some(Separator { tokens: 1, is_colon: false }),
        _ => None,
    }
}

/// Whether an entry begins here: a word and a colon, or a key and what stands for a colon.
pub(super) fn is_entry(tokens: &[Token]) -> bool {
    let Some(word) = tokens.first().and_then(Token::word) else { return false };
    separator(&tokens[1..]).is_some_and(|it| it.is_colon || Key::find(&word).is_some())
}

/// Whether the angle bracket at `tokens[i]` opens (1) or closes (-1) arguments; else, as an arrow or a
/// comparison with a number, 0.
pub(super) fn nesting(tokens: &[Token], i: usize) -> isize {
    let before = i.checked_sub(1).map(|before| &tokens[before]);
    match tokens[i].punct() {
        Some('<') if before.is_some_and(|it| it.word().is_some() || it.is(':')) => 1,
        Some('>') if is_comparison(&tokens[i..]) => 0,
        Some('>') if !before.is_some_and(|it| it.is_joint() && (it.is('-') || it.is('='))) => -1,
        _ => 0,
    }
}

/// Whether `>`, `>=` or `>>` stands before a number.
fn is_comparison(tokens: &[Token]) -> bool {
    let operand = tokens.iter().find(|token| !token.is('>') && !token.is('='));
    operand.is_some_and(|token| matches!(token.kind, Kind::Literal(_)))
}

/// An entry, cut at its separator.
struct Entry<'t> {
    key: &'t [Token],
    separator: &'t [Token],
    is_colon: bool,
    value: &'t [Token],
}

impl<'t> Entry<'t> {
    /// Cuts the tokens, which are not empty.
    fn cut(tokens: &'t [Token]) -> Self {
        let is_key = tokens[0].word().is_some_and(|word| Key::find(&word).is_some());
        let at = match separator(&tokens[1..]) {
            Some(_) => 1,
            None if is_key => 1,
            None => (0..tokens.len()).find(|&at| separator(&tokens[at..]).is_some()).unwrap_or(0),
        };
        let found = separator(&tokens[at..]);
        let (key, rest) = tokens.split_at(at);
        let (separator, value) = rest.split_at(found.map_or(0, |it| it.tokens));
        Self { key, separator, is_colon: found.is_some_and(|it| it.is_colon), value }
    }
}

struct Entries<'e> {
    args: Args,
    /// The keys so far, and how they were written.
    seen: Vec<(Key, String)>,
    /// Whether there was a value of which nobody knows the key.
    nameless: bool,
    errors: &'e mut Errors,
}

impl Entries<'_> {
    /// The tokens between the commas.
    fn pieces<'t>(&mut self, tokens: &'t [Token]) -> Vec<&'t [Token]> {
        let (mut pieces, mut start, mut depth) = (Vec::new(), 0, 0);
        for (i, token) in tokens.iter().enumerate() {
            depth = (depth + nesting(tokens, i)).max(0);
            if depth > 0 || !(token.is(',') || token.is(';')) {
                continue;
            }
            if start == i {
                self.errors.push(token.spot(), "expected `key: value`, but got a comma; leave it out");
            } else if token.is(';') {
                let message = "arguments are separated by commas; write `,`, not `;`";
                self.errors.push(token.spot(), message);
            }
            pieces.push(&tokens[start..i]);
            start = i + 1;
        }
        pieces.push(&tokens[start..]);
        pieces.retain(|piece| !piece.is_empty());
        self.nameless = pieces.is_empty() && !tokens.is_empty();
        pieces
    }

    /// The tokens between two commas: an entry, or several if commas were forgotten.
    fn piece(&mut self, mut tokens: &[Token]) {
        while !tokens.is_empty() {
            let entry = Entry::cut(tokens);
            let begin = tokens.len() - entry.value.len();
            let next = (begin.max(1)..tokens.len()).find(|&at| is_entry(&tokens[at..]));
            let end = next.unwrap_or(tokens.len());
            let value = &tokens[begin.min(end)..end];
            if next.is_some() && !value.is_empty() {
                let message = format!("missing `,` before `{}`", text(&tokens[end..=end]));
                self.errors.push(tokens[end].spot(), message);
            }
            self.entry(&Entry { value, ..entry });
            tokens = &tokens[end..];
        }
    }

    fn entry(&mut self, entry: &Entry<'_>) {
        let name = match entry.key {
            [] => return self.nameless(entry),
            [Token { kind: Kind::Ident(ident), .. }] => unraw(ident),
            [only @ Token { kind: Kind::Literal(literal), .. }] => {
                let name = literal.to_string().trim_matches('"').to_owned();
                let message = format!("keys stand without quotes; write `{name}`");
                self.errors.push(only.spot(), message);
                name
            }
            several => return self.strange_key(several),
        };
        match Key::find(&name) {
            Some(key) => self.named(key, &name, entry),
            None => self.unknown(&name, entry.key),
        }
    }

    /// A value without a key. Many of them are one mistake: they were meant to have none.
    fn nameless(&mut self, entry: &Entry<'_>) {
        let (at, message) = match (spot(entry.separator), spot(entry.value)) {
            (Some(colon), _) => (colon, "missing key before the colon, as in `k: 3`".to_owned()),
            (None, Some(value)) if !self.nameless => {
                let found = text(entry.value);
                let remedy = "arguments have names, as in `in: 1, out: 4, k: 3`";
                (value, format!("expected `key: value`, but got `{found}`; {remedy}"))
            }
            _ => return,
        };
        self.nameless = true;
        self.errors.push(at, message);
    }

    /// Several tokens where a key is due.
    fn strange_key(&mut self, key: &[Token]) {
        let Some(at) = spot(key) else { return };
        if key[0].is_word("const") || key[0].is('\'') {
            let message = "a layer has no generic parameters: its numbers are written out, as in `in: 1`";
            return self.errors.push(at, message);
        }
        let joined: String = key.iter().map(|token| token.word().unwrap_or("_".to_owned())).collect();
        let is_hyphenated = key.iter().all(|token| token.word().is_some() || token.is('-'));
        let found = if is_hyphenated && key.iter().any(|token| token.is('-')) {
            joined.replace('_', "-")
        } else {
            text(key)
        };
        self.refuse_unknown(at, &found, &joined);
    }

    fn unknown(&mut self, name: &str, key: &[Token]) {
        if let Some(at) = spot(key) {
            self.refuse_unknown(at, name, name);
        }
    }

    /// A key that is none; the one that was probably meant is not missed later.
    fn refuse_unknown(&mut self, at: Spot, found: &str, name: &str) {
        let unknown = Key::unknown(name);
        self.errors.push(at, format!("unknown key `{}`; {}", shorten(found), unknown.remedy));
        match unknown.meant {
            Some(Key::In) => self.args.in_channels.refuse_absent(),
            Some(Key::Out) => self.args.out_channels.refuse_absent(),
            Some(Key::Kernel) => self.args.kernel.refuse_absent(),
            _ => {}
        }
    }

    /// An entry with a known key.
    fn named(&mut self, key: Key, name: &str, entry: &Entry<'_>) {
        let Some(at) = spot(entry.key) else { return };
        let value = text(entry.value);
        if let Some((_, first)) = self.seen.iter().find(|(seen, _)| *seen == key) {
            let message = format!(
                "{} is given twice, first as `{first}` and here as `{name}: {value}`; leave one out",
                key.long()
            );
            return self.errors.push(at, message);
        }
        self.seen.push((key, format!("{name}: {value}")));
        match (spot(entry.separator), entry.value) {
            (_, []) => self.errors.push(at, format!("`{name}` has no value; write `{}`", key.example())),
            (None, _) => {
                self.errors.push(at, format!("missing `:` after `{name}`; write `{name}: {value}`"));
            }
            (Some(separator), _) if !entry.is_colon => {
                let wrong = text(entry.separator);
                let message = format!("write `{name}: {value}`, not `{name} {wrong} {value}`");
                self.errors.push(separator, message);
            }
            _ => {}
        }
        self.set(key, entry.value);
    }

    /// Parses the value. One that is missing has had its error.
    fn set(&mut self, key: Key, tokens: &[Token]) {
        /// The value in the argument's place.
        macro_rules! set {
            ($field:ident, $parse:ident) => {
                self.args.$field = match tokens {
                    [] => Arg::Refused,
                    _ => Arg::parsed($parse(tokens, key, self.errors)),
                }
            };
        }
        match key {
            Key::In => set!(in_channels, integer),
            Key::Out => set!(out_channels, integer),
            Key::Kernel => set!(kernel, pair),
            Key::Stride => set!(stride, pair),
            Key::Padding => set!(padding, padding),
            Key::PaddingMode => set!(padding_mode, word),
            Key::Dilation => set!(dilation, pair),
            Key::Groups => set!(groups, integer),
            Key::Bias => set!(bias, bias),
            Key::Dtype => set!(dtype, word),
            Key::Input => set!(input, size),
            Key::Algorithm => set!(algorithm, word),
            Key::Crate => set!(runtime, path),
            Key::Weights => set!(weights, weights),
            Key::Tensor => set!(tensor, string),
        }
    }
}
