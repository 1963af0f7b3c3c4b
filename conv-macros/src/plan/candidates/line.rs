//! Tiles along one axis: when height and width are one, how much of such a line is computed together, and when its pixels
//! are gathered.

use super::{Bench, MOST_IN_ONE_BAND};
use crate::plan::{Bands, Tile};
use crate::spec::Spec;

/// Bytes of lines of the second-level cache that the same channels' columns may be in, where one is as good as another.
const PLACES: usize = 256 << 10;

/// Bytes of weights that stay in the second-level cache, beside the pixels of a band.
const WEIGHTS: usize = 256 << 10;

/// From so many vectors of output channels on, and below so many input channels, gathering is worth its time for the
/// sake of whole lines alone. Of more input channels, a band has a few columns each, which are slow to fetch: 512 to 128
/// channels @28 took 1194 us for 1066 when the image happened to begin with a line, and 1201 for 1210 when not.
const OFTEN: usize = 12;
const FEW_INPUTS: usize = 400;

/// The same of vectors of 512 bits, with any input channels. (Intel Granite Rapids, images of whole pages and some bytes,
/// medians in us, where they are and gathered: 1x1, 512 to 128 channels @28, 1140 and 690; 355 to 129 @29, 605 and 515; 64
/// to 256 @56, 965 and 810; 60 to 235 @63x51, 820 and 700; 16 to 96 @112, 582 and 561; 256 to 64 @56, 1230 and 1390; 96
/// to 24 @56, 112 and 126.)
const OFTEN_512: usize = 6;

/// Whether height and width can be one axis.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    No,
    /// The image's own pixels are the line.
    Dense,
    /// The pixels that taps meet, gathered.
    Gathered,
}

impl Line {
    /// What can be chosen from.
    pub(super) fn all(spec: &Spec) -> &'static [Self] {
        match spec.terms() {
            _ if spec.is_dense_tap() => &[Self::Dense],
            // One term is not worth it.
            2.. if spec.is_cut_in_patches() => &[Self::No, Self::Gathered],
            _ => &[Self::No],
        }
    }
}

impl Bench<'_> {
    /// Whether tiles run along one axis.
    pub(super) fn flattens(&self, tile: Tile) -> bool {
        self.line != Line::No && !matches!(tile, Tile::Whole | Tile::Slide { .. })
    }

    /// Input channels, and those that taps are gathered to.
    pub(super) fn depth(&self) -> usize {
        let taps = if self.line == Line::Gathered { self.spec.taps() } else { 1 };
        self.spec.in_per_group().saturating_mul(taps)
    }

    /// Where height and width are one axis: all blocks of channels compute some columns before the next ones, which stay
    /// in the cache meanwhile. The image as a whole may not: with AVX2 on a Zen 3, 256 to 64 channels of 784 pixels took
    /// 349 us and take 319, 355 to 129 channels of 841 took 1279 and take 1039.
    pub(super) fn columns_together(&self, tile: Tile, block: usize) -> Bands {
        let (spec, machine) = (self.spec, self.machine);
        let is_read_again = spec.out_per_group() > block || self.line == Line::Gathered;
        let step = match tile {
            Tile::Channels { pixels, .. } if is_read_again => pixels,
            Tile::Columns { vectors, .. } if is_read_again => vectors * machine.lanes,
            _ => return Bands::ONE,
        };
        // The weights are read once a band, from the third-level cache if they are many.
        let weights = self.depth().saturating_mul(spec.out_per_group()).saturating_mul(machine.bytes);
        // What is gathered wants to be long.
        let gathers = self.even(tile).is_none_or(|most| most == 0);
        let bytes = match weights {
            _ if matches!(tile, Tile::Channels { last: true, .. }) => MOST_IN_ONE_BAND,
            ..=WEIGHTS if gathers => 128 << 10,
            ..=WEIGHTS => 64 << 10,
            _ => 192 << 10,
        };
        Bands { bytes, least: 32, step }
    }

    /// The largest power of two that may divide the bytes from one channel of a line to the next, or the lines of the
    /// cache that a band's columns are in share too few places of its second level: half of the eight lines of a place,
    /// of 64 KiB of places, are there for them. Where many output channels read whole lines, which then all begin where a
    /// line does, it is worth its time anyway. (With AVX2 on a Zen 3, in us, where they are and gathered: 1x1, 512 to 128
    /// channels @32, 3682 and 1578; 64 to 256 @64, 2603 and 1494, @56, 1162 and 1120; 96 to 24 @64, 478 and 238, @60, 182
    /// and 204.)
    pub(super) fn even(&self, tile: Tile) -> Option<usize> {
        let by_lines = matches!(tile, Tile::Columns { .. }) && self.is_read_often();
        let most = if by_lines { 0 } else { PLACES / self.depth() };
        (self.line == Line::Dense).then_some(most)
    }

    /// Whether output channels are so many that their tiles gain more by whole lines of the cache than it takes to gather
    /// these. A vector of 512 bits is a line: wherever an image begins that is aligned to less, as a caller's memory may be,
    /// each load straddles two. (Of tensors, which are aligned, planes of whole lines could be read where they are: 1x1, 16
    /// to 96 channels @112, 259 us gathered and 239, 24 to 144 @56 117 and 112, 64 to 256 @56 529 and 530, 32 to 192 @28 46
    /// and 48. That is too little for what it costs where memory is not aligned.)
    fn is_read_often(&self) -> bool {
        let (outs, lanes) = (self.spec.out_per_group(), self.machine.lanes);
        match self.machine.registers {
            ..=16 => outs >= OFTEN * lanes && self.depth() < FEW_INPUTS,
            _ => self.machine.bits == 512 && outs >= OFTEN_512 * lanes,
        }
    }
}
