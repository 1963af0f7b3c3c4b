//! A nest as pseudo-code, for people and for snapshots.

use std::fmt::{self, Display, Formatter};

use super::{Buffer, Extent, Index, Nest, PaddedRows, Reg, Sides, Size, Stmt, Var, Vector};

impl Display for Nest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "vectors of {} lanes", self.lanes)?;
        body(f, &self.body, 0)
    }
}

fn body(f: &mut Formatter<'_>, stmts: &[Stmt], depth: usize) -> fmt::Result {
    stmts.iter().try_for_each(|stmt| statement(f, stmt, depth))
}

fn statement(f: &mut Formatter<'_>, stmt: &Stmt, depth: usize) -> fmt::Result {
    write!(f, "{:1$}", "", 2 * depth)?;
    match stmt {
        Stmt::For { var, from, to, body: inner } => {
            writeln!(f, "for {var} in {from}..{to}")?;
            body(f, inner, depth + 1)
        }
        Stmt::Tiles { var, from, extent, step, body: inner } => {
            let from = if *from == Index::Const(0) { String::new() } else { format!("{from}..") };
            writeln!(f, "for {var} in tiles of {step} over {from}{extent}")?;
            body(f, inner, depth + 1)
        }
        Stmt::Groups { count, steps, body: inner } => {
            let steps: Vec<_> = steps.iter().map(|(buffer, step)| format!("{buffer} by {step}")).collect();
            writeln!(f, "for each of {count} groups, moving {}", steps.join(", "))?;
            body(f, inner, depth + 1)
        }
        Stmt::Choose { value, at_least, then, otherwise } => {
            writeln!(f, "if {value} >= {at_least}")?;
            body(f, then, depth + 1)?;
            writeln!(f, "{:1$}else", "", 2 * depth)?;
            body(f, otherwise, depth + 1)
        }
        simple => writeln!(f, "{}", Simple(simple)),
    }
}

/// A statement without a body.
struct Simple<'a>(&'a Stmt);

impl Display for Simple<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Stmt::Local { buffer, len } => write!(f, "{buffer} = [0; {len}]"),
            Stmt::Let { var, value } => write!(f, "{var} = {value}"),
            Stmt::Window { name, buffer, at, len } | Stmt::WindowMut { name, buffer, at, len } => {
                write!(f, "{name} = {buffer}[{at}; {len}]")
            }
            Stmt::Row { name, buffer, at, len } => write!(f, "{name} = {buffer}[{at}; {len}]"),
            Stmt::PaddedRows(rows) => write!(f, "{rows}"),
            Stmt::WindowOfRow { name, row, at, len } => write!(f, "{name} = {row}[{at}; {len}]"),
            Stmt::OutputRows { name, planes, rows, plane, at, len } => {
                write!(
                    f,
                    "{name}_o_t = output[o * {plane} + {at} + t * {len}; {len}] for o < {planes}, t < {rows}"
                )
            }
            Stmt::StoreToRow { reg, row, at, count: None } => write!(f, "{row}[{at}] = {reg}"),
            Stmt::StoreToRow { reg, row, at, count: Some(count) } => {
                write!(f, "{row}[{at}; {count}] = {reg}")
            }
            Stmt::Start { acc: reg, value } | Stmt::Set { reg, value } => write!(f, "{reg} = {value}"),
            Stmt::Move { to, from } => write!(f, "{to} = {from}"),
            Stmt::Sides(sides) => write!(f, "{sides}"),
            Stmt::Fma { acc, a, b } => write!(f, "{acc} += {a} * {b}"),
            Stmt::Add { acc, a } => write!(f, "{acc} += {a}"),
            Stmt::Subtract { acc, a } => write!(f, "{acc} -= {a}"),
            Stmt::Store { reg, buffer, at } => write!(f, "{buffer}[{at}] = {reg}"),
            Stmt::StoreFirst { reg, buffer, at, count } => write!(f, "{buffer}[{at}; {count}] = {reg}"),
            Stmt::StoreOver { reg, buffer, at, count } => {
                write!(f, "{buffer}[{at}; {count} or more] = {reg}")
            }
            Stmt::AddLanes { sums, buffer } => {
                let sums: Vec<_> = sums.iter().map(|(reg, at)| format!("[{at}] += lanes of {reg}")).collect();
                write!(f, "{buffer}{}", sums.join(", "))
            }
            Stmt::Combine { reg, terms } => {
                let terms: Vec<_> = terms.iter().map(|(factor, term)| format!("{factor} * {term}")).collect();
                write!(f, "{reg} = {}", terms.join(" + "))
            }
            Stmt::Scatter { from: (buffer, from), pixels, width, channels, plane, at } => {
                write!(f, "output[c * {plane} + {at} + p] = {buffer}[{from} + p * {width} + c] ")?;
                write!(f, "for c < {channels}, p < {pixels}")
            }
            Stmt::Copy { from, to, len } => {
                write!(f, "{}[{}; {len}] = {}[{}; {len}]", to.0, to.1, from.0, from.1)
            }
            Stmt::For { .. } | Stmt::Tiles { .. } | Stmt::Groups { .. } | Stmt::Choose { .. } => {
                unreachable!("printed with its body")
            }
        }
    }
}

impl Display for Vector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero => f.write_str("0"),
            Self::Load { window, at } => write!(f, "load {window}[{at}]"),
            Self::Splat { window, at } => write!(f, "splat {window}[{at}]"),
            Self::SplatOf { row, at } => write!(f, "splat {row}[{at}]"),
            Self::Part { row, at, len } => write!(f, "load {row}[{at}] up to {len}"),
            Self::Last { window, count } => write!(f, "load the last {count} of {window}"),
            Self::Keep { reg, lanes } => write!(f, "lanes {lanes:#b} of {reg}"),
            Self::Pick { reg, lanes } => write!(f, "lanes {lanes:?} of {reg}"),
            Self::Unzip { low, high, odd, crossed } => {
                let crossed = if *crossed { ", crossed" } else { "" };
                write!(f, "{} lanes of {low}, {high}{crossed}", if *odd { "odd" } else { "even" })
            }
            Self::Cross { reg } => write!(f, "{reg}, crossed"),
            Self::Same { reg } => write!(f, "{reg}"),
            Self::Slide { low, high, by } => write!(f, "slide {low}, {high} by {by}"),
        }
    }
}

impl Display for PaddedRows {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { buffer, names, extent, mode, plane, first, padding: [above, _], image: [height, width] } =
            self;
        let names: Vec<_> = names.iter().map(|name| name.as_ref().map_or("_", |name| &name.0)).collect();
        let on = if *extent == Extent::Rest { " and on" } else { "" };
        write!(
            f,
            "{} = rows of {buffer}[{plane}..] from {first} - {above} of {height} x {width}{on}, {}",
            names.join(", "),
            mode.word()
        )
    }
}

impl Display for Sides {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { made, from: [first, last], rest, mode, padding: [left, right] } = self;
        let made = made.each_ref().map(|reg| reg.as_ref().map_or("_", |reg| &reg.0)).join(", ");
        write!(
            f,
            "{made} = ends of {first} .. {last}, {rest} past the last vector, {left} and {right} {}",
            mode.word()
        )
    }
}

impl Display for Index {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Const(value) => write!(f, "{value}"),
            Self::Size(size) => write!(f, "{size}"),
            Self::Var(var) => write!(f, "{var}"),
            Self::Sum(a, b) => write!(f, "{a} + {b}"),
            Self::Product(a, b) => write!(f, "{} * {}", Factor(a), Factor(b)),
            Self::Quotient(a, b) => write!(f, "{} / {b}", Factor(a)),
            Self::Remainder(a, b) => write!(f, "{} % {b}", Factor(a)),
            Self::Difference(a, b) => write!(f, "{a} - {}", Factor(b)),
            Self::AtMost(a, b) => write!(f, "min({a}, {b})"),
            Self::Tiles(a, b) => write!(f, "tiles({a}, {b})"),
            Self::Opaque(value) => write!(f, "opaque({value})"),
        }
    }
}

/// An operand of a product: sums take brackets.
struct Factor<'a>(&'a Index);

impl Display for Factor<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Index::Const(_) | Index::Size(_) | Index::Var(_) => write!(f, "{}", self.0),
            compound => write!(f, "({compound})"),
        }
    }
}

impl Display for Var {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Display for Reg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Display for Size {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutH => "out_h",
            Self::OutW => "out_w",
            Self::OutPlane => "out_plane",
            Self::Pitch => "pitch",
            Self::Plane => "plane",
            Self::First => "first",
            Self::ImageH => "image_h",
            Self::ImageW => "image_w",
            Self::FirstRow => "first_row",
            Self::FirstColumn => "first_column",
            Self::Groups => "groups",
            Self::Outs => "outs",
        })
    }
}

impl Display for Buffer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "image",
            Self::Weights => "weights",
            Self::Bias => "bias",
            Self::Output => "output",
            Self::Gradient => "gradient",
            Self::Padded => "padded",
            Self::Tile => "tile",
            Self::Work => "work",
        })
    }
}
