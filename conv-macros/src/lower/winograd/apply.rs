//! Transforms as straight code.

#![expect(clippy::float_cmp, reason = "constants are exact, and compared as such")]

use crate::nest::{Reg, Stmt};
use crate::plan::Matrix;

/// A matrix times a vector of registers. What belongs to two points that differ in sign alone is computed
/// together: rows of `BT` are the sum and the difference of the same two halves, and rows of `AT` use
/// either the sum or the difference of two columns.
pub(super) fn apply(
    matrix: &Matrix,
    input: impl Fn(usize) -> Reg,
    output: impl Fn(usize) -> Reg,
) -> Vec<Stmt> {
    let mut body = Vec::new();
    let columns = paired_columns(matrix);
    let [sum, difference] =
        ["sum", "difference"].map(|name| move |k: usize, of: &Reg| Reg(format!("{}_{name}_{k}", of.0)));
    for &k in &columns {
        let both = |sign| vec![(1.0, input(k)), (sign, input(k + 1))];
        body.push(Stmt::Combine { reg: sum(k, &output(0)), terms: both(1.0) });
        body.push(Stmt::Combine { reg: difference(k, &output(0)), terms: both(-1.0) });
    }
    let terms = |r: usize, keep: &dyn Fn(usize) -> bool| -> Vec<(f64, Reg)> {
        let row = matrix[r].iter().enumerate().filter(|(k, value)| **value != 0.0 && keep(*k));
        row.filter_map(|(k, value)| match k {
            k if columns.contains(&k) && r.is_multiple_of(2) => Some((*value, sum(k, &output(0)))),
            k if columns.contains(&k) => Some((*value, difference(k, &output(0)))),
            k if k > 0 && columns.contains(&(k - 1)) => None,
            k => Some((*value, input(k))),
        })
        .collect()
    };
    let mut r = 0;
    while r < matrix.len() {
        let (even, odd) = (terms(r, &|k| k % 2 == 0), terms(r, &|k| k % 2 == 1));
        let mirrored = matrix.get(r + 1).is_some_and(|next| are_mirrored(&matrix[r], next));
        if columns.is_empty() && mirrored && !even.is_empty() && !odd.is_empty() {
            let [even_reg, odd_reg] = ["even", "odd"].map(|name| Reg(format!("{}_{name}", output(r).0)));
            body.push(Stmt::Combine { reg: even_reg.clone(), terms: even });
            body.push(Stmt::Combine { reg: odd_reg.clone(), terms: odd });
            let both = |sign| vec![(1.0, even_reg.clone()), (sign, odd_reg.clone())];
            body.push(Stmt::Combine { reg: output(r), terms: both(1.0) });
            body.push(Stmt::Combine { reg: output(r + 1), terms: both(-1.0) });
            r += 2;
        } else {
            body.push(Stmt::Combine { reg: output(r), terms: terms(r, &|_| true) });
            r += 1;
        }
    }
    body
}

/// The first of each two columns whose constants are equal in even rows and differ in sign in odd ones.
fn paired_columns(matrix: &Matrix) -> Vec<usize> {
    let paired = |k: usize| {
        let signs = matrix
            .iter()
            .enumerate()
            .map(|(r, row)| (row[k], if r % 2 == 0 { row[k + 1] } else { -row[k + 1] }));
        signs.clone().all(|(a, b)| a == b) && signs.filter(|(a, _)| *a != 0.0).count() > 1
    };
    let mut pairs: Vec<usize> = Vec::new();
    for k in 0..matrix[0].len().saturating_sub(1) {
        if pairs.last().is_none_or(|last| last + 1 < k) && paired(k) {
            pairs.push(k);
        }
    }
    pairs
}

/// Whether two rows differ in the sign of their odd constants alone.
fn are_mirrored(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).enumerate().all(|(k, (a, b))| if k % 2 == 0 { a == b } else { *a == -b })
}
