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
        let mirrored = matrix.get(r + 1).and_then(|next| kept_parity(&matrix[r], next));
        if let Some(parity) = mirrored.filter(|_| columns.is_empty()) {
            let [kept_reg, turned_reg] =
                ["kept", "turned"].map(|name| Reg(format!("{}_{name}", output(r).0)));
            body.push(Stmt::Combine { reg: kept_reg.clone(), terms: terms(r, &|k| k % 2 == parity) });
            body.push(Stmt::Combine { reg: turned_reg.clone(), terms: terms(r, &|k| k % 2 != parity) });
            let both = |sign| vec![(1.0, kept_reg.clone()), (sign, turned_reg.clone())];
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

/// The remainder modulo 2 of the places at which two rows are equal, if at all others they differ in sign; and if neither
/// are all zeros.
fn kept_parity(a: &[f64], b: &[f64]) -> Option<usize> {
    let pairs = || a.iter().zip(b).enumerate();
    let has = |parity: usize| pairs().any(|(k, (a, _))| k % 2 == parity && *a != 0.0);
    let keeps = |parity: usize| pairs().all(|(k, (a, b))| if k % 2 == parity { a == b } else { *a == -b });
    (0..2).find(|parity| has(0) && has(1) && keeps(*parity))
}
