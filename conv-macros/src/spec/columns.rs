//! [`Columns`]: kernels of constants as few columns, each of which serves several taps of a row.
//!
//! ```text
//! 1 2 1   is the column 1 2 1  times 1, 2 and 1:       3 + 3 products for 9
//! 2 4 2
//! 1 2 1
//! ```
//!
//! A kernel whose columns are all multiples of one is the product of a column and a row: it has rank one. But
//! a few different columns are worth as much, and the kernels of several output channels may share them: those
//! of both of Sobel's are two.

use std::fmt::{self, Display, Formatter};

use super::{Dtype, Spec};

/// Integers up to this are told apart exactly: nothing is taken for a multiple that is one nearly.
const MOST_EXACT: f64 = 65536.0;

/// How many times larger than one column of a kernel another may be: 2^40.
const MOST_APART: f64 = 1_099_511_627_776.0;

/// The kernels of all output channels of a group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Columns {
    /// A weight for each kernel row of each input channel, channel by channel. None is a multiple of another.
    pub(crate) different: Vec<Vec<f64>>,
    /// What each output channel adds up.
    pub(crate) outputs: Vec<Vec<Term>>,
    /// Whether each weight is exactly its column's times the term's factor. If not, it is within two
    /// roundings, which is two units in the last place.
    pub(crate) exact: bool,
}

/// A column at a tap of the row, times a factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) column: usize,
    pub(crate) tap: usize,
    pub(crate) factor: f64,
}

impl Spec {
    /// The layer's kernels as columns, if its weights are constants and the same in all groups.
    pub(crate) fn columns(&self) -> Option<Columns> {
        let weights = self.pattern.weights()?;
        let (group, rest) = weights.split_at(self.out_per_group() * self.terms());
        let same = rest.chunks(group.len()).all(|other| other == group);
        if !same || weights.iter().any(|weight| !weight.is_finite()) {
            return None;
        }
        let mut found = Columns { different: Vec::new(), outputs: Vec::new(), exact: true };
        for kernels in group.chunks(self.terms()) {
            let columns = (0..self.kernel.w).map(|j| {
                let rows = kernels.iter().skip(j).step_by(self.kernel.w);
                (j, rows.copied().collect::<Vec<_>>())
            });
            let terms = columns.filter_map(|(tap, column)| found.term(tap, &column, self.dtype)).collect();
            found.outputs.push(terms);
        }
        let is_narrow = found.scale();
        let is_normal = |weight: &f64| *weight == 0.0 || weight.abs() >= self.dtype.least();
        (is_narrow && found.different.iter().flatten().all(is_normal)).then_some(found)
    }
}

impl Columns {
    /// Taps of all columns that are not zero.
    pub(crate) fn taps(&self) -> usize {
        self.different.iter().flatten().filter(|&&weight| weight != 0.0).count()
    }

    /// Terms of all output channels.
    pub(crate) fn terms(&self) -> usize {
        self.outputs.iter().map(Vec::len).sum()
    }

    /// Where the terms read a column: each tap once, whatever the channels.
    pub(crate) fn places(&self) -> usize {
        let mut places: Vec<_> = self.outputs.iter().flatten().map(|term| (term.column, term.tap)).collect();
        places.sort_unstable();
        places.dedup();
        places.len()
    }

    /// A column of a kernel as a term: a multiple of one that is there already, or of a new one. A column of
    /// zeros is none.
    fn term(&mut self, tap: usize, column: &[f64], dtype: Dtype) -> Option<Term> {
        if column.iter().all(|&weight| weight == 0.0) {
            return None;
        }
        for (at, known) in self.different.iter().enumerate() {
            if let Some((factor, exact)) = multiple(known, column, dtype) {
                self.exact &= exact;
                return Some(Term { column: at, tap, factor });
            }
        }
        let (primitive, factor) = primitive(column).unwrap_or_else(|| (column.to_vec(), 1.0));
        self.different.push(primitive);
        Some(Term { column: self.different.len() - 1, tap, factor })
    }

    /// Moves powers of two from the terms to the columns, where all factors are less than one: no sum of a
    /// column is then larger than the output, and cannot overflow where that does not. Says whether none is smaller by so
    /// much that it would be lost where the output is not.
    fn scale(&mut self) -> bool {
        let mut is_narrow = true;
        for (at, column) in self.different.iter_mut().enumerate() {
            let mine = |term: &&mut Term| term.column == at;
            let factors = self.outputs.iter().flatten().filter(|term| term.column == at);
            let least = factors.map(|term| term.factor.abs()).fold(1.0, f64::min);
            let scale = least.log2().floor().exp2();
            for weight in column.iter_mut() {
                *weight *= scale;
            }
            for term in self.outputs.iter_mut().flatten().filter(mine) {
                term.factor /= scale;
                is_narrow &= term.factor.abs() <= MOST_APART;
            }
        }
        is_narrow
    }
}

/// What was found, in a line.
impl Display for Columns {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let found = self.different.len();
        let is_product = |terms: &Vec<Term>| terms.windows(2).all(|pair| pair[0].column == pair[1].column);
        let exactly = if self.exact { "exactly" } else { "within two units in the last place" };
        write!(f, "constant weights: ")?;
        if found > 0 && self.outputs.iter().all(is_product) {
            write!(f, "each kernel is the product of a column and a row (rank one), {exactly}; ")?;
        }
        let (s, are) = if found == 1 { ("", "is") } else { ("s", "are") };
        write!(
            f,
            "the columns of all kernels are multiples of {found} column{s}, {exactly}, which {are} summed once; \
             {} + {} taps are left; equal and opposite ones are added before they are multiplied",
            self.taps(),
            self.terms()
        )
    }
}

/// A column as the least integers, times a factor. `None` if they are large, which chance makes them.
fn primitive(column: &[f64]) -> Option<(Vec<f64>, f64)> {
    let largest = column.iter().fold(0.0f64, |largest, weight| largest.max(weight.abs()));
    // With the largest in the last binade that is exact, the others are integers or the column is not.
    let unit = (largest / MOST_EXACT).log2().ceil().exp2();
    let integers: Vec<_> = column.iter().map(|weight| weight / unit).collect();
    let is_exact = |(integer, weight): (&f64, &f64)| integer.fract() == 0.0 && integer * unit - weight == 0.0;
    if !integers.iter().zip(column).all(is_exact) {
        return whole(column);
    }
    let common = integers.iter().fold(0.0, |common, &integer| gcd(common, integer.abs()));
    let first = integers.iter().find(|&&integer| integer != 0.0)?;
    let common = common.copysign(*first);
    Some((integers.iter().map(|integer| integer / common).collect(), common * unit))
}

/// Large integers stay as they are, but exact.
fn whole(column: &[f64]) -> Option<(Vec<f64>, f64)> {
    column.iter().all(|weight| weight.fract() == 0.0).then(|| (column.to_vec(), 1.0))
}

fn gcd(a: f64, b: f64) -> f64 {
    if b == 0.0 { a } else { gcd(b, a % b) }
}

/// The factor that makes `column` of `known`, and whether it is exact.
fn multiple(known: &[f64], column: &[f64], dtype: Dtype) -> Option<(f64, bool)> {
    let pivot = (0..known.len()).max_by(|&a, &b| known[a].abs().total_cmp(&known[b].abs()))?;
    let factor = dtype.round(column[pivot] / known[pivot]);
    let pairs = || known.iter().zip(column);
    // One rounding, in the machine, tells how far off a product is.
    let off = |known: f64, weight: f64| (-factor).mul_add(known, weight).abs();
    if factor == 0.0 {
        return None;
    }
    if pairs().all(|(&known, &weight)| off(known, weight) == 0.0) {
        return Some((factor, true));
    }
    let near = |(&known, &weight): (&f64, &f64)| off(known, weight) <= dtype.epsilon() * weight.abs();
    (primitive(column).is_none() && primitive(known).is_none() && pairs().all(near))
        .then_some((factor, false))
}

impl Dtype {
    /// Two roundings: the distance from 1 to the next larger number.
    fn epsilon(self) -> f64 {
        match self {
            Self::F32 => f64::from(f32::EPSILON),
            Self::F64 => f64::EPSILON,
        }
    }

    /// The least number that has all its digits.
    fn least(self) -> f64 {
        match self {
            Self::F32 => f64::from(f32::MIN_POSITIVE),
            Self::F64 => f64::MIN_POSITIVE,
        }
    }

    /// The nearest number of the type.
    #[expect(clippy::cast_possible_truncation, reason = "rounding is what this function is for")]
    fn round(self, value: f64) -> f64 {
        match self {
            Self::F32 => f64::from(value as f32),
            Self::F64 => value,
        }
    }
}
