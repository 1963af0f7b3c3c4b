//! Shapes, indexes and their limits.

#![expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "these numbers are exact")]

use super::*;
use alloc::{format, vec};

#[test]
fn index_is_row_major() {
    let mut tensor = Tensor::<f64, 3>::from_fn([2, 3, 4], |[a, b, c]| (100 * a + 10 * b + c) as f64);
    assert_eq!(tensor.as_slice()[4], 10.0);
    assert_eq!(tensor[[1, 2, 3]], 123.0);
    assert_eq!((tensor.get([1, 2, 3]), tensor.get([1, 3, 0])), (Some(&123.0), None));
    tensor[[1, 0, 0]] = -1.0;
    assert_eq!(tensor.iter().position(|&value| value == -1.0), Some(12));
    assert_eq!((&tensor).into_iter().count(), tensor.len());
    assert_eq!(tensor.clone().into_vec(), tensor.as_slice());
}

#[test]
fn tensors_start_at_a_cache_line() {
    let tensor = Tensor::<f32, 3>::randn([3, 5, 7], 0);
    let adopted = Tensor::from_vec([3, 5, 7], tensor.clone().into_vec()).expect("as many elements");
    let all = [Tensor::zeros([3, 5, 7]), Tensor::full([3, 5, 7], 1.0), adopted.clone(), tensor];
    assert!(all.iter().all(|tensor| tensor.as_slice().as_ptr().align_offset(64) == 0));
    assert_eq!(adopted, all[3]);
}

#[test]
fn data_must_fit_the_shape() {
    let rows = [[2, 3], [usize::MAX, 2], [usize::MAX / 2 + 1, 2], [7, 0]];
    for shape in rows {
        let error = Tensor::<f32, 2>::from_vec(shape, vec![0.0; 5]).unwrap_err();
        assert_eq!(error, Error::DataLength { shape: shape.into(), got: 5 });
    }
    assert!(Tensor::<f32, 2>::from_vec([usize::MAX / 2 + 1, 2], vec![]).is_err());
    assert!(Tensor::<f32, 0>::from_vec([], vec![1.0]).is_ok());
}

#[test]
fn empty_tensors_may_have_any_shape() {
    let tensor = Tensor::<f32, 3>::zeros([usize::MAX, 0, usize::MAX]);
    assert!(tensor.is_empty());
    assert_eq!(tensor.get([usize::MAX - 1, 0, 5]), None);
}

#[test]
#[should_panic(expected = "capacity overflow")]
fn too_large_for_a_count() {
    let _ = Tensor::<f32, 2>::zeros([usize::MAX, 2]);
}

#[test]
#[should_panic(expected = "capacity overflow")]
fn too_large_for_memory() {
    let _ = Tensor::<f64, 1>::from_fn([usize::MAX / 8], |_| 0.0);
}

#[test]
#[should_panic(expected = "index [0, 2] is out of bounds for a tensor of shape [2, 2]")]
fn index_out_of_bounds() {
    let _ = Tensor::<f32, 2>::zeros([2, 2])[[0, 2]];
}

#[test]
fn debug_is_short() {
    let two = Tensor::<f32, 1>::full([2], 0.5);
    assert_eq!(format!("{two:?}"), "tensor([0.5, 0.5], shape=[2], dtype=f32)");
    let many = Tensor::<f64, 2>::zeros([9, 9]);
    let text = "tensor([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, ...], shape=[9, 9], dtype=f64)";
    assert_eq!(format!("{many:?}"), text);
}
