//! The table of layers: every kind of `Conv2d` there is, each of little code, so that all of them compile
//! in a minute or two. An image size that is known saves the code for all other sizes, and many input
//! channels keep a small image from being unrolled whole; hence the numbers below.
//!
//! `for_each_layer!(visit)` hands every row to the macro `visit`, in the form `name, { keys of conv2d! };`.
//! What is counted through is stamped by `seq!`: output channels around the multiples of every vector's
//! lanes, image widths likewise, in layers that are computed in loops and in layers that are unrolled.
//!
//! `for_each_twin!(visit)` has rows of the form `name, (height, width), { keys };`: layers to be generated
//! twice, for any image and for images of that size alone.

/// Some rows of the table: a linter that has seen these would say the same of all others, two minutes later.
#[cfg(clippy)]
#[macro_export]
macro_rules! for_each_layer {
    ($visit:ident) => {
        $visit! {
            channels_3, { in: 5, out: 3, k: (2, 1), stride: 2 };
            width_9, { in: 150, out: 2, k: (1, 2), padding: (0, 1), input: (2, 9) };
            bands_rows, { in: 2, out: 6, k: 3, padding: 1, groups: 2, input: (95, 150) };
            bands_depthwise_padded, { in: 1, out: 1, k: 5, padding: 2, input: (1011, 150), padding_mode: reflect };
            winograd, { in: 16, out: 16, k: 3, padding: 1, algorithm: winograd, input: (8, 12) };
        }
    };
}

/// Hands the table of layers to the macro `visit`.
#[cfg(not(clippy))]
#[macro_export]
macro_rules! for_each_layer {
    ($visit:ident) => {
        seq_macro::seq!(N in 1..=35 { $visit! {
            // Tails of vectors: output channels, output columns.
            #(channels_~N, { in: 5, out: N, k: (2, 1), stride: 2 };)*
            #(width_~N, { in: 150, out: 2, k: (1, 2), padding: (0, 1), input: (2, N) };)*
            pointwise_channels_3, { in: 100, out: 3, k: 1, input: (3, 5) };
            pointwise_channels_4, { in: 100, out: 4, k: 1, input: (3, 5) };
            pointwise_channels_8, { in: 100, out: 8, k: 1, input: (3, 5) };
            pointwise_channels_9, { in: 100, out: 9, k: 1, input: (3, 5) };
            pointwise_channels_15, { in: 100, out: 15, k: 1, input: (3, 5) };
            pointwise_channels_16, { in: 100, out: 16, k: 1, input: (3, 5) };
            pointwise_channels_17, { in: 100, out: 17, k: 1, input: (3, 5) };
            pointwise_channels_32, { in: 100, out: 32, k: 1, input: (3, 5) };
            pointwise_channels_33, { in: 100, out: 33, k: 1, input: (3, 5) };
            unrolled_width_1, { in: 1, out: 1, k: (1, 3), padding: (0, 1), input: (2, 1), bias: false };
            unrolled_width_2, { in: 1, out: 1, k: (1, 3), padding: (0, 1), input: (2, 2), bias: false };
            unrolled_width_3, { in: 1, out: 1, k: (1, 3), padding: (0, 1), input: (2, 3), bias: false };
            unrolled_width_4, { in: 1, out: 1, k: (1, 3), padding: (0, 1), input: (2, 4), bias: false };
            unrolled_width_5, { in: 1, out: 1, k: (1, 3), padding: (0, 1), input: (2, 5), bias: false };
            unrolled_width_7, { in: 1, out: 1, k: (1, 3), padding: (0, 1), input: (2, 7), bias: false };
            unrolled_width_8, { in: 1, out: 1, k: (1, 3), padding: (0, 1), input: (2, 8), bias: false };
            unrolled_width_9, { in: 1, out: 1, k: (1, 3), padding: (0, 1), input: (2, 9), bias: false };
            unrolled_width_15, { in: 1, out: 1, k: (1, 3), padding: (0, 1), input: (2, 15), bias: false };
            unrolled_width_16, { in: 1, out: 1, k: (1, 3), padding: (0, 1), input: (2, 16), bias: false };
            unrolled_width_17, { in: 1, out: 1, k: (1, 3), padding: (0, 1), input: (2, 17), bias: false };
            unrolled_width_33, { in: 1, out: 1, k: (1, 3), padding: (0, 1), input: (2, 33), bias: false };

            // Images that are computed in bands of rows, the last of which is lower or overlaps.
            bands, { in: 600, out: 2, k: (2, 1), padding: (1, 0), input: (37, 41) };
            bands_strided, { in: 400, out: 3, k: 3, padding: (3, 0), stride: 2, input: (55, 39), padding_mode: reflect };
            bands_rows, { in: 2, out: 6, k: 3, padding: 1, groups: 2, input: (95, 150) };
            bands_depthwise_padded, { in: 1, out: 1, k: 5, padding: 2, input: (1011, 150), padding_mode: reflect };
            bands_depthwise_strided, { in: 1, out: 1, k: 3, padding: 1, stride: 2, input: (521, 303), padding_mode: circular };
            bands_f64, { in: 1, out: 1, k: (3, 1), padding: (2, 1), dilation: (2, 1), input: (977, 140), dtype: f64 };

            // Minimal filtering, with whole tiles and without.
            winograd_free, { in: 9, out: 17, k: 3, padding: 1, algorithm: winograd };
            winograd, { in: 16, out: 16, k: 3, padding: 1, algorithm: winograd, input: (8, 12) };
            winograd_few_channels, { in: 1, out: 1, k: 3, algorithm: winograd, input: (3, 3) };
            winograd_columns, { in: 5, out: 6, k: (1, 3), padding: (0, 1), algorithm: winograd, input: (5, 18) };
            winograd_rows, { in: 5, out: 6, k: (3, 1), padding: (2, 1), algorithm: winograd, input: (19, 6), padding_mode: reflect };
            winograd_dilated, { in: 8, out: 8, k: 3, padding: 2, dilation: 2, algorithm: winograd, input: (9, 11), padding_mode: circular };
            winograd_bands, { in: 64, out: 18, k: 3, padding: ((1, 2), (0, 1)), algorithm: winograd, input: (41, 70), padding_mode: replicate };
            winograd_strided, { in: 16, out: 33, k: 3, padding: 1, stride: 2, algorithm: winograd, input: (18, 23) };
            winograd_strided_free, { in: 9, out: 17, k: 3, stride: 2, padding: 1, algorithm: winograd, padding_mode: reflect };
            winograd_strided_rows, { in: 8, out: 16, k: (3, 5), padding: (1, 2), stride: (2, 1), algorithm: winograd, input: (17, 12) };
            winograd_strided_columns, { in: 6, out: 8, k: (1, 3), stride: 2, algorithm: winograd, input: (7, 19) };
            winograd_strided_large, { in: 20, out: 16, k: 5, padding: 2, stride: 2, groups: 2, algorithm: winograd, padding_mode: circular };
            winograd_strided_bands, { in: 64, out: 18, k: 3, padding: 1, stride: 2, algorithm: winograd, input: (61, 70), padding_mode: replicate };
            winograd_strided_f64, { in: 8, out: 9, k: 3, padding: 1, stride: 2, algorithm: winograd, input: (7, 9), dtype: f64 };
            winograd_f64, { in: 8, out: 9, k: 3, padding: 1, algorithm: winograd, input: (7, 9), dtype: f64 };

            // Every padding mode with strides and dilations.
            zeros, { in: 1, out: 2, k: (2, 1), padding: 1 };
            zeros_stride, { in: 4, out: 3, k: (2, 1), padding: (1, 2), stride: 2 };
            zeros_dilation, { in: 100, out: 2, k: 2, padding: 2, dilation: 2, input: (5, 6) };
            zeros_both, { in: 100, out: 3, k: (2, 3), padding: (3, 2), stride: (3, 2), dilation: (2, 3), input: (9, 11) };
            zeros_stride_rows, { in: 100, out: 2, k: 2, padding: 1, stride: (2, 1), input: (8, 9) };
            zeros_stride_columns, { in: 100, out: 2, k: 2, padding: 1, stride: (1, 3), input: (3, 17) };
            zeros_unrolled, { in: 1, out: 1, k: 2, padding: (2, 1), input: (3, 4) };
            reflect, { in: 2, out: 2, k: (2, 1), padding: (1, 2), padding_mode: reflect };
            reflect_stride, { in: 4, out: 3, k: (2, 1), padding: (1, 2), stride: 2, padding_mode: reflect };
            reflect_dilation, { in: 100, out: 2, k: 2, padding: 2, dilation: 2, padding_mode: reflect, input: (5, 6) };
            reflect_both, { in: 100, out: 3, k: (2, 3), padding: (3, 2), stride: (3, 2), dilation: (2, 3), padding_mode: reflect, input: (9, 11) };
            reflect_stride_rows, { in: 100, out: 2, k: 2, padding: 1, stride: (2, 1), padding_mode: reflect, input: (8, 9) };
            reflect_stride_columns, { in: 100, out: 2, k: 2, padding: 1, stride: (1, 3), padding_mode: reflect, input: (3, 17) };
            reflect_unrolled, { in: 1, out: 1, k: 2, padding: (2, 3), padding_mode: reflect, input: (3, 4) };
            reflect_one_pixel_of_two, { in: 2, out: 1, k: 2, padding: 1, padding_mode: reflect, stride: 2, input: (2, 2) };
            replicate, { in: 2, out: 2, k: (2, 1), padding: (1, 2), padding_mode: replicate };
            replicate_stride, { in: 4, out: 3, k: (2, 1), padding: (1, 2), stride: 2, padding_mode: replicate };
            replicate_dilation, { in: 100, out: 2, k: 2, padding: 2, dilation: 2, padding_mode: replicate, input: (5, 6) };
            replicate_both, { in: 100, out: 3, k: (2, 3), padding: (3, 2), stride: (3, 2), dilation: (2, 3), padding_mode: replicate, input: (9, 11) };
            replicate_stride_rows, { in: 100, out: 2, k: 2, padding: 1, stride: (2, 1), padding_mode: replicate, input: (8, 9) };
            replicate_stride_columns, { in: 100, out: 2, k: 2, padding: 1, stride: (1, 3), padding_mode: replicate, input: (3, 17) };
            replicate_unrolled, { in: 1, out: 1, k: 2, padding: (2, 1), padding_mode: replicate, input: (3, 4) };
            replicate_one_pixel, { in: 2, out: 1, k: 2, padding: (4, 5), padding_mode: replicate, stride: 3, input: (1, 1) };
            circular, { in: 2, out: 2, k: (2, 1), padding: (1, 2), padding_mode: circular };
            circular_stride, { in: 4, out: 3, k: (2, 1), padding: (1, 2), stride: 2, padding_mode: circular };
            circular_dilation, { in: 100, out: 2, k: 2, padding: 2, dilation: 2, padding_mode: circular, input: (5, 6) };
            circular_both, { in: 100, out: 3, k: (2, 3), padding: (3, 2), stride: (3, 2), dilation: (2, 3), padding_mode: circular, input: (9, 11) };
            circular_stride_rows, { in: 100, out: 2, k: 2, padding: 1, stride: (2, 1), padding_mode: circular, input: (8, 9) };
            circular_stride_columns, { in: 100, out: 2, k: 2, padding: 1, stride: (1, 3), padding_mode: circular, input: (3, 17) };
            circular_unrolled, { in: 1, out: 1, k: 2, padding: (2, 1), padding_mode: circular, input: (3, 4) };
            circular_once_around, { in: 1, out: 1, k: 2, padding: (2, 3), padding_mode: circular, stride: 2, input: (2, 3) };

            // Padding that differs from side to side.
            top, { in: 1, out: 1, k: (2, 1), padding: ((1, 0), (0, 0)), input: (3, 4) };
            bottom, { in: 1, out: 1, k: (2, 1), padding: ((0, 1), (0, 0)), input: (3, 4) };
            left, { in: 1, out: 1, k: (1, 3), padding: ((0, 0), (2, 0)), input: (3, 4) };
            right, { in: 1, out: 1, k: (1, 3), padding: ((0, 0), (0, 2)), input: (3, 4) };
            uneven, { in: 3, out: 3, k: 1, stride: 2, padding: ((0, 1), (1, 0)) };
            uneven_zeros, { in: 100, out: 3, k: 2, padding: ((2, 0), (1, 3)), input: (4, 5) };
            uneven_reflect, { in: 100, out: 3, k: 2, padding: ((2, 0), (1, 3)), padding_mode: reflect, input: (4, 5) };
            uneven_replicate, { in: 100, out: 3, k: 2, padding: ((2, 0), (1, 3)), padding_mode: replicate, input: (4, 5) };
            uneven_circular, { in: 100, out: 3, k: 2, padding: ((2, 0), (1, 3)), padding_mode: circular, input: (4, 5) };
            uneven_unrolled, { in: 1, out: 1, k: 2, padding: ((0, 1), (3, 0)), padding_mode: reflect, stride: (1, 2), input: (3, 4) };
            uneven_dilated, { in: 100, out: 1, k: 2, padding: ((3, 1), (0, 4)), dilation: (3, 2), stride: (1, 2), input: (5, 9) };

            // Padding by name.
            same, { in: 100, out: 2, k: 3, padding: same, input: (4, 17) };
            same_even, { in: 100, out: 2, k: (4, 2), padding: same, input: (5, 6) };
            same_even_dilated, { in: 100, out: 2, k: (2, 4), padding: same, dilation: (3, 1), input: (7, 6) };
            same_even_twice_dilated, { in: 100, out: 2, k: 2, padding: same, dilation: 2, input: (5, 6) };
            same_free, { in: 2, out: 2, k: (2, 1), padding: same };
            same_unrolled, { in: 1, out: 1, k: (2, 4), padding: same, input: (3, 4) };
            same_larger_than_the_image, { in: 1, out: 2, k: 5, padding: same, input: (1, 1) };
            same_of_one_tap, { in: 3, out: 2, k: 1, padding: same };
            same_reflect, { in: 100, out: 2, k: (4, 2), padding: same, padding_mode: reflect, input: (4, 5) };
            same_replicate, { in: 100, out: 2, k: (4, 2), padding: same, padding_mode: replicate, input: (4, 5) };
            same_circular, { in: 100, out: 2, k: (4, 2), padding: same, padding_mode: circular, input: (4, 5) };
            valid, { in: 100, out: 2, k: (3, 2), padding: valid, input: (5, 6) };
            valid_strided, { in: 3, out: 2, k: (1, 2), padding: valid, stride: 3 };
            valid_reflect, { in: 1, out: 2, k: 2, padding: valid, padding_mode: reflect, input: (3, 3) };
            valid_circular_dilated, { in: 100, out: 2, k: 2, padding: valid, padding_mode: circular, dilation: (1, 3), input: (3, 7) };

            // Groups.
            groups_of_two, { in: 4, out: 4, k: (1, 2), groups: 2, stride: 2 };
            groups_of_four, { in: 8, out: 8, k: (2, 1), groups: 2, stride: 2 };
            groups_of_eight, { in: 16, out: 16, k: 2, groups: 2, stride: 2 };
            groups_of_many, { in: 300, out: 9, k: 2, groups: 3, input: (4, 18) };
            groups_that_narrow, { in: 600, out: 2, k: (2, 1), groups: 2, input: (3, 7) };
            groups_that_widen, { in: 2, out: 34, k: (2, 1), groups: 2, stride: 2 };
            groups_pointwise, { in: 6, out: 10, k: 1, groups: 2 };
            groups_pointwise_strided, { in: 6, out: 9, k: 1, groups: 3, stride: (1, 2) };
            groups_reflect, { in: 4, out: 2, k: 2, groups: 2, padding: 1, padding_mode: reflect, input: (2, 3) };
            groups_all_at_once, { in: 200, out: 6, k: (3, 2), groups: 2, padding: (2, 1), stride: (2, 1), dilation: (2, 3), padding_mode: circular, bias: false, input: (7, 9) };
            depthwise, { in: 3, out: 3, k: (2, 1), groups: 3, padding: 1 };
            depthwise_17, { in: 17, out: 17, k: 2, groups: 17, input: (3, 4) };
            depthwise_rows, { in: 2, out: 2, k: 3, groups: 2, padding: 1, input: (31, 33) };
            depthwise_strided, { in: 2, out: 2, k: 3, groups: 2, padding: 1, stride: 2, input: (40, 33) };
            depthwise_any_size, { in: 3, out: 3, k: 3, groups: 3, padding: 1 };
            depthwise_strided_any_size, { in: 2, out: 2, k: 3, groups: 2, padding: 1, stride: 2 };
            depthwise_strided_even, { in: 3, out: 3, k: 3, groups: 3, padding: 1, stride: 2, input: (18, 36) };
            depthwise_narrow, { in: 4, out: 4, k: 3, groups: 4, padding: 1, input: (40, 14) };
            depthwise_narrow_multiplier, { in: 2, out: 4, k: 3, groups: 2, padding: 1, input: (40, 13) };
            line_depthwise, { in: 3, out: 3, k: 3, groups: 3, padding: 1, input: (25, 5) };
            line_depthwise_5x5, { in: 2, out: 2, k: 5, groups: 2, padding: 2, input: (7, 7) };
            line_multiplier, { in: 2, out: 6, k: 3, groups: 2, padding: 1, input: (6, 9) };
            line_dilated, { in: 2, out: 2, k: 2, groups: 2, padding: (0, 2), dilation: (3, 4), input: (9, 6) };
            line_uneven, { in: 2, out: 3, k: (2, 4), padding: ((2, 0), (0, 3)), input: (5, 8) };
            line_shorter, { in: 3, out: 2, k: (2, 3), padding: (1, 0), input: (4, 11) };
            line_f64, { in: 2, out: 2, k: 3, groups: 2, padding: 1, dtype: f64, input: (11, 3) };
            depthwise_5x5_strided, { in: 2, out: 2, k: 5, groups: 2, padding: 2, stride: 2, input: (23, 67) };
            depthwise_dilated, { in: 2, out: 2, k: 2, groups: 2, padding: 2, dilation: 2, input: (5, 6) };
            depthwise_5x5, { in: 2, out: 2, k: 5, groups: 2, padding: 2, input: (23, 35) };
            depthwise_pointwise, { in: 5, out: 5, k: 1, groups: 5 };
            depthwise_reflect_any_size, { in: 3, out: 3, k: 3, groups: 3, padding: 1, padding_mode: reflect };
            depthwise_reflect_narrow, { in: 3, out: 3, k: 3, groups: 3, padding: 1, padding_mode: reflect, input: (40, 14) };
            depthwise_replicate_strided, { in: 2, out: 2, k: 3, groups: 2, padding: 1, stride: 2, padding_mode: replicate, input: (18, 67) };
            depthwise_circular_5x5, { in: 2, out: 2, k: 5, groups: 2, padding: 2, padding_mode: circular, input: (23, 35) };
            depthwise_circular_f64, { in: 2, out: 4, k: 3, groups: 2, padding: 1, padding_mode: circular, dtype: f64, input: (9, 17) };
            depthwise_circular, { in: 2, out: 2, k: 2, groups: 2, padding: 1, padding_mode: circular, input: (70, 41) };
            multiplier_two, { in: 3, out: 6, k: (1, 2), groups: 3, stride: 2 };
            multiplier_three, { in: 2, out: 6, k: (2, 3), groups: 2, padding: 1, input: (2, 3) };
            multiplier_sixteen, { in: 2, out: 32, k: 2, groups: 2, stride: 2 };

            // One tap.
            pointwise, { in: 3, out: 8, k: 1 };
            pointwise_no_bias, { in: 17, out: 5, k: 1, bias: false };
            pointwise_strided, { in: 9, out: 7, k: 1, stride: 2 };
            pointwise_strided_unevenly, { in: 100, out: 3, k: 1, stride: (3, 1), input: (7, 18) };
            pointwise_padded, { in: 100, out: 6, k: 1, padding: 1, input: (5, 7) };
            pointwise_padded_strided, { in: 100, out: 3, k: 1, padding: (1, 2), stride: 2, padding_mode: replicate, input: (4, 9) };
            pointwise_dilated, { in: 3, out: 2, k: 1, dilation: 1_000_000_000_000 };
            pointwise_gathered, { in: 300, out: 97, k: 1, input: (9, 30) };
            pointwise_channels_last, { in: 256, out: 256, k: 1, input: (7, 7) };
            pointwise_of_a_power_of_two, { in: 80, out: 7, k: 1, input: (16, 64) };
            patches, { in: 3, out: 9, k: 4, stride: 4 };
            patches_apart, { in: 2, out: 17, k: (2, 3), stride: (3, 4), padding: 0, bias: false };
            patches_in_groups, { in: 4, out: 6, k: 2, stride: 2, groups: 2 };
            patches_channels_last, { in: 128, out: 256, k: 2, stride: 2, input: (14, 14) };
            patches_in_squares, { in: 1, out: 8, k: (2, 17), stride: (2, 17), input: (6, 150) };
            pointwise_unrolled, { in: 3, out: 2, k: 1, input: (3, 3) };
            pointwise_stride_beyond_the_image, { in: 3, out: 2, k: 1, stride: 1_000_000_000_000 };

            // Kernels of other shapes.
            k1x2, { in: 9, out: 3, k: (1, 2), stride: 2 };
            k1x7, { in: 100, out: 2, k: (1, 7), padding: (0, 3), input: (3, 17) };
            k1x5_strided, { in: 4, out: 1, k: (1, 5), stride: (1, 2), input: (4, 70) };
            k2x1, { in: 16, out: 3, k: (2, 1) };
            k7x1, { in: 100, out: 2, k: (7, 1), padding: (3, 0), input: (9, 5) };
            k5x1_strided, { in: 100, out: 1, k: (5, 1), stride: (2, 1), input: (11, 6) };
            k4x4_strided, { in: 3, out: 3, k: 4, stride: 4 };
            k7x7_strided, { in: 3, out: 16, k: 7, stride: 2, padding: 3, input: (13, 15) };
            k11x11_stride_4, { in: 3, out: 17, k: 11, stride: 4, padding: 2, input: (15, 23) };
            far_taps, { in: 100, out: 2, k: 2, dilation: (5, 7), input: (7, 12) };
            kernel_is_the_image, { in: 30, out: 5, k: (4, 5), input: (4, 5) };
            kernel_is_the_padded_image, { in: 30, out: 3, k: (5, 6), padding: 1, input: (3, 4) };
            kernel_is_the_image_unrolled, { in: 1, out: 2, k: (3, 2), input: (3, 2) };
            dilated_kernel_is_the_padded_image, { in: 40, out: 3, k: 3, dilation: 2, padding: (1, 0), input: (3, 5) };
            stride_is_the_kernel, { in: 100, out: 2, k: (2, 3), stride: (2, 3), input: (5, 10) };
            stride_beyond_the_kernel, { in: 3, out: 9, k: 2, stride: (3, 5) };
            last_columns_unused, { in: 100, out: 3, k: 3, stride: 3, input: (8, 10) };
            parts_channels_last, { in: 66, out: 17, k: 3, padding: 12, dilation: 12, input: (28, 28) };
            parts_of_several_rows, { in: 20, out: 17, k: 3, padding: 12, dilation: 12, input: (20, 28) };
            rows_in_parts, { in: 20, out: 17, k: 3, padding: 6, dilation: 6, input: (9, 14) };
            only_padding_in_some_windows, { in: 1, out: 1, k: 2, padding: 3, input: (2, 2) };

            // As small as they get, and somewhat larger.
            one_of_everything, { in: 1, out: 1, k: 1, input: (1, 1) };
            one_of_everything_no_bias, { in: 1, out: 1, k: 1, bias: false };
            one_pixel, { in: 100, out: 2, k: 3, padding: 1, input: (1, 1) };
            one_row, { in: 150, out: 2, k: (1, 2), input: (1, 40) };
            one_column, { in: 150, out: 2, k: (2, 1), input: (40, 1) };
            many_channels, { in: 40, out: 33, k: 3, padding: 1, input: (6, 7) };
            many_channels_strided, { in: 24, out: 48, k: 3, padding: 1, stride: 2, input: (9, 11) };
            many_inputs, { in: 1030, out: 3, k: (1, 2), input: (2, 33) };
            many_outputs, { in: 2, out: 130, k: 1, stride: 2 };
            bands_of_columns, { in: 600, out: 40, k: 1, input: (9, 17) };
            channels_last, { in: 130, out: 17, k: 3, stride: 2, padding: 1, padding_mode: replicate, input: (9, 11) };
            channels_last_as_one_row, { in: 520, out: 20, k: 1, input: (7, 7) };
            wide, { in: 100, out: 2, k: 2, input: (3, 131) };
            tall, { in: 100, out: 2, k: 2, input: (67, 5) };
            direct, { in: 40, out: 8, k: 3, padding: 1, algorithm: direct, input: (8, 8) };

            // Doubles.
            f64_channels, { in: 6, out: 9, k: (1, 2), stride: 2, dtype: f64 };
            f64_columns, { in: 100, out: 2, k: (1, 2), dtype: f64, input: (3, 21) };
            f64_depthwise, { in: 2, out: 2, k: 3, padding: 1, groups: 2, dtype: f64, input: (31, 17) };
            f64_depthwise_strided, { in: 2, out: 2, k: 3, padding: 1, stride: 2, groups: 2, dtype: f64, input: (11, 34) };
            f64_groups, { in: 8, out: 8, k: (2, 1), groups: 2, stride: 2, dtype: f64 };
            f64_pointwise, { in: 9, out: 6, k: 1, dtype: f64 };
            f64_pointwise_strided, { in: 5, out: 4, k: 1, stride: 2, bias: false, dtype: f64 };
            f64_unrolled, { in: 1, out: 1, k: (2, 3), padding: 1, dtype: f64, input: (2, 3) };
            f64_reflect, { in: 100, out: 2, k: 2, padding: 2, padding_mode: reflect, dtype: f64, input: (5, 6) };
            f64_replicate, { in: 100, out: 2, k: 2, padding: 1, stride: 2, padding_mode: replicate, dtype: f64, input: (5, 6) };
            f64_circular, { in: 100, out: 2, k: 2, padding: 2, dilation: 2, padding_mode: circular, dtype: f64, input: (5, 6) };
            f64_same, { in: 100, out: 2, k: (4, 2), padding: same, dtype: f64, input: (6, 9) };
            f64_many_channels, { in: 40, out: 17, k: 3, padding: 1, dtype: f64, input: (6, 7) };
        }});
    };
}

/// Some of the layers to be generated twice.
#[cfg(clippy)]
#[macro_export]
macro_rules! for_each_twin {
    ($visit:ident) => {
        $visit! {
            article, (5, 4), { in: 1, out: 4, k: (2, 3) };
            one_tap_strided, (7, 9), { in: 90, out: 17, k: 1, stride: 2 };
        }
    };
}

/// Hands the table of layers to be generated twice to the macro `visit`.
#[cfg(not(clippy))]
#[macro_export]
macro_rules! for_each_twin {
    ($visit:ident) => {
        $visit! {
            article, (5, 4), { in: 1, out: 4, k: (2, 3) };
            one_tap, (6, 9), { in: 60, out: 5, k: 1 };
            one_tap_in_bands, (9, 17), { in: 410, out: 33, k: 1 };
            one_tap_strided, (7, 9), { in: 90, out: 17, k: 1, stride: 2 };
            padded, (6, 19), { in: 100, out: 3, k: (1, 2), padding: 1 };
            reflected, (4, 5), { in: 2, out: 2, k: (2, 1), padding: 2, padding_mode: reflect };
            replicated, (3, 9), { in: 100, out: 2, k: (2, 1), padding: (3, 1), padding_mode: replicate, stride: 2 };
            rolled, (4, 18), { in: 100, out: 3, k: (1, 2), padding: (0, 3), padding_mode: circular };
            uneven, (7, 8), { in: 100, out: 5, k: (1, 2), stride: 2, padding: ((0, 1), (1, 0)) };
            dilated, (9, 20), { in: 100, out: 2, k: (1, 2), dilation: (3, 2) };
            depthwise, (70, 67), { in: 3, out: 3, k: (1, 2), groups: 3, padding: 1 };
            depthwise_in_bands, (651, 211), { in: 2, out: 2, k: 3, groups: 2, padding: 1 };
            depthwise_strided, (61, 90), { in: 2, out: 2, k: (2, 1), groups: 2, stride: 2 };
            grouped, (5, 17), { in: 80, out: 6, k: (2, 1), groups: 2 };
            wide, (3, 50), { in: 100, out: 20, k: (2, 1), padding: (1, 0) };
            same, (6, 6), { in: 100, out: 2, k: (2, 1), padding: same };
            doubles, (5, 9), { in: 50, out: 4, k: (1, 2), padding: 1, dtype: f64 };
            doubles_strided, (7, 9), { in: 60, out: 9, k: 2, stride: 2, dtype: f64 };
        }
    };
}
