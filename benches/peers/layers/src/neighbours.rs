//! Layers near those of the suite, drawn at random by `python/neighbours.py`: channels that are no multiple of
//! 16, images of odd sizes. In the form of the suite's table.

/// Hands every neighbouring layer to a macro.
#[macro_export]
macro_rules! for_each_neighbour_layer {
    ($visit:ident) => {
        $visit! {
            stem7_3_65_173x225, 1, (173, 225), { in: 3, out: 65, k: 7, stride: 2, padding: 3 };
            stem3_3_25_273x171, 1, (273, 171), { in: 3, out: 25, k: 3, stride: 2, padding: 1 };
            grey5_1_79_137x133, 1, (137, 133), { in: 1, out: 79, k: 5, padding: 2 };
            c3_78_77_59x65, 1, (59, 65), { in: 78, out: 77, k: 3, padding: 1 };
            c3_140_88_29x25, 1, (29, 25), { in: 140, out: 88, k: 3, padding: 1 };
            c3_294_293_17x15, 1, (17, 15), { in: 294, out: 293, k: 3, padding: 1 };
            c3_89_43_107x109, 1, (107, 109), { in: 89, out: 43, k: 3, padding: 1 };
            c3_518_338_9x9, 1, (9, 9), { in: 518, out: 338, k: 3, padding: 1 };
            c3s2_107_124_51x59, 1, (51, 59), { in: 107, out: 124, k: 3, stride: 2, padding: 1 };
            c3s2_68_79_35x31, 1, (35, 31), { in: 68, out: 79, k: 3, stride: 2, padding: 1 };
            c1_60_235_63x51, 1, (63, 51), { in: 60, out: 235, k: 1 };
            c1_355_129_29x29, 1, (29, 29), { in: 355, out: 129, k: 1 };
            c1_21_77_129x119, 1, (129, 119), { in: 21, out: 77, k: 1 };
            c1_315_1298_7x9, 1, (7, 9), { in: 315, out: 1298, k: 1 };
            dw3_68_41x47, 1, (41, 47), { in: 68, out: 68, k: 3, padding: 1, groups: 68 };
            dw3s2_126_83x127, 1, (83, 127), { in: 126, out: 126, k: 3, stride: 2, padding: 1, groups: 126 };
            dw5_234_21x31, 1, (21, 31), { in: 234, out: 234, k: 5, padding: 2, groups: 234 };
            dw7_126_55x47, 1, (55, 47), { in: 126, out: 126, k: 7, padding: 3, groups: 126 };
            g_210_210_61x55, 1, (61, 55), { in: 210, out: 210, k: 3, padding: 1, groups: 30 };
            d2_133_134_35x37, 1, (35, 37), { in: 133, out: 134, k: 3, padding: 2, dilation: 2 };
        }
    };
}
