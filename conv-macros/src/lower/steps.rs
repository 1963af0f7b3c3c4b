//! The loop over input channels, several of them a turn.
//!
//! A step of a tile with few accumulators checks the ends of two windows and moves three counters for a dozen
//! multiply-accumulates. Four steps a turn share that, where it is known how far apart the channels are, so that their
//! pixels are one window; where it is not, little was gained with AVX2, and layers for any image have text enough. A
//! core that has nothing else to do hides the difference, one whose other thread is busy does not: with AVX2, on a Zen 3
//! that others use too, the median of 3x3 stride 2, 128 channels @56, went from 4959 to 4103 us, that of 1x1, 1024 to 256
//! channels @14, from 2011 to 1415 us, and that of Winograd's products of 256 to 256 channels @14 from 1456 to 1034 us.
//!
//! The windows are taken once a turn. Taken from a window of all channels, whose length is known, they need no check, and
//! a turn 84 instructions for 93; but then the compiler keeps other values in registers, and a tile that fills these is
//! spilled: 3x3, 64 channels @56, took 1918 us for 966, the other layers within 3 % of what they did, either way. Eight
//! steps a turn gained 1 % on most layers, and lost 4 % on 1x1, 512 to 128 channels @28.
//!
//! A core that starts two multiply-accumulates of 512 bits a cycle takes 14 cycles for a step of 28, and pixels and
//! weights come from the second-level cache meanwhile: written in assembly for an Intel Granite Rapids, a step took 20.6
//! cycles alone, 17.6 in turns of two, 19 in turns of four (3136 bytes between channels: 24, 22 and 21). Medians of layers,
//! in us, alone and in turns of two: 1x1, 1024 to 256 channels @14, 766 and 701; 3x3, 64 channels @56, 638 and 583; 3x3
//! stride 2, 128 channels @56, 1776 and 1701. Turns of three and four were as good or worse; 1x1, 96 to 24 channels @56,
//! lost 10 %. For images of any size, 512 to 128 channels @28 took 830 and 756.
//! Up to four channels that are all there are make one turn nevertheless, for there is no loop then: of 3 channels, 7x7
//! stride 2 to 65 channels @173x225 took 1031 and 967, to 64 @224 1182 and 1169, 3x3 stride 2 to 32 @224 160 and 156.

use super::{Block, shares};
use crate::nest::{Buffer, Index, Reg, Stmt};

/// The most multiply-accumulates of a turn of several steps, and with AVX-512.
const MOST: usize = 48;
const MOST_512: usize = 60;

/// What one turn of the loop reads.
pub(super) struct Steps<'a> {
    block: &'a Block<'a>,
    /// Input channels of a turn. What is left after all turns is done in a shorter one.
    count: usize,
    /// Elements from one channel of a pixel to the next.
    plane: Index,
    /// Elements that a step reads of a channel.
    len: usize,
}

impl<'a> Steps<'a> {
    /// At least `turns` steps, of so many multiply-accumulates.
    pub(super) fn new(block: &'a Block<'a>, turns: usize, fmas: usize, plane: Index, len: usize) -> Self {
        let all = block.spec.in_per_group() / turns;
        let (is_one_window, is_wide) = (plane.constant().is_some(), block.plan.machine.bits == 512);
        let most = if is_wide { MOST_512 } else { MOST };
        let is_worth_it = is_one_window || is_wide;
        let suits =
            |more: &usize| is_worth_it && (*more == all || *more < all && fmas * turns * more <= most);
        let count = turns * [4, 3, 2].into_iter().find(suits).unwrap_or(1);
        Self { block, count, plane, len }
    }

    /// The loop: `at` gives the places of a channel's pixels and weights, `step` what is done with the channels of a
    /// turn, one after the other.
    pub(super) fn channels(
        &self,
        at: impl Fn(Index) -> (Index, Index),
        step: impl Fn(usize) -> Vec<Stmt>,
    ) -> Vec<Stmt> {
        let turn = |first, count| {
            let (pixels, weights) = at(first);
            let mut body = self.windows(count, &pixels, &weights);
            body.extend((0..count).flat_map(&step));
            body
        };
        shares("c", &Index::Const(self.block.spec.in_per_group()), self.count, &turn)
    }

    /// The windows of so many channels.
    fn windows(&self, count: usize, pixels: &Index, weights: &Index) -> Vec<Stmt> {
        let window = |name, buffer, at, len| Stmt::Window { name, buffer, at, len };
        let mut body = Vec::new();
        match self.plane {
            Index::Const(plane) => {
                let len = (count - 1) * plane + self.len;
                body.push(window(Reg::new("pixels", &[]), Buffer::Image, pixels.clone(), len));
            }
            _ => body.extend((0..count).map(|step| {
                let at = pixels.clone() + self.plane.clone() * step;
                window(Reg::new("pixels", &[step]), Buffer::Image, at, self.len)
            })),
        }
        for (panel, (apart, len)) in self.block.panels().into_iter().enumerate() {
            let len = (count - 1) * self.block.row() + len;
            body.push(window(
                Reg::new("weight_row", &[panel]),
                Buffer::Weights,
                weights.clone() + apart,
                len,
            ));
        }
        body
    }

    /// Where a step finds its pixels: a window, and the first of them in it.
    pub(super) fn pixels(&self, step: usize) -> (Reg, usize) {
        match self.plane {
            Index::Const(plane) => (Reg::new("pixels", &[]), step * plane),
            _ => (Reg::new("pixels", &[step]), 0),
        }
    }

    /// Where a step finds its weights: a window for each panel, the first of them in it, and how many there are.
    pub(super) fn weights(&self, step: usize) -> impl Iterator<Item = (Reg, usize, usize)> {
        let (panels, first) = (self.block.panels(), step * self.block.row());
        let window = move |(panel, (_, len))| (Reg::new("weight_row", &[panel]), first, len);
        panels.into_iter().enumerate().map(window)
    }
}
