//! [`Residues`]: what is special about a layer that computes an input's gradient (`backward/input.rs`).

/// The output channels of a group are `[residue of rows][residue of columns][channel]`. Some residues have one
/// tap less than the kernel: their first is missing, and not computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Residues {
    /// Residues of rows and of columns.
    pub count: [usize; 2],
    /// How many of them, the first, have all taps.
    pub whole: [usize; 2],
}

impl Residues {
    /// Those of all other layers: all taps for all channels.
    pub const ONE: Self = Self { count: [1, 1], whole: [1, 1] };

    /// The first row and the first column of taps that any channel from `first` to `last` has, of a group of
    /// `channels`.
    pub(crate) fn first_tap(&self, first: usize, last: usize, channels: usize) -> [usize; 2] {
        let [rows, columns] = self.count;
        let each = channels / (rows * columns);
        let place = |channel| [channel / each / columns, channel / each % columns];
        let ([row, column], [last_row, _]) = (place(first), place(last));
        let lacks_column = row == last_row && column >= self.whole[1];
        [usize::from(row >= self.whole[0]), usize::from(lacks_column)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_starts_at_the_first_tap_of_any_of_its_channels() {
        // A kernel of 3 with stride 2, for two channels: residue 0 has two taps, residue 1 one.
        let residues = Residues { count: [2, 2], whole: [1, 1] };
        let first = |block: [usize; 2]| residues.first_tap(block[0], block[1], 8);
        assert_eq!([[0, 1], [2, 3], [4, 5], [6, 7]].map(first), [[0, 0], [0, 1], [1, 0], [1, 1]]);
        assert_eq!(
            [[0, 3], [1, 4], [3, 4], [4, 7], [0, 7]].map(first),
            [[0, 0], [0, 0], [0, 0], [1, 0], [0, 0]]
        );
        assert_eq!(Residues::ONE.first_tap(2, 7, 8), [0, 0]);
    }
}
