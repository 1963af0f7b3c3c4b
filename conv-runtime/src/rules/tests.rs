//! Every rule is broken once; sentences are compared with torch's where it has one.

use alloc::string::{String, ToString};

use crate::{Conv2dConfig, Error, PaddingMode};

const HUGE: usize = usize::MAX;

fn refusal<const R: usize>(config: Conv2dConfig, input: [usize; R]) -> String {
    config.output_shape(input).expect_err(&config.to_string()).to_string()
}

#[test]
fn layers_that_are_none() {
    let base = Conv2dConfig::new(4, 6, [3, 3]);
    let rows = [
        (base.groups(0), "groups must be a positive integer"),
        (base.groups(3), "in_channels must be divisible by groups"),
        (base.groups(4), "out_channels must be divisible by groups"),
        (Conv2dConfig::new(0, 6, [3, 3]), "in_channels must be a positive integer"),
        (base.stride([1, 0]), "non-positive stride is not supported"),
        (
            Conv2dConfig::new(1, 0, [3, 3]),
            "Given groups=1, expected weight to be at least 1 at dimension 0, but got weight of size [0, 1, 3, 3] instead",
        ),
        (
            Conv2dConfig::new(4, 6, [0, 0]),
            "kernel size should be greater than zero, but got kernel_height: 0 kernel_width: 0",
        ),
        (base.dilation([0, 0]), "dilation should be greater than zero, but got [0, 0]"),
    ];
    for (config, sentence) in rows {
        assert_eq!(config.validate().unwrap_err().to_string(), sentence);
        assert_eq!(refusal(config, [1, 4, 9, 9]), sentence);
    }
}

#[test]
fn layers_beyond_memory() {
    let weight = Conv2dConfig::new(1 << 20, 1 << 20, [1 << 12, 1 << 12]);
    assert!(matches!(weight.validate(), Err(Error::StorageOverflow { .. })));
    let weight = Conv2dConfig::new(1, 1, [1, isize::MAX.unsigned_abs() / 8 + 1]);
    assert!(matches!(weight.validate(), Err(Error::StorageOverflow { .. })));
    let kernel = Conv2dConfig::new(1, 1, [3, 3]).dilation([1, HUGE / 2]);
    assert!(matches!(kernel.validate(), Err(Error::KernelOverflow { .. })));
    assert_eq!(Conv2dConfig::new(1, 1, [1, 1]).dilation([HUGE, HUGE]).validate(), Ok(()));
}

#[test]
fn ranks() {
    let config = Conv2dConfig::new(1, 1, [1, 1]);
    assert_eq!(
        refusal(config, [5, 5]),
        "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [5, 5]"
    );
    for error in [
        config.output_shape([]).unwrap_err(),
        config.output_shape([1]).unwrap_err(),
        config.output_shape([1; 5]).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Rank { .. }));
    }
}

#[test]
fn channels_are_reported_batched() {
    let sentence = "Given groups=1, weight of size [4, 1, 3, 3], expected input[1, 2, 5, 5] to have 1 channels, but got 2 channels instead";
    let config = Conv2dConfig::new(1, 4, [3, 3]);
    assert_eq!(refusal(config, [1, 2, 5, 5]), sentence);
    assert_eq!(refusal(config, [2, 5, 5]), sentence);
}

#[test]
fn kernel_against_image() {
    let config = Conv2dConfig::new(1, 1, [3, 3]).dilation([2, 2]);
    let sentence = "Calculated padded input size per channel: (4 x 5). Kernel size: (5 x 5). Kernel size can't be greater than actual input size";
    assert_eq!(refusal(config, [1, 1, 4, 5]), sentence);
    assert_eq!(refusal(config, [0, 1, 4, 5]), sentence);
    assert_eq!(refusal(config, [1, 4, 5]), sentence);
    assert_eq!(config.output_shape([1, 1, 5, 5]), Ok([1, 1, 1, 1]));
    let padded = config.padding([[1, 0], [0, 0]]);
    assert_eq!(padded.output_shape([1, 1, 4, 5]), Ok([1, 1, 1, 1]));
}

#[test]
fn empty_batches_and_empty_images() {
    let config = Conv2dConfig::new(1, 4, [3, 3]).padding([[2, 2], [2, 2]]);
    assert_eq!(config.output_shape([0, 1, 5, 5]), Ok([0, 4, 7, 7]));
    assert_eq!(config.output_shape([0, 1, 0, 5]), Ok([0, 4, 2, 7]));
    let sentence = "Only zero batch or zero channel inputs are supported, but got input shape: [1, 1, 0, 5]";
    assert_eq!(refusal(config, [1, 1, 0, 5]), sentence);
    assert_eq!(refusal(config, [1, 0, 5]), sentence);
    for mode in [PaddingMode::Reflect, PaddingMode::Replicate] {
        let config = Conv2dConfig::new(1, 4, [3, 3]).padding_mode(mode);
        assert_eq!(
            refusal(config, [0, 1, 0, 5]),
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: [0, 1, 0, 5]"
        );
        assert!(refusal(config, [0, 5, 5]).ends_with("but got: [0, 5, 5]"));
        assert_eq!(config.output_shape([0, 1, 5, 5]), Ok([0, 4, 3, 3]));
    }
}

#[test]
fn limits_of_the_padding_modes() {
    let base = Conv2dConfig::new(1, 1, [3, 3]);
    let reflect = base.padding_mode(PaddingMode::Reflect);
    let wide = reflect.padding([[3, 3], [3, 3]]);
    let sentence = |argument, dimension, input| {
        alloc::format!(
            "Argument #{argument}: Padding size should be less than the corresponding input dimension, but got: padding (3, 3) at dimension {dimension} of input {input}"
        )
    };
    assert_eq!(refusal(wide, [1, 1, 3, 3]), sentence(4, 3, "[1, 1, 3, 3]"));
    assert_eq!(refusal(wide, [1, 1, 3, 4]), sentence(6, 2, "[1, 1, 3, 4]"));
    assert_eq!(refusal(wide, [1, 3, 4]), sentence(6, 1, "[1, 3, 4]"));
    assert_eq!(wide.output_shape([1, 1, 4, 4]), Ok([1, 1, 8, 8]));
    assert!(reflect.padding([[0, 4], [0, 0]]).output_shape([1, 1, 4, 4]).is_err());
    assert_eq!(Conv2dConfig { kernel_size: [1, 1], ..reflect }.output_shape([1, 1, 1]), Ok([1, 1, 1]));

    let circular = base.padding_mode(PaddingMode::Circular).padding([[0, 3], [3, 0]]);
    assert_eq!(circular.output_shape([1, 1, 3, 3]), Ok([1, 1, 4, 4]));
    let sentence = "Padding value causes wrapping around more than once.";
    assert_eq!(refusal(circular, [1, 1, 2, 3]), sentence);
    assert_eq!(refusal(circular, [9, 1, 3, 2]), sentence); // before the channels, as in torch

    let replicate = base.padding_mode(PaddingMode::Replicate).padding([[9, 9], [0, 99]]);
    assert_eq!(replicate.output_shape([1, 1, 1]), Ok([1, 17, 98]));
}

#[test]
fn sizes_beyond_memory() {
    let config = Conv2dConfig::new(1, 1, [1, 1]);
    for input in [[1, 1, HUGE, HUGE], [0, 1, HUGE, HUGE], [HUGE, 1, 1, 2], [0, 1, HUGE, 1], [HUGE, 1, 1, 1]] {
        assert!(matches!(config.output_shape(input), Err(Error::StorageOverflow { .. })), "{input:?}");
    }
    for mode in [PaddingMode::Zeros, PaddingMode::Reflect, PaddingMode::Replicate, PaddingMode::Circular] {
        let config = config.padding([[0, 1], [0, 0]]).padding_mode(mode);
        let error = config.output_shape([1, 1, HUGE, 2]).unwrap_err();
        assert!(matches!(error, Error::PaddedSizeOverflow { .. }), "{mode}: {error}");
    }
    let wide = config.padding([[HUGE / 2, HUGE / 2], [0, 0]]);
    assert!(matches!(wide.output_shape([1, 1, 1, 1]), Err(Error::StorageOverflow { .. })));
    // Most of the padding is never looked at, and the output is small.
    assert_eq!(wide.stride([HUGE, 1]).output_shape([1, 1, 1, 1]), Ok([1, 1, 1, 1]));
    let many = Conv2dConfig::new(1, 1 << 10, [1, 1]);
    assert!(matches!(many.output_shape([1, 1, 1 << 25, 1 << 25]), Err(Error::StorageOverflow { .. })));
}

#[test]
fn parameters() {
    let with = Conv2dConfig::new(1, 4, [2, 3]);
    let without = with.bias(false);
    let weight = [4, 1, 2, 3];
    assert_eq!(with.check_parameters(weight, Some([4])), Ok(()));
    assert_eq!(without.check_parameters(weight, None), Ok(()));
    let rows = [
        (
            with,
            [4, 1, 3, 2],
            Some([4]),
            "expected weight of size [4, 1, 2, 3], but got weight of size [4, 1, 3, 2] instead",
        ),
        (with, weight, None, "expected bias of size [4], because the layer has bias=true, but got no bias"),
        (
            without,
            weight,
            Some([4]),
            "expected no bias, because the layer has bias=false, but got bias of size [4]",
        ),
        (
            with,
            weight,
            Some([3]),
            "Given weight of size [4, 1, 2, 3], expected bias to be 1-dimensional with 4 elements, but got bias of size [3] instead",
        ),
    ];
    for (config, weight, bias, sentence) in rows {
        assert_eq!(config.check_parameters(weight, bias).unwrap_err().to_string(), sentence);
    }
}

#[test]
fn no_number_is_too_large() {
    let sizes = [0, 1, 2, 3, 5, 8, 1 << 16, HUGE / 2, HUGE / 2 + 1, HUGE - 1, HUGE];
    let modes = [PaddingMode::Zeros, PaddingMode::Reflect, PaddingMode::Replicate, PaddingMode::Circular];
    let mut generator = crate::init::Mt19937::new(1);
    // Mostly small numbers, so that a few of the layers are right.
    let mut size = || match generator.draw() as usize {
        draw if draw % 4 == 0 => sizes[draw / 4 % sizes.len()],
        draw => 1 + draw / 4 % 3,
    };
    let mut right = 0;
    for round in 0..100_000 {
        let config = Conv2dConfig::new(size(), size(), [size(), size()])
            .stride([size(), size()])
            .dilation([size(), size()])
            .padding([[size() / 2, size() / 2], [size() / 2, size() / 2]])
            .groups(size())
            .padding_mode(modes[round % 4]);
        let input = [size(), config.in_channels, size(), size()];
        let Ok(output) = config.output_shape(input) else { continue };
        for axis in 0..2 {
            let wide = |size: usize| size as u128;
            let padded = wide(input[2 + axis]) + config.padding[axis].map(wide).iter().sum::<u128>();
            let kernel = wide(config.dilation[axis]) * wide(config.kernel_size[axis] - 1) + 1;
            let expected = (padded - kernel) / wide(config.stride[axis]) + 1;
            assert_eq!(wide(output[2 + axis]), expected, "{config} of {input:?}");
        }
        assert!(output.iter().all(|&size| size <= isize::MAX.unsigned_abs()));
        right += 1;
    }
    assert!(right > 1000, "{right}");
}
