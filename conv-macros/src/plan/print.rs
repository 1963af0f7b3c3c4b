//! A plan as a person reads it.

use std::fmt::{self, Display, Formatter};

use super::machine::Family;
use super::{Plan, Tile};

impl Display for Plan {
    /// One line: the algorithm and its tile, what it reads, what it is estimated to cost and why it was taken.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { machine, cost, .. } = self;
        let name = match machine.family {
            Family::X86 => "",
            Family::Neon => " NEON",
            Family::Simd128 => " simd128",
            Family::Vfp => " VFP",
        };
        write!(f, "{}-bit{name}: {}", machine.bits, self.algorithm())?;
        write!(f, ", {}; ", self.tile_in_words())?;
        write!(f, "reads {}; ", self.reads_in_words())?;
        write!(f, "about {} cycles an image of {}x{} ", grouped(cost.cycles()), self.image.h, self.image.w)?;
        write!(
            f,
            "({} compute, {} copy, {} write), ",
            grouped(cost.compute),
            grouped(cost.copy),
            grouped(cost.write)
        )?;
        write!(f, "the least of {} tiles compared", self.compared)
    }
}

impl Plan {
    /// The algorithm's name, which is the name of the file that lowers it.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self.tile {
            Tile::Channels { .. } => "direct_oc",
            Tile::Columns { .. } => "direct_ow",
            Tile::Rows { .. } => "direct_rows",
            Tile::InPlace { .. } => "in_place",
            Tile::Slide { .. } => "slide",
            Tile::Whole => "tiny",
            Tile::Winograd { .. } => "winograd",
        }
    }

    fn tile_in_words(&self) -> String {
        let lanes = self.machine.lanes;
        match self.tile {
            Tile::Channels { pixels, vectors, .. } => {
                format!("lanes over output channels, tile {pixels} pixels x {} channels", vectors * lanes)
            }
            Tile::Columns { channels, vectors } => {
                format!("lanes over output columns, tile {channels} channels x {} columns", vectors * lanes)
            }
            Tile::Rows { channels, rows, vectors } => format!(
                "lanes over output columns, taps unrolled, tile {channels} channels x {rows} rows x {} columns",
                vectors * lanes
            ),
            Tile::InPlace { channels, rows } => format!(
                "lanes over output columns, taps unrolled, tile {channels} channels x {rows} rows x {lanes} columns"
            ),
            Tile::Slide { rows } => format!(
                "lanes over output columns, sums of columns slide along the row, tile {rows} rows x {lanes} columns"
            ),
            Tile::Whole => "lanes over all output pixels, wholly unrolled".to_owned(),
            Tile::Winograd { outputs, pixels, vectors } => format!(
                "{}x{} outputs a tile, lanes over channels, products in tiles of {pixels} tiles x {} channels, \
                 rounding errors up to twice those of direct summation and at worst {:.0} times them, NaN and \
                 infinity reach the outputs of their tile",
                outputs.h,
                outputs.w,
                vectors * lanes,
                self.growth
            ),
        }
    }

    fn reads_in_words(&self) -> String {
        match (self.copy, self.phases) {
            _ if self.pads() => "the image itself, padded in registers".to_owned(),
            _ if self.is_line() => self.line_in_words().to_owned(),
            _ if self.reads_channels_last() => "a copy, channels last".to_owned(),
            (false, _) => "the image itself".to_owned(),
            (true, 1) => "a padded copy".to_owned(),
            (true, phases) => format!("a padded copy with columns sorted modulo {phases}"),
        }
    }

    /// A line, as far as it is known without the image.
    fn line_in_words(&self) -> &'static str {
        let gathers = self.sizes.map_or(self.even.is_none(), |sizes| self.gathers(sizes.out.w, sizes.band));
        match (self.reads_channels_last(), gathers) {
            (true, true) => "gathered pixels as one row, channels last",
            (true, false) => "a copy as one row, channels last",
            (false, true) => "gathered pixels as one row",
            (false, false) => "the image itself as one row",
        }
    }
}

/// A rounded number with its thousands apart.
fn grouped(cycles: f64) -> String {
    let digits = format!("{cycles:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
