//! [`Residues`]: what is special about a layer that computes an input's gradient (`backward.rs`).

use super::{Hw, Spec};

/// The output channels of a group are `[residue of rows][residue of columns][channel]`. Some residues have one
/// tap less than the kernel: their first is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Residues {
    /// Residues of rows and of columns.
    pub(crate) count: Hw,
    /// How many of them, the first, have all taps.
    pub(crate) whole: Hw,
}

impl Residues {
    /// Those of all other layers: all taps for all channels.
    const ONE: Self = Self { count: Hw { h: 1, w: 1 }, whole: Hw { h: 1, w: 1 } };
}

impl Spec {
    fn residues(&self) -> Residues {
        self.adjoint.unwrap_or(Residues::ONE)
    }

    /// Output channels of one residue of a group.
    fn residue_channels(&self) -> usize {
        let Hw { h, w } = self.residues().count;
        self.out_per_group() / (h * w)
    }

    /// Whether an output channel of a group has no such tap.
    pub(super) fn lacks(&self, channel: usize, tap: usize) -> bool {
        let Residues { count, whole } = self.residues();
        let residue = channel / self.residue_channels();
        let (first_row, first_column) = (tap < self.kernel.w, tap.is_multiple_of(self.kernel.w));
        (first_row && residue / count.w >= whole.h) || (first_column && residue % count.w >= whole.w)
    }

    /// Whether blocks of so many channels leave out row taps, and column taps, that no channel of theirs has.
    pub(crate) fn skips(&self, block: usize) -> [bool; 2] {
        let (Residues { count, whole }, channels) = (self.residues(), self.residue_channels());
        [
            whole.h < count.h && (channels * count.w).is_multiple_of(block),
            whole.w < count.w && channels.is_multiple_of(block),
        ]
    }

    /// Taps of an output channel, on average, in blocks of so many.
    #[expect(clippy::cast_precision_loss, reason = "an average for estimates")]
    pub(crate) fn taps_in_blocks(&self, block: usize) -> f64 {
        let Residues { count, whole } = self.residues();
        let along = |skips: bool, taps: usize, count: usize, whole: usize| {
            taps as f64 - if skips { (count - whole) as f64 / count as f64 } else { 0.0 }
        };
        let [rows, columns] = self.skips(block);
        along(rows, self.kernel.h, count.h, whole.h) * along(columns, self.kernel.w, count.w, whole.w)
    }
}
