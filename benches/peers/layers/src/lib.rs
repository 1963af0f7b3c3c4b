//! The layers that are timed, as conv-runtime generates them, and the numbers that they are run on.

#[macro_use]
#[path = "../../../suite.rs"]
mod suite;
#[macro_use]
mod neighbours;
mod data;
mod definition;
mod ours;

use conv_runtime::prelude::*;
use conv_runtime::{Conv2dConfig, Isa, Layer};

pub use data::Data;
pub use ours::{Call, Maker, Work};

/// A layer of the tables.
#[derive(Debug)]
pub struct Row {
    /// Its name in the table.
    pub name: &'static str,
    /// `suite` or `neighbours`.
    pub table: &'static str,
    /// `[batch, channels, height, width]`.
    pub input: [usize; 4],
    /// The same of its output.
    pub output: [usize; 4],
    /// The layer, in numbers.
    pub config: Conv2dConfig,
    /// What the generator says of its kernels for this image size, a line a width.
    pub plan: &'static str,
    /// The generated layers, by what they are made for and what they do.
    ours: Vec<(&'static str, Work, Maker)>,
}

/// Rows of the suite: gradients as well.
macro_rules! trained {
    ($($name:ident, $batch:literal, ($h:literal, $w:literal), { $($keys:tt)* };)*) => {
        vec![$({
            conv2d! {
                struct Known<$($keys)*, input: ($h, $w)>;
                struct Free<$($keys)*>;
            }
            let mut row = Row::new::<Known, Free>("suite", stringify!($name), [$batch, Known::CONFIG.in_channels, $h, $w]);
            row.ours.push(("known", Work::Backward, ours::backward::<Known>));
            row.ours.push(("known", Work::Step, ours::step::<Known>));
            row
        }),*]
    };
}

/// Rows that only run forward: less to compile.
macro_rules! run {
    ($($name:ident, $batch:literal, ($h:literal, $w:literal), { $($keys:tt)* };)*) => {
        vec![$({
            conv2d! {
                struct Known<$($keys)*, input: ($h, $w)>;
                struct Free<$($keys)*>;
            }
            Row::new::<Known, Free>("neighbours", stringify!($name), [$batch, Known::CONFIG.in_channels, $h, $w])
        }),*]
    };
}

/// Every layer of both tables.
#[must_use]
pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = for_each_suite_layer!(trained);
    let neighbours: Vec<Row> = for_each_neighbour_layer!(run);
    rows.extend(neighbours);
    rows
}

impl Row {
    fn new<K, F>(table: &'static str, name: &'static str, input: [usize; 4]) -> Self
    where
        K: Conv2d<Elem = f32> + 'static,
        F: Conv2d<Elem = f32> + 'static,
    {
        Self {
            name,
            table,
            input,
            output: K::output_shape(input).expect("the tables' images suit their layers"),
            config: K::CONFIG,
            plan: K::PLAN,
            ours: vec![
                ("known", Work::Forward, ours::forward::<K>),
                ("free", Work::Forward, ours::forward::<F>),
            ],
        }
    }

    /// What this row is timed for.
    #[must_use]
    pub fn works(&self) -> Vec<Work> {
        Work::ALL.into_iter().filter(|work| self.ours.iter().any(|(_, ours, _)| ours == work)).collect()
    }

    /// The generated layers that do this, `known` for this image size and `free` for any.
    pub fn ours(&self, work: Work) -> impl Iterator<Item = (&'static str, Maker)> {
        self.ours.iter().filter(move |(_, does, _)| *does == work).map(|&(name, _, make)| (name, make))
    }

    /// Floating-point operations of the definition, those on padding among them. A gradient of input or weights
    /// takes as many as the output.
    #[must_use]
    pub fn flops(&self, work: Work) -> f64 {
        let terms = self.config.weight_shape().into_iter().skip(1).product::<usize>();
        let forward = 2.0 * (self.output.into_iter().product::<usize>() * terms) as f64;
        match work {
            Work::Forward => forward,
            Work::Backward => 2.0 * forward,
            Work::Step => 3.0 * forward,
        }
    }

    /// Bytes that must be read and written: everything once, in each of the two passes.
    #[must_use]
    pub fn bytes(&self, work: Work) -> f64 {
        let [input, output] = [self.input, self.output].map(|shape| shape.into_iter().product::<usize>());
        let parameters = self.config.weight_shape().into_iter().product::<usize>() + self.config.out_channels;
        let forward = input + parameters + output;
        let backward = 2 * (input + parameters) + output;
        let numbers = match work {
            Work::Forward => forward,
            Work::Backward => backward,
            Work::Step => forward + backward,
        };
        4.0 * numbers as f64
    }

    /// The algorithm that this instruction set's kernels take: the plan's first words.
    #[must_use]
    pub fn algorithm(&self) -> String {
        let width = format!("{}-bit: ", Isa::current().unwrap_or_else(|_| Isa::best()).bits());
        let line = self.plan.lines().find_map(|line| line.trim().strip_prefix(&width));
        line.and_then(|line| line.split([',', ';']).next()).unwrap_or("?").to_owned()
    }
}
