//! The layers of `tests/data/public.json`, as `conv2d!` wants to read them.
//!
//! `for_each_golden!(visit)` hands every row to the macro `visit`, in the form `names of the cases, { keys of
//! conv2d! };`: cases of one layer share a row, so that it is compiled once. The table restates the file, because
//! layers exist while the program compiles; `tests/golden.rs` compares the two case by case, so that they stay the
//! same.

/// Some rows of the table: a linter that has seen these would say the same of all others, four minutes later.
#[cfg(clippy)]
#[macro_export]
macro_rules! for_each_golden {
    ($visit:ident) => {
        $visit! {
            article, { in: 1, out: 4, k: (2, 3) };
            kernel_3x1, { in: 3, out: 2, k: (3, 1), bias: false };
            groups_0, { in: 4, out: 6, k: 3, groups: 2 };
            mode_reflect_int, { in: 2, out: 3, k: 3, padding: 2, padding_mode: reflect };
        }
    };
}

/// Hands the table of PyTorch's cases to the macro `visit`.
#[cfg(not(clippy))]
#[macro_export]
macro_rules! for_each_golden {
    ($visit:ident) => {
        $visit! {
            article article_int, { in: 1, out: 4, k: (2, 3) };
            docs_square, { in: 16, out: 33, k: 3, stride: 2 };
            docs_rect, { in: 16, out: 33, k: (3, 5), stride: (2, 1), padding: (4, 2) };
            docs_dilated, { in: 16, out: 33, k: (3, 5), stride: (2, 1), padding: (4, 2), dilation: (3, 1) };
            stride_0 stride_1, { in: 2, out: 3, k: 3, stride: 2 };
            stride_2, { in: 2, out: 3, k: 3, stride: 3 };
            stride_3, { in: 2, out: 3, k: 3, stride: (2, 1) };
            stride_4, { in: 2, out: 3, k: 3, stride: (1, 3) };
            stride_5, { in: 2, out: 3, k: 2, stride: 4 };
            stride_6, { in: 2, out: 3, k: (2, 4), stride: (3, 2) };
            stride_7, { in: 2, out: 3, k: 3, stride: 7 };
            stride_8, { in: 2, out: 3, k: 1, stride: 5 };
            kernel_1x3, { in: 3, out: 2, k: (1, 3) };
            kernel_3x1, { in: 3, out: 2, k: (3, 1), bias: false };
            kernel_1x7, { in: 3, out: 2, k: (1, 7) };
            kernel_7x1, { in: 3, out: 2, k: (7, 1), bias: false };
            kernel_2x5, { in: 3, out: 2, k: (2, 5) };
            kernel_5x2, { in: 3, out: 2, k: (5, 2), bias: false };
            kernel_4x3, { in: 3, out: 2, k: (4, 3), bias: false };
            kernel_11x1, { in: 3, out: 2, k: (11, 1), bias: false };
            pad_0 batch_0 width_1 width_2 width_3 width_4 width_5 width_7 width_8 width_9 width_15 width_16
                width_17 width_24 width_31 width_32 width_33 width_35, { in: 2, out: 3, k: 3, padding: 1 };
            pad_1, { in: 2, out: 3, k: 3, padding: (0, 1) };
            pad_2, { in: 2, out: 3, k: 3, padding: (2, 0), bias: false };
            pad_3, { in: 2, out: 3, k: (2, 5), padding: (1, 2) };
            pad_4, { in: 2, out: 3, k: 2, padding: 3 };
            pad_5, { in: 2, out: 3, k: 1, padding: 2, bias: false };
            pad_6, { in: 2, out: 3, k: 3, padding: 4 };
            pad_7, { in: 2, out: 3, k: 3, padding: (5, 1) };
            dilation_0, { in: 2, out: 3, k: 3, dilation: 2 };
            dilation_1, { in: 2, out: 3, k: 3, padding: 1, dilation: 3 };
            dilation_2, { in: 2, out: 3, k: 3, dilation: (1, 2), bias: false };
            dilation_3, { in: 2, out: 3, k: (3, 2), padding: 1, dilation: (2, 1) };
            dilation_4, { in: 2, out: 3, k: 3, stride: (2, 3), padding: 2, dilation: (3, 2) };
            dilation_5, { in: 2, out: 3, k: 1, dilation: 4, bias: false };
            dilation_6, { in: 2, out: 3, k: 3, dilation: 4 };
            dilation_7, { in: 2, out: 3, k: 2, stride: 2, padding: (2, 3), dilation: 5 };
            groups_0, { in: 4, out: 6, k: 3, groups: 2 };
            groups_1, { in: 6, out: 3, k: (3, 2), groups: 3 };
            groups_2, { in: 8, out: 8, k: 3, padding: 1, groups: 4 };
            groups_3, { in: 8, out: 8, k: 3, padding: 1, groups: 8 };
            groups_4, { in: 5, out: 5, k: 5, stride: 2, padding: 2, groups: 5 };
            groups_5, { in: 4, out: 8, k: 3, groups: 4 };
            groups_6, { in: 3, out: 9, k: (2, 3), padding: 1, groups: 3 };
            groups_7, { in: 8, out: 4, k: 3, stride: 2, groups: 4 };
            groups_8, { in: 6, out: 4, k: 3, padding: 2, dilation: 2, groups: 2 };
            groups_9, { in: 33, out: 33, k: 3, padding: 1, groups: 33 };
            groups_10, { in: 16, out: 16, k: (1, 7), padding: (0, 3), groups: 16 };
            groups_11, { in: 4, out: 4, k: 1, groups: 4 };
            groups_12, { in: 12, out: 20, k: 1, groups: 4, bias: false };
            pointwise_0 one_pixel, { in: 1, out: 1, k: 1 };
            pointwise_1, { in: 3, out: 8, k: 1 };
            pointwise_2, { in: 17, out: 5, k: 1 };
            pointwise_3, { in: 64, out: 32, k: 1 };
            pointwise_4, { in: 9, out: 7, k: 1, stride: 2 };
            pointwise_5, { in: 4, out: 6, k: 1, padding: 1 };
            pointwise_6, { in: 16, out: 16, k: 1, bias: false };
            mode_zeros_int, { in: 2, out: 3, k: 3, padding: 2 };
            mode_zeros_tuple, { in: 2, out: 3, k: (2, 3), padding: (1, 2) };
            mode_zeros_same, { in: 2, out: 3, k: (3, 5), padding: same };
            mode_zeros_same_even, { in: 2, out: 3, k: (4, 2), padding: same };
            mode_zeros_valid, { in: 2, out: 3, k: 3, padding: valid };
            mode_reflect_int, { in: 2, out: 3, k: 3, padding: 2, padding_mode: reflect };
            mode_reflect_tuple, { in: 2, out: 3, k: (2, 3), padding: (1, 2), padding_mode: reflect };
            mode_reflect_same, { in: 2, out: 3, k: (3, 5), padding: same, padding_mode: reflect };
            mode_reflect_same_even, { in: 2, out: 3, k: (4, 2), padding: same, padding_mode: reflect };
            mode_reflect_valid, { in: 2, out: 3, k: 3, padding: valid, padding_mode: reflect };
            mode_replicate_int, { in: 2, out: 3, k: 3, padding: 2, padding_mode: replicate };
            mode_replicate_tuple, { in: 2, out: 3, k: (2, 3), padding: (1, 2), padding_mode: replicate };
            mode_replicate_same, { in: 2, out: 3, k: (3, 5), padding: same, padding_mode: replicate };
            mode_replicate_same_even, { in: 2, out: 3, k: (4, 2), padding: same, padding_mode: replicate };
            mode_replicate_valid, { in: 2, out: 3, k: 3, padding: valid, padding_mode: replicate };
            mode_circular_int, { in: 2, out: 3, k: 3, padding: 2, padding_mode: circular };
            mode_circular_tuple, { in: 2, out: 3, k: (2, 3), padding: (1, 2), padding_mode: circular };
            mode_circular_same, { in: 2, out: 3, k: (3, 5), padding: same, padding_mode: circular };
            mode_circular_same_even, { in: 2, out: 3, k: (4, 2), padding: same, padding_mode: circular };
            mode_circular_valid, { in: 2, out: 3, k: 3, padding: valid, padding_mode: circular };
            reflect_limit, { in: 1, out: 2, k: 3, padding: (2, 3), padding_mode: reflect };
            circular_limit, { in: 1, out: 2, k: 3, padding: (3, 4), padding_mode: circular };
            replicate_far, { in: 1, out: 2, k: 3, padding: (5, 4), padding_mode: replicate };
            reflect_h1, { in: 2, out: 2, k: (1, 3), padding: (0, 2), padding_mode: reflect };
            mode_reflect_mixed, { in: 4, out: 6, k: (3, 2), stride: (2, 1), padding: (2, 1), padding_mode: reflect, dilation: (1, 2), groups: 2 };
            mode_replicate_mixed, { in: 4, out: 6, k: (3, 2), stride: (2, 1), padding: (2, 1), padding_mode: replicate, dilation: (1, 2), groups: 2 };
            mode_circular_mixed, { in: 4, out: 6, k: (3, 2), stride: (2, 1), padding: (2, 1), padding_mode: circular, dilation: (1, 2), groups: 2 };
            same_0, { in: 2, out: 2, k: 2, padding: same };
            same_1, { in: 2, out: 2, k: 4, padding: same };
            same_2, { in: 2, out: 2, k: (2, 3), padding: same };
            same_3, { in: 2, out: 2, k: 2, padding: same, dilation: 2 };
            same_4, { in: 2, out: 2, k: 4, padding: same, dilation: 3 };
            same_5, { in: 2, out: 2, k: 6, padding: same };
            same_6, { in: 2, out: 2, k: (1, 2), padding: same, dilation: (1, 5) };
            unbatched, { in: 2, out: 3, k: 3 };
            unbatched_groups, { in: 4, out: 4, k: 3, stride: 2, padding: 1, groups: 2 };
            unbatched_reflect_same, { in: 2, out: 3, k: 2, padding: same, padding_mode: reflect };
            batch_2 batch_3 batch_4 batch_5, { in: 3, out: 4, k: 3, padding: 1 };
            whole_input, { in: 3, out: 5, k: (4, 5) };
            whole_padded, { in: 2, out: 3, k: (5, 6), padding: 1 };
            channels_1_33, { in: 1, out: 33, k: 3, padding: 1 };
            channels_33_1, { in: 33, out: 1, k: 3, padding: 1 };
            channels_2_31, { in: 2, out: 31, k: 3, padding: 1 };
            channels_3_17, { in: 3, out: 17, k: 3, padding: 1 };
            channels_5_16, { in: 5, out: 16, k: 3, padding: 1 };
            channels_7_15, { in: 7, out: 15, k: 3, padding: 1 };
            channels_8_9, { in: 8, out: 9, k: 3, padding: 1 };
            channels_9_8, { in: 9, out: 8, k: 3, padding: 1 };
            channels_15_7, { in: 15, out: 7, k: 3, padding: 1 };
            channels_16_5, { in: 16, out: 5, k: 3, padding: 1 };
            channels_31_3, { in: 31, out: 3, k: 3, padding: 1 };
            channels_32_32, { in: 32, out: 32, k: 3, padding: 1 };
            big_pointwise, { in: 128, out: 128, k: 1 };
            big_3x3, { in: 64, out: 64, k: 3, padding: 1, bias: false };
            big_depthwise, { in: 128, out: 128, k: 3, padding: 1, groups: 128 };
            big_grouped, { in: 128, out: 128, k: 3, stride: 2, padding: 1, groups: 8 };
            big_rect, { in: 96, out: 17, k: (1, 5), padding: (0, 2) };
            stem_7x7, { in: 3, out: 16, k: 7, stride: 2, padding: 3 };
            rows_16x67 cols_67x16, { in: 4, out: 8, k: 3, padding: 1 };
            plane_24x24, { in: 16, out: 24, k: 3, padding: 1 };
            depthwise_31x29, { in: 12, out: 12, k: 5, stride: 2, padding: 2, groups: 12 };
        }
    };
}
