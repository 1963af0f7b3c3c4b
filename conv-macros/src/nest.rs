//! [`Nest`]: the loop nest of one kernel, as data.
//!
//! A few statements over named loops and vector registers, so small that an interpreter of some hundred
//! lines gives them a meaning (the tests run thousands of random layers through it), and that turning them
//! into Rust takes no decision. A nest prints itself as pseudo-code and counts its own instructions.
//!
//! One nest computes one block of output channels of one image, of one group or several: see `conv_runtime::__private::Job`.

#[cfg(test)]
mod count;
mod print;

use std::ops::{Add, Mul};

use crate::spec::PaddingMode;

/// Memory that a kernel reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Buffer {
    /// The group's input planes.
    Image,
    /// The block's weights: `[tap][in channel][out channel]`.
    Weights,
    /// The block's biases.
    Bias,
    /// The block's output planes, or the sums that the weight's gradient is made of.
    Output,
    /// The output's gradient.
    Gradient,
    /// On the stack: the image with its padding.
    Padded,
    /// On the stack: results on their way to the output.
    Tile,
    /// Working memory of the caller's.
    Work,
}

/// A size that a kernel may learn only while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Size {
    /// Output rows of the band that is computed.
    OutH,
    /// Output columns.
    OutW,
    /// Elements from one output channel to the next.
    OutPlane,
    /// Elements from one input row to the next.
    Pitch,
    /// Elements from one input channel to the next.
    Plane,
    /// The first output row of the band.
    First,
    /// Rows of the image.
    ImageH,
    /// Columns of the image.
    ImageW,
    /// The first row of taps that a channel of the block has: 0, or 1.
    FirstRow,
    /// The first column of taps.
    FirstColumn,
    /// Groups of channels that the call computes, or images of one group.
    Groups,
    /// Output channels that the call sums for.
    Outs,
}

/// A loop variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Var(pub(crate) &'static str);

/// A number of elements, or a position, computed from sizes and loop variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Index {
    Const(usize),
    Size(Size),
    Var(Var),
    Sum(Box<Index>, Box<Index>),
    Product(Box<Index>, Box<Index>),
    Quotient(Box<Index>, usize),
    Remainder(Box<Index>, usize),
    /// A difference, at least 0.
    Difference(Box<Index>, Box<Index>),
    /// The smaller of the two.
    AtMost(Box<Index>, Box<Index>),
    /// A quotient, rounded up.
    Tiles(Box<Index>, usize),
    /// A number that the compiler must not know.
    Opaque(usize),
}

impl Index {
    pub(crate) fn constant(&self) -> Option<usize> {
        match *self {
            Self::Const(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn divided_by(self, divisor: usize) -> Self {
        match self {
            value if divisor == 1 => value,
            Self::Const(value) => Self::Const(value / divisor),
            // What rounds up says so, for a reader's and for a linter's sake.
            Self::Sum(value, more) if *more == Self::Const(divisor - 1) => Self::Tiles(value, divisor),
            value => Self::Quotient(Box::new(value), divisor),
        }
    }

    pub(crate) fn less(self, other: Self) -> Self {
        match (self, other) {
            (value, Self::Const(0)) => value,
            (Self::Const(a), Self::Const(b)) => Self::Const(a.saturating_sub(b)),
            (a, b) => Self::Difference(Box::new(a), Box::new(b)),
        }
    }

    pub(crate) fn at_most(self, most: impl Into<Self>) -> Self {
        match (self, most.into()) {
            (Self::Const(a), Self::Const(b)) => Self::Const(a.min(b)),
            (a, b) => Self::AtMost(Box::new(a), Box::new(b)),
        }
    }

    /// Tiles of `size` that cover so many elements.
    pub(crate) fn tiles_of(self, size: usize) -> Self {
        match self {
            value if size == 1 => value,
            Self::Const(value) => Self::Const(value.div_ceil(size)),
            value => Self::Tiles(Box::new(value), size),
        }
    }

    pub(crate) fn modulo(self, divisor: usize) -> Self {
        match self {
            _ if divisor == 1 => Self::Const(0),
            Self::Const(value) => Self::Const(value % divisor),
            value => Self::Remainder(Box::new(value), divisor),
        }
    }
}

impl From<usize> for Index {
    fn from(value: usize) -> Self {
        Self::Const(value)
    }
}

impl<I: Into<Index>> Add<I> for Index {
    type Output = Self;

    fn add(self, other: I) -> Self {
        match (self, other.into()) {
            (Self::Const(a), Self::Const(b)) => Self::Const(a.saturating_add(b)),
            (Self::Const(0), other) | (other, Self::Const(0)) => other,
            (a, b) => Self::Sum(Box::new(a), Box::new(b)),
        }
    }
}

impl<I: Into<Index>> Mul<I> for Index {
    type Output = Self;

    fn mul(self, other: I) -> Self {
        match (self, other.into()) {
            (Self::Const(a), Self::Const(b)) => Self::Const(a.saturating_mul(b)),
            (Self::Const(0), _) | (_, Self::Const(0)) => Self::Const(0),
            (Self::Const(1), other) | (other, Self::Const(1)) => other,
            (a, b) => Self::Product(Box::new(a), Box::new(b)),
        }
    }
}

/// A vector register, named by its role and its coordinates: `acc_0_3`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Reg(pub(crate) String);

impl Reg {
    pub(crate) fn new(role: &str, coordinates: &[usize]) -> Self {
        Self(coordinates.iter().fold(role.to_owned(), |name, at| format!("{name}_{at}")))
    }
}

/// What a vector register is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Vector {
    /// Zeros.
    Zero,
    /// Consecutive elements of a window.
    Load { window: Reg, at: usize },
    /// One element of a window in every lane.
    Splat { window: Reg, at: usize },
    /// One element of a row in every lane.
    SplatOf { row: Reg, at: Index },
    /// Elements of a row from `at` on, and zeros for what is beyond its `len`, where the named row may go on.
    Part { row: Reg, at: usize, len: Index },
    /// The last elements of a window that is as long as a vector, `count` of them, and zeros before.
    Last { window: Reg, count: Index },
    /// The lanes of another register whose bits are set, and zeros in the others.
    Keep { reg: Reg, lanes: u64 },
    /// Lanes of another register, in any order and any of them several times.
    Pick { reg: Reg, lanes: Vec<u8> },
    /// Every second lane of two registers: the even ones, or the odd. In order, or `crossed`: with the second and the
    /// third quarter exchanged, which takes one instruction less where vectors are two halves.
    Unzip { low: Reg, high: Reg, odd: bool, crossed: bool },
    /// The lanes of another register, with the second and the third quarter exchanged.
    Cross { reg: Reg },
    /// What another register holds.
    Same { reg: Reg },
    /// The lanes of `low` from `by` on, and then as many of `high` as are missing; `0 < by < lanes`.
    Slide { low: Reg, high: Reg, by: usize },
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stmt {
    /// Names a number that is the same in all loops. The compiler must not know how it was computed: it would do
    /// so for every place that depends on it.
    Let { var: Var, value: Index },
    /// An array on the stack, filled with zeros.
    Local { buffer: Buffer, len: usize },
    /// `for var in from..to`
    For { var: Var, from: Index, to: Index, body: Vec<Stmt> },
    /// Tiles that cover `from..extent`: `var` is `from`, `from + step`, .. and at last `extent - step`, so that the
    /// last tile overlaps the one before where it must. The extent is at least one step, or nothing is to be covered.
    Tiles { var: Var, from: Index, extent: Index, step: usize, body: Vec<Stmt> },
    /// The body for each of so many groups, from one to the next of which the buffers move on by some elements.
    Groups { count: Index, steps: Vec<(Buffer, Index)>, body: Vec<Stmt> },
    /// The first body if `value >= at_least`, else the second.
    Choose { value: Index, at_least: usize, then: Vec<Stmt>, otherwise: Vec<Stmt> },
    /// Names `len` consecutive elements, checked once and then indexed by constants.
    Window { name: Reg, buffer: Buffer, at: Index, len: usize },
    /// As [`Stmt::Window`], to store to: until that is done, nothing else is read from the buffer.
    WindowMut { name: Reg, buffer: Buffer, at: Index, len: usize },
    /// Names `len` consecutive elements, to take windows from: where several rows have one length, one check
    /// serves the windows of all.
    Row { name: Reg, buffer: Buffer, at: Index, len: Index },
    /// Names rows of the padded image, to take windows from.
    PaddedRows(PaddedRows),
    /// A window of a row.
    WindowOfRow { name: Reg, row: Reg, at: Index, len: usize },
    /// Names rows of the output, one after the other from `at` on, in each of some planes: `name_{plane}_{row}`.
    OutputRows { name: &'static str, planes: usize, rows: usize, plane: Index, at: Index, len: Index },
    /// Sets an accumulator before its first `Fma`.
    Start { acc: Reg, value: Vector },
    /// Sets a register, once.
    Set { reg: Reg, value: Vector },
    /// `acc += a * b`
    Fma { acc: Reg, a: Reg, b: Reg },
    /// Sets a register to a sum of constants times registers.
    Combine { reg: Reg, terms: Vec<(f64, Reg)> },
    /// Sets a register that was started to what another holds.
    Move { to: Reg, from: Reg },
    /// Pads a row of vectors.
    Sides(Sides),
    /// `acc += a`
    Add { acc: Reg, a: Reg },
    /// `acc -= a`
    Subtract { acc: Reg, a: Reg },
    /// Stores a register to consecutive elements.
    Store { reg: Reg, buffer: Buffer, at: Index },
    /// Stores the first `count` lanes of a register, at most one vector.
    StoreFirst { reg: Reg, buffer: Buffer, at: Index, count: Index },
    /// Stores the first `count` lanes of a register, and perhaps the others: what stands there is stored later.
    StoreOver { reg: Reg, buffer: Buffer, at: Index, count: Index },
    /// Stores a register to a row of the output: all of it, or the first `count` lanes.
    StoreToRow { reg: Reg, row: Reg, at: Index, count: Option<Index> },
    /// Adds the sum of each register's lanes to an element.
    AddLanes { sums: Vec<(Reg, Index)>, buffer: Buffer },
    /// Writes `[pixels][width]`, transposed: pixel `p` of channel `c < channels` goes to
    /// `output[c * plane + at + p]`.
    Scatter { from: (Buffer, Index), pixels: Index, width: usize, channels: usize, plane: Index, at: Index },
    /// Copies `len` elements between constant places.
    Copy { from: (Buffer, usize), to: (Buffer, usize), len: usize },
}

/// Rows of the padded image. Above and below the image they are zeros from working memory, or the rows that the mode
/// says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PaddedRows {
    pub(crate) buffer: Buffer,
    /// Their names, from top to bottom; none of those that nobody reads.
    pub(crate) names: Vec<Option<Reg>>,
    /// How far they go.
    pub(crate) extent: Extent,
    pub(crate) mode: PaddingMode,
    /// Where the channel begins.
    pub(crate) plane: Index,
    /// The first of the rows, counted from the first row of padding.
    pub(crate) first: Index,
    /// Rows of padding above the image and below it: only the first and the last so many names can be among them.
    pub(crate) padding: [usize; 2],
    /// Rows and columns of the image.
    pub(crate) image: [Index; 2],
}

/// How far a named row goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// To the end of the row. Where several have one length, one check serves the windows of all.
    Row,
    /// To the end of the buffer.
    Rest,
}

/// The vectors at the ends of a row that is padded, and at least one vector long without its padding.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sides {
    /// The first vector, which begins with the padding, and the two after the last that ends in the row; `None` is
    /// not needed. The first of the two starts with what is left of the row. Past the padding all is zero.
    pub(crate) made: [Option<Reg>; 3],
    /// The row's first and its last elements, as many as there are lanes.
    pub(crate) from: [Reg; 2],
    /// Elements of the row after the last vector that ends in it.
    pub(crate) rest: Index,
    pub(crate) mode: PaddingMode,
    /// Elements left and right of the row, fewer than there are lanes.
    pub(crate) padding: [usize; 2],
}

/// A kernel for vectors of `lanes` elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Nest {
    pub(crate) lanes: usize,
    pub(crate) body: Vec<Stmt>,
}
