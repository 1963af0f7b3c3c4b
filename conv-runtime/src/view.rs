//! [`TensorView`] and [`TensorViewMut`]: a shape beside a borrowed slice.

use core::fmt::{self, Debug, Formatter};

#[cfg(feature = "alloc")]
use crate::Tensor;
use crate::shape::{check_len, describe};
use crate::{Element, Error};

/// A borrowed tensor, contiguous and row-major.
///
/// ```
/// use conv_runtime::{Tensor, TensorView};
///
/// let pixels = [0.0_f32, 1.0, 2.0, 3.0]; // the user's own memory
/// let view = TensorView::new([1, 2, 2], &pixels)?;
/// assert_eq!(view, Tensor::from_fn([1, 2, 2], |[_, y, x]| (2 * y + x) as f32).view());
/// # Ok::<(), conv_runtime::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq)]
pub struct TensorView<'a, T, const R: usize> {
    shape: [usize; R],
    /// As many as `shape` says.
    data: &'a [T],
}

impl<'a, T: Element, const R: usize> TensorView<'a, T, R> {
    /// The elements of `data`, in row-major order, as a tensor.
    ///
    /// # Errors
    /// [`Error::DataLength`] if `data` has not exactly as many elements as `shape`.
    pub fn new(shape: [usize; R], data: &'a [T]) -> Result<Self, Error> {
        check_len(&shape, data.len())?;
        Ok(Self { shape, data })
    }

    /// A shape and data that are known to fit.
    pub(crate) fn trusted(shape: [usize; R], data: &'a [T]) -> Self {
        Self { shape, data }
    }

    /// The size of each dimension.
    #[must_use]
    pub fn shape(&self) -> [usize; R] {
        self.shape
    }

    /// The elements in row-major order.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        self.data
    }

    /// The elements in row-major order, for as long as they are borrowed.
    #[must_use]
    pub fn into_slice(self) -> &'a [T] {
        self.data
    }

    /// A copy that owns its elements.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn to_tensor(&self) -> Tensor<T, R> {
        let mut tensor = Tensor::zeros(self.shape);
        tensor.as_mut_slice().copy_from_slice(self.data);
        tensor
    }
}

/// A tensor borrowed to be written to, contiguous and row-major.
///
/// ```
/// use conv_runtime::TensorViewMut;
///
/// let mut memory = [0.0_f32; 4];
/// let mut view = TensorViewMut::new([1, 2, 2], &mut memory)?;
/// view.reborrow().into_slice().fill(1.0);
/// assert_eq!(view.as_slice(), [1.0; 4]);
/// # Ok::<(), conv_runtime::Error>(())
/// ```
#[derive(PartialEq)]
pub struct TensorViewMut<'a, T, const R: usize> {
    shape: [usize; R],
    /// As many as `shape` says.
    data: &'a mut [T],
}

impl<'a, T: Element, const R: usize> TensorViewMut<'a, T, R> {
    /// The elements of `data`, in row-major order, as a tensor.
    ///
    /// # Errors
    /// [`Error::DataLength`] if `data` has not exactly as many elements as `shape`.
    pub fn new(shape: [usize; R], data: &'a mut [T]) -> Result<Self, Error> {
        check_len(&shape, data.len())?;
        Ok(Self { shape, data })
    }

    /// A shape and data that are known to fit.
    pub(crate) fn trusted(shape: [usize; R], data: &'a mut [T]) -> Self {
        Self { shape, data }
    }

    /// The size of each dimension.
    #[must_use]
    pub fn shape(&self) -> [usize; R] {
        self.shape
    }

    /// The elements in row-major order.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        self.data
    }

    /// The elements in row-major order, to be changed.
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.data
    }

    /// The elements in row-major order, to be changed for as long as they are borrowed.
    #[must_use]
    pub fn into_slice(self) -> &'a mut [T] {
        self.data
    }

    /// The same tensor, to be read.
    #[must_use]
    pub fn as_view(&self) -> TensorView<'_, T, R> {
        TensorView::trusted(self.shape, self.data)
    }

    /// The same tensor for a shorter time, so that it can be given away more than once.
    #[must_use]
    pub fn reborrow(&mut self) -> TensorViewMut<'_, T, R> {
        TensorViewMut::trusted(self.shape, self.data)
    }
}

#[cfg(feature = "alloc")]
impl<'a, T: Element, const R: usize> From<&'a Tensor<T, R>> for TensorView<'a, T, R> {
    fn from(tensor: &'a Tensor<T, R>) -> Self {
        tensor.view()
    }
}

#[cfg(feature = "alloc")]
impl<'a, T: Element, const R: usize> From<&'a mut Tensor<T, R>> for TensorViewMut<'a, T, R> {
    fn from(tensor: &'a mut Tensor<T, R>) -> Self {
        tensor.view_mut()
    }
}

impl<'a, T: Element, const R: usize> From<TensorViewMut<'a, T, R>> for TensorView<'a, T, R> {
    fn from(view: TensorViewMut<'a, T, R>) -> Self {
        Self::trusted(view.shape, view.data)
    }
}

impl<T: Element, const R: usize> Debug for TensorView<'_, T, R> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        describe(&self.shape, self.data, f)
    }
}

impl<T: Element, const R: usize> Debug for TensorViewMut<'_, T, R> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        describe(&self.shape, self.data, f)
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers are exact")]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn data_must_fit_the_shape() {
        let mut data = [0.0_f32; 6];
        assert!(TensorView::new([2, 3], &data).is_ok());
        assert!(TensorViewMut::new([2, 3], &mut data).is_ok());
        for shape in [[2, 2], [usize::MAX, 6], [0, 6]] {
            let expected = Error::DataLength { shape: shape.into(), got: 6 };
            assert_eq!(TensorView::new(shape, &data), Err(expected.clone()));
            assert_eq!(TensorViewMut::new(shape, &mut data), Err(expected));
        }
    }

    #[test]
    fn views_of_a_tensor() {
        let mut tensor = Tensor::<f32, 2>::randn([2, 3], 1);
        let copy = TensorView::from(&tensor).to_tensor();
        assert_eq!(copy, tensor);
        let mut view = TensorViewMut::from(&mut tensor);
        assert_eq!(view.as_view(), copy.view());
        assert_eq!(format!("{view:?}"), format!("{copy:?}"));
        view.reborrow().as_mut_slice()[5] = 7.0;
        assert_eq!((view.shape(), view.as_slice()[5]), ([2, 3], 7.0));
        assert_eq!(TensorView::from(view).into_slice()[5], 7.0);
    }
}
