//! The sums: some accumulators at a time, tap by tap.

use std::collections::BTreeSet;

use super::columns::Columns;
use super::{Source, Whole, load, set};
use crate::lower::accumulate;
use crate::nest::{Buffer, Index, Reg, Stmt, Vector};
use crate::plan::Machine;
use crate::spec::{Place, Spec};

/// An accumulator: a vector of an output channel's plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Acc {
    pub(super) channel: usize,
    vector: usize,
    /// Where the vector begins.
    start: usize,
}

impl Acc {
    fn reg(self) -> Reg {
        Reg::new("acc", &[self.channel, self.vector])
    }

    /// What a column of taps adds to some of its lanes.
    fn of_column(self, j: usize) -> Reg {
        Reg::new("column", &[self.channel, self.vector, j])
    }
}

impl Whole {
    /// As many accumulators at a time as there are registers.
    pub(super) fn parts(&self, machine: Machine, channels: usize) -> Vec<Vec<Acc>> {
        let most = machine.accumulators_each(1);
        let mut parts: Vec<Vec<Acc>> = Vec::new();
        let mut taken = most;
        for channel in 0..channels {
            for (vector, start) in self.starts().into_iter().enumerate() {
                let more = 1 + self.columns(start).partial().count();
                if taken + more > most {
                    parts.push(Vec::new());
                    taken = 0;
                }
                taken += more;
                parts.last_mut().unwrap_or_else(|| unreachable!("the first begins one")).push(Acc {
                    channel,
                    vector,
                    start,
                });
            }
        }
        parts
    }

    /// What the columns of taps meet in the vector that begins there.
    pub(super) fn columns(&self, start: usize) -> Columns<'_> {
        Columns { whole: self, start }
    }

    /// Some accumulators, from bias to output.
    pub(super) fn accumulate(&self, part: &[Acc]) -> Vec<Stmt> {
        let start = |acc: &Acc| Stmt::Start {
            acc: acc.reg(),
            value: Vector::Splat { window: Reg::new("bias_row", &[]), at: acc.channel },
        };
        let mut body: Vec<_> = part.iter().map(start).collect();
        let mut columns = BTreeSet::new();
        for tap in 0..self.spec.taps() {
            for channel in 0..self.spec.in_per_group() {
                body.extend(self.step(part, tap, channel, &mut columns));
            }
        }
        for &(acc, j) in &columns {
            let Some(lanes) = self.columns(acc.start).kept(j) else { continue };
            let kept = Reg::new("kept", &[acc.channel, acc.vector, j]);
            body.push(Stmt::Set { reg: kept.clone(), value: Vector::Keep { reg: acc.of_column(j), lanes } });
            body.push(Stmt::Add { acc: acc.reg(), a: kept });
        }
        let (buffer, plane) = if self.stores_rows() {
            (Buffer::Output, self.out.h * self.out.w)
        } else {
            (Buffer::Tile, self.tile())
        };
        let store = |acc: &Acc| Stmt::Store {
            reg: acc.reg(),
            buffer,
            at: Index::Const(acc.channel * plane + acc.start),
        };
        body.extend(part.iter().map(store));
        body
    }

    /// A weight. All channels are one block, and groups differ.
    fn place_of(&self, tap: usize, channel: usize, out: usize) -> Place {
        Place { tap, channel: Some(channel), out, block: self.spec.out_per_group(), tail: false }
    }

    /// One tap of one channel. Those accumulators of columns that it is the first for are noted.
    fn step(
        &self,
        part: &[Acc],
        tap: usize,
        channel: usize,
        columns: &mut BTreeSet<(Acc, usize)>,
    ) -> Vec<Stmt> {
        let (spec, j) = (&self.spec, tap % self.spec.kernel.w);
        let starts: BTreeSet<_> = part.iter().map(|acc| acc.start).collect();
        let (mut body, mut products) = (Vec::new(), Vec::new());
        let met: BTreeSet<_> = starts
            .into_iter()
            .filter(|&start| {
                let pixels = self.pixels(tap, channel, start);
                body.extend(pixels.iter().flatten().cloned());
                pixels.is_some()
            })
            .collect();
        for &acc in part.iter().filter(|acc| met.contains(&acc.start)) {
            let at = (tap * spec.in_per_group() + channel) * spec.out_per_group() + acc.channel;
            let weight = (
                Reg::new("w", &[tap, channel, acc.channel]),
                Vector::Splat { window: Reg::new("weight_row", &[]), at },
            );
            let is_partial = self.columns(acc.start).kept(j).is_some();
            let reg = if is_partial { acc.of_column(j) } else { acc.reg() };
            let pair = [(reg.clone(), pixel(tap, channel, acc.start))].into_iter();
            let added = accumulate(spec.factor(self.place_of(tap, channel, acc.channel)), weight, pair);
            if is_partial && !added.is_empty() && columns.insert((acc, j)) {
                products.push(Stmt::Start { acc: reg, value: Vector::Zero });
            }
            products.extend(added);
        }
        if products.is_empty() { products } else { [body, products].concat() }
    }

    /// Loads the pixels that a tap meets in a channel for the vector that begins there; `None` if there are none.
    pub(super) fn pixels(&self, tap: usize, channel: usize, start: usize) -> Option<Vec<Stmt>> {
        let Spec { kernel, dilation, .. } = self.spec;
        let (i, j) = (tap / kernel.w, tap % kernel.w);
        let (row, column) = (i * dilation.h, j * dilation.w);
        let reg = pixel(tap, channel, start);
        match self.source {
            Source::Image => self.columns(start).load(reg, channel, row, j),
            Source::Copy(sort) => {
                let at = self.place(sort, channel, row, column) + start;
                Some(vec![set(reg, load(at))])
            }
        }
    }
}

fn pixel(tap: usize, channel: usize, start: usize) -> Reg {
    Reg::new("x", &[tap, channel, start])
}
