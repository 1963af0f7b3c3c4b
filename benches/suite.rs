//! The benchmark suite: layers of well-known networks, and some of no network at all.
//!
//! `for_each_suite_layer!(visit)` hands every row to the macro `visit`, in the form
//! `name, batch, (height, width), { keys of conv2d! };`

/// Hands every layer of the suite to a macro.
#[macro_export]
macro_rules! for_each_suite_layer {
    ($visit:ident) => {
        $visit! {
            seed, 3, (5, 4), { in: 1, out: 4, k: (2, 3) };
            lenet1, 1, (28, 28), { in: 1, out: 6, k: 5, padding: 2 };
            lenet2, 1, (14, 14), { in: 6, out: 16, k: 5 };
            kws_stem, 1, (49, 10), { in: 1, out: 64, k: (10, 4), stride: 2, padding: (5, 1) };
            kws_dw, 1, (25, 5), { in: 64, out: 64, k: 3, padding: 1, groups: 64 };
            kws_pw, 1, (25, 5), { in: 64, out: 64, k: 1 };
            img3x3_1080p, 1, (1080, 1920), { in: 1, out: 1, k: 3, padding: 1 };
            img5x5rgb_1080p, 1, (1080, 1920), { in: 3, out: 3, k: 5, padding: 2, groups: 3 };
            espcn1, 1, (128, 128), { in: 1, out: 64, k: 5, padding: 2 };
            espcn2, 1, (128, 128), { in: 64, out: 32, k: 3, padding: 1 };
            rn_stem, 1, (224, 224), { in: 3, out: 64, k: 7, stride: 2, padding: 3 };
            rn_3x3_64_56, 1, (56, 56), { in: 64, out: 64, k: 3, padding: 1 };
            rn_3x3_128_28, 1, (28, 28), { in: 128, out: 128, k: 3, padding: 1 };
            rn_3x3_256_14, 1, (14, 14), { in: 256, out: 256, k: 3, padding: 1 };
            rn_3x3_512_7, 1, (7, 7), { in: 512, out: 512, k: 3, padding: 1 };
            rn_3x3s2_128_56, 1, (56, 56), { in: 128, out: 128, k: 3, stride: 2, padding: 1 };
            rn_1x1_64_256_56, 1, (56, 56), { in: 64, out: 256, k: 1 };
            rn_1x1_512_128_28, 1, (28, 28), { in: 512, out: 128, k: 1 };
            rn_1x1_1024_256_14, 1, (14, 14), { in: 1024, out: 256, k: 1 };
            rn_1x1_512_2048_7, 1, (7, 7), { in: 512, out: 2048, k: 1 };
            mb_stem, 1, (224, 224), { in: 3, out: 32, k: 3, stride: 2, padding: 1 };
            mb_dw_32_112, 1, (112, 112), { in: 32, out: 32, k: 3, padding: 1, groups: 32 };
            mb_dws2_96_112, 1, (112, 112), { in: 96, out: 96, k: 3, stride: 2, padding: 1, groups: 96 };
            mb_dw_576_14, 1, (14, 14), { in: 576, out: 576, k: 3, padding: 1, groups: 576 };
            mb_pw_16_96_112, 1, (112, 112), { in: 16, out: 96, k: 1 };
            mb_pw_96_24_56, 1, (56, 56), { in: 96, out: 24, k: 1 };
            mb_pw_320_1280_7, 1, (7, 7), { in: 320, out: 1280, k: 1 };
            eff_dw5_240_28, 1, (28, 28), { in: 240, out: 240, k: 5, padding: 2, groups: 240 };
            resnext_g32_56, 1, (56, 56), { in: 128, out: 128, k: 3, padding: 1, groups: 32 };
            aspp_d12_256_28, 1, (28, 28), { in: 256, out: 256, k: 3, padding: 12, dilation: 12 };
            d2_128_28, 1, (28, 28), { in: 128, out: 128, k: 3, padding: 2, dilation: 2 };
            alex_11x11, 1, (224, 224), { in: 3, out: 64, k: 11, stride: 4, padding: 2 };
            convnext_dw7_96_56, 1, (56, 56), { in: 96, out: 96, k: 7, padding: 3, groups: 96 };
        }
    };
}
