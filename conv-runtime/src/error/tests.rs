//! Sentences, compared with those of torch letter by letter.

use super::*;
use alloc::string::ToString;

#[test]
fn sentences_are_those_of_torch() {
    let channels = Error::Channels { groups: 1, weight: [4, 1, 3, 3], input: [1, 2, 5, 5], expected: 1 };
    let reflect =
        Error::ReflectTooWide { argument: 4, padding: [3, 3], dimension: 3, input: [1, 1, 3, 3].into() };
    let rows = [
        (
            channels,
            "Given groups=1, weight of size [4, 1, 3, 3], expected input[1, 2, 5, 5] to have 1 channels, but got 2 channels instead",
        ),
        (
            reflect,
            "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding (3, 3) at dimension 3 of input [1, 1, 3, 3]",
        ),
        (
            Error::KernelTooLarge { padded: [4, 5], kernel: [5, 5] },
            "Calculated padded input size per channel: (4 x 5). Kernel size: (5 x 5). Kernel size can't be greater than actual input size",
        ),
        (
            Error::KernelNotPositive { kernel_size: [0, 2] },
            "kernel size should be greater than zero, but got kernel_height: 0 kernel_width: 2",
        ),
        (
            Error::DataLength { shape: [1, 2].into(), got: 23 },
            "shape '[1, 2]' is invalid for input of size 23",
        ),
    ];
    for (error, sentence) in rows {
        assert_eq!(error.to_string(), sentence);
    }
}

#[test]
fn errors_are_small() {
    assert!(size_of::<Result<(), Error>>() < 128, "{}", size_of::<Error>());
}
