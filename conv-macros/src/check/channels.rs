//! Rules about channels and groups.

use super::{at_least, list};
use crate::error::{Errors, Spot};
use crate::parse::Key;
use crate::parse::args::{Args, Spanned};
use crate::spec::gcd;

/// The numbers that keep their rules.
pub(super) struct Channels {
    pub(super) inputs: Option<Spanned<usize>>,
    pub(super) outputs: Option<Spanned<usize>>,
    pub(super) groups: Option<Spanned<usize>>,
}

/// A message names at most this many numbers of groups.
const SUGGESTIONS: usize = 6;

/// Divisors are looked for up to here.
const LARGEST_SUGGESTION: usize = 4096;

/// All rules of this file.
pub(super) fn check_channels(args: &Args, at: Spot, errors: &mut Errors) -> Channels {
    let mut positive =
        |value: Option<Spanned<usize>>, key| value.filter(|value| at_least(value, key, errors));
    let mut channels = Channels {
        inputs: positive(args.in_channels.given(), Key::In),
        outputs: positive(args.out_channels.given(), Key::Out),
        groups: positive(args.groups.or(|| Spanned { value: 1, spot: at }), Key::Groups),
    };
    if !check_groups(&channels, errors) {
        channels.groups = None;
    }
    channels
}

/// Groups divide the input and the output channels.
fn check_groups(channels: &Channels, errors: &mut Errors) -> bool {
    let Some(groups) = &channels.groups else { return true };
    let known = [(Key::In, &channels.inputs), (Key::Out, &channels.outputs)];
    let known = known.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?.value)));
    let broken: Vec<(Key, usize)> =
        known.clone().filter(|(_, value)| !value.is_multiple_of(groups.value)).collect();
    if broken.is_empty() {
        return true;
    }
    let common = known.map(|(_, value)| value).fold(0, gcd);
    let names = |name: fn(Key) -> &'static str| {
        let names: Vec<_> = broken.iter().map(|&(key, _)| name(key)).collect();
        names.join(" and ")
    };
    let values: Vec<String> = broken.iter().map(|(_, value)| value.to_string()).collect();
    let message = format!(
        "groups must divide {}: {} must be divisible by groups, but {} {} not divisible by {}; {}",
        names(Key::short),
        names(Key::long),
        values.join(" and "),
        if broken.len() == 1 { "is" } else { "are" },
        groups.value,
        suggest(common, groups.value),
    );
    errors.push(groups.spot, message);
    false
}

/// The numbers of groups that would do, nearest to what was given.
fn suggest(common: usize, given: usize) -> String {
    let all = (1..=common.min(LARGEST_SUGGESTION)).filter(|&n| common.is_multiple_of(n));
    let mut near: Vec<usize> = all.collect();
    let is_complete = near.len() <= SUGGESTIONS && common <= LARGEST_SUGGESTION;
    near.sort_by_key(|n| n.abs_diff(given));
    near.truncate(SUGGESTIONS);
    near.sort_unstable();
    let numbers: Vec<String> = near.iter().map(ToString::to_string).collect();
    let others = if is_complete { "" } else { ", among others," };
    match numbers.as_slice() {
        [only] => format!("write `groups: {only}`"),
        _ => format!("groups of {}{others} would do", list(&numbers, "or")),
    }
}
