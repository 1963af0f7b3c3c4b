//! A `Spec`'s numbers and lines.

use crate::spec::{Algorithm, Dtype, Hw, Padding, PaddingMode, Pattern, Spec};

/// The article's layer.
fn article() -> Spec {
    Spec {
        in_channels: 1,
        out_channels: 4,
        kernel: Hw { h: 2, w: 3 },
        stride: Hw { h: 1, w: 1 },
        dilation: Hw { h: 1, w: 1 },
        padding: Padding::NONE,
        padding_mode: PaddingMode::Zeros,
        groups: 1,
        bias: true,
        dtype: Dtype::F32,
        input: None,
        algorithm: Algorithm::Auto,
        pattern: Pattern::default(),
        adjoint: None,
    }
}

/// A layer where nothing is a default.
fn strange() -> Spec {
    Spec {
        in_channels: 6,
        out_channels: 12,
        kernel: Hw { h: 3, w: 2 },
        stride: Hw { h: 2, w: 3 },
        dilation: Hw { h: 4, w: 5 },
        padding: Padding { top: 0, bottom: 1, left: 1, right: 0 },
        padding_mode: PaddingMode::Reflect,
        groups: 3,
        bias: false,
        dtype: Dtype::F64,
        input: Some(Hw { h: 28, w: 30 }),
        algorithm: Algorithm::Direct,
        pattern: Pattern::default(),
        adjoint: None,
    }
}

#[test]
fn the_descriptor_names_what_is_no_default() {
    assert_eq!(article().to_string(), "ic1oc4_kh2kw3_sh1sw1_dh1dw1_g1");
    let even = Spec { padding: Padding { top: 1, bottom: 1, left: 1, right: 1 }, ..article() };
    assert_eq!(even.to_string(), "ic1oc4_kh2kw3_sh1sw1_dh1dw1_g1_p1");
    assert_eq!(
        strange().to_string(),
        "ic6oc12_kh3kw2_sh2sw3_dh4dw5_g3_pt0pb1pl1pr0_reflect_nobias_f64_i28x30_direct"
    );
}

#[test]
fn the_line_is_the_one_torch_prints() {
    assert_eq!(article().torch_repr(), "Conv2d(1, 4, kernel_size=(2, 3), stride=(1, 1))");
    assert_eq!(
        strange().torch_repr(),
        "Conv2d(6, 12, kernel_size=(3, 2), stride=(2, 3), padding=((0, 1), (1, 0)), dilation=(4, 5), groups=3, \
         bias=False, padding_mode=reflect, dtype=torch.float64)"
    );
    let padded = Spec { padding: Padding { top: 1, bottom: 1, left: 2, right: 2 }, ..article() };
    assert!(padded.torch_repr().contains(", padding=(1, 2))"));
}

#[test]
fn counts_are_those_of_the_semantics() {
    let spec = strange();
    assert_eq!((spec.in_per_group(), spec.out_per_group()), (2, 4));
    assert_eq!((spec.taps(), spec.terms(), spec.parameters()), (6, 12, 144));
    assert_eq!(spec.effective_kernel(), Hw { h: 9, w: 6 });
    assert_eq!(spec.output(Hw { h: 28, w: 30 }), Some(Hw { h: 11, w: 9 }));
    assert_eq!(spec.macs(Hw { h: 28, w: 30 }), 11 * 9 * 12 * 12);
    assert_eq!(article().parameters(), 4 * 6 + 4);
}

#[test]
fn the_output_is_none_exactly_where_the_kernel_does_not_fit() {
    let spec = article();
    assert_eq!(spec.output(Hw { h: 2, w: 3 }), Some(Hw { h: 1, w: 1 }));
    assert_eq!(spec.output(Hw { h: 1, w: 3 }), None);
    assert_eq!(spec.output(Hw { h: 2, w: 2 }), None);
    assert_eq!(spec.macs(Hw { h: 2, w: 2 }), 0);
    let far = Spec { stride: Hw { h: 100, w: 1 }, ..article() };
    assert_eq!(far.output(Hw { h: 5, w: 5 }), Some(Hw { h: 1, w: 3 }));
}

#[test]
fn sizes_beyond_counting_overflow_nothing() {
    let spec = Spec { padding: Padding { top: 1, ..Padding::NONE }, ..article() };
    assert_eq!(spec.output(Hw { h: usize::MAX, w: 3 }), None);
    assert_eq!(spec.output(Hw { h: usize::MAX - 1, w: 3 }), Some(Hw { h: usize::MAX - 1, w: 1 }));
    let giant = Spec { out_channels: usize::MAX, ..article() };
    assert_eq!(giant.macs(Hw { h: usize::MAX, w: usize::MAX }), u128::MAX);
}
