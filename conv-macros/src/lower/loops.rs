//! Loops and tiles over an extent, which may be known only at run time.

use crate::nest::{Index, Stmt, Var};
use crate::plan::shared_sizes;

/// A loop over an extent, which may be known only at run time, or its body alone if it is known to run once.
pub(super) fn counted(
    name: &'static str,
    extent: impl Into<Index>,
    body: impl FnOnce(Index) -> Vec<Stmt>,
) -> Vec<Stmt> {
    ranged(name, [Index::Const(0), extent.into()], body)
}

/// A loop from one number to another, or its body alone if it is known to run once, or nothing if never.
pub(super) fn ranged(
    name: &'static str,
    [from, to]: [Index; 2],
    body: impl FnOnce(Index) -> Vec<Stmt>,
) -> Vec<Stmt> {
    if from == to {
        return Vec::new();
    }
    if let (Some(first), Some(end)) = (from.constant(), to.constant())
        && end == first + 1
    {
        return body(from);
    }
    let var = Var(name);
    vec![Stmt::For { var, from, to, body: body(Index::Var(var)) }]
}

/// `all` in shares of `each`, and what is left: at once, if it is known, or one by one.
pub(super) fn shares(
    name: &'static str,
    all: &Index,
    each: usize,
    body: &dyn Fn(Index, usize) -> Vec<Stmt>,
) -> Vec<Stmt> {
    let whole = all.clone().divided_by(each);
    let mut stmts = counted(name, whole.clone(), |at| body(at * each, each));
    match all.constant().map(|all| all % each) {
        Some(0) => {}
        Some(rest) => stmts.extend(body(whole * each, rest)),
        None if each == 1 => {}
        None => stmts.extend(ranged(name, [whole * each, all.clone()], |at| body(at, 1))),
    }
    stmts
}

/// Tiles of the first of `steps` that fits the extent, the last of which always does.
///
/// ```text
/// if extent >= 14 { for x in tiles of 14 .. } else if extent >= 4 { .. } else { for x in tiles of 1 .. }
/// ```
pub(super) fn ladder(
    name: &'static str,
    extent: &Index,
    steps: &[usize],
    body: &dyn Fn(Index, usize) -> Vec<Stmt>,
) -> Vec<Stmt> {
    let (&step, smaller) = steps.split_first().unwrap_or_else(|| unreachable!("the last step fits"));
    let then = || tiles(name, [&Index::Const(0), extent], step, body);
    match extent.constant() {
        Some(known) if known >= step => then(),
        Some(_) => ladder(name, extent, smaller, body),
        None if smaller.is_empty() => then(),
        None => vec![Stmt::Choose {
            value: extent.clone(),
            at_least: step,
            then: then(),
            otherwise: ladder(name, extent, smaller, body),
        }],
    }
}

/// Tiles from one place to another, the last of which moves back to end there; or the only one's body alone.
pub(super) fn tiles(
    name: &'static str,
    [from, to]: [&Index; 2],
    step: usize,
    body: &dyn Fn(Index, usize) -> Vec<Stmt>,
) -> Vec<Stmt> {
    if from == to {
        return Vec::new();
    }
    if from.constant().is_some_and(|first| to.constant() == Some(first + step)) {
        return body(from.clone(), step);
    }
    let (var, from, extent) = (Var(name), from.clone(), to.clone());
    vec![Stmt::Tiles { var, from, extent, step, body: body(Index::Var(var), step) }]
}

/// The choices that are ever needed: up to the first that always fits.
pub(super) fn needed<T>(mut choices: Vec<T>, fits: impl Fn(&T) -> bool) -> Vec<T> {
    if let Some(first) = choices.iter().position(fits) {
        choices.truncate(first + 1);
    }
    choices
}

/// As [`ladder`], where the extent is not known and sizes of tiles share it: the largest one as often as it fits,
/// once more where the smaller one would not cover the rest, and then the smaller one, or the next where that suffices.
pub(super) fn shared_ladder(
    name: &'static str,
    extent: &Index,
    steps: &[usize],
    body: &dyn Fn(Index, usize) -> Vec<Stmt>,
) -> Vec<Stmt> {
    let (None, Some([large, small, third])) = (extent.constant(), shared_sizes(steps)) else {
        return ladder(name, extent, steps, body);
    };
    let whole = extent.clone().divided_by(large);
    let one_more = (extent.clone().modulo(large) + (large - 1 - small)).divided_by(large);
    let covered = ((whole.clone() + one_more * whole.at_most(1)) * large).at_most(extent.clone());
    let end = |step| tiles(name, [&covered, extent], step, body);
    let end = if third == small {
        end(small)
    } else {
        let (value, at_least) = (extent.clone().less(covered.clone()), third + 1);
        vec![Stmt::Choose { value, at_least, then: end(small), otherwise: end(third) }]
    };
    let then = tiles(name, [&Index::Const(0), &covered], large, body).into_iter().chain(end).collect();
    shared(name, extent, then, small, &steps[2..], body)
}

/// As [`ladder`], where `together` tiles of the first size are one, as long as they fit; what is left takes them one
/// by one. `body` learns how many tiles it has, and of which size.
pub(super) fn gathered(
    name: &'static str,
    extent: &Index,
    steps: &[usize],
    together: usize,
    body: &dyn Fn(Index, usize, usize) -> Vec<Stmt>,
) -> Vec<Stmt> {
    if together == 1 {
        return ladder(name, extent, steps, &|at, step| body(at, 1, step));
    }
    let (step, all) = (steps[0], together * steps[0]);
    let covered = extent.clone().divided_by(all) * all;
    let body = |at, size| if size == all { body(at, together, step) } else { body(at, 1, size) };
    let mut then = tiles(name, [&Index::Const(0), &covered], all, &body);
    then.extend(tiles(name, [&covered, extent], step, &body));
    shared(name, extent, then, step, &steps[1..], &body)
}

/// Tiles of two sizes, where the smaller one fits; a smaller extent takes tiles of the `rest`.
fn shared(
    name: &'static str,
    extent: &Index,
    then: Vec<Stmt>,
    small: usize,
    rest: &[usize],
    body: &dyn Fn(Index, usize) -> Vec<Stmt>,
) -> Vec<Stmt> {
    match extent.constant() {
        Some(known) if known < small => ladder(name, extent, rest, body),
        Some(_) => then,
        None if rest.is_empty() => then,
        None => {
            let otherwise = ladder(name, extent, rest, body);
            vec![Stmt::Choose { value: extent.clone(), at_least: small, then, otherwise }]
        }
    }
}
