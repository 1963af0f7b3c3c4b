//! [`Tensor`]: numbers in a box of `R` dimensions, contiguous and row-major.
//!
//! It is as much as a convolution needs and no more: no strides, no broadcasting. Data of other
//! libraries, or of plain slices, is borrowed as a [`TensorView`] and not copied.

use alloc::vec::Vec;
use core::fmt::{self, Debug, Formatter};
use core::ops::{Index, IndexMut};

use crate::memory::Aligned;
use crate::shape::{check_len, describe, element_count};
use crate::{Element, Error, TensorView, TensorViewMut, init};

/// An owned tensor of `R` dimensions: images `[n, c, h, w]` or `[c, h, w]`, weights
/// `[out, in / groups, kh, kw]`, biases `[out]`.
///
/// The elements are contiguous and row-major: the last index is the fastest. They start at a line of the cache, of 64
/// bytes, unless they are those of a vector: kernels read and write them the faster for it.
///
/// ```
/// use conv_runtime::Tensor;
///
/// let image = Tensor::<f32, 3>::from_vec([1, 2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0])?;
/// assert_eq!(image[[0, 1, 2]], 5.0);
/// assert_eq!(image.get([0, 2, 0]), None);
/// assert_eq!(image, Tensor::from_fn([1, 2, 3], |[_, y, x]| (3 * y + x) as f32));
/// # Ok::<(), conv_runtime::Error>(())
/// ```
#[derive(PartialEq)]
pub struct Tensor<T, const R: usize> {
    shape: [usize; R],
    /// As many as `shape` says.
    data: Aligned<T>,
}

impl<T: Element, const R: usize> Tensor<T, R> {
    /// A tensor of the elements in `data`, in row-major order; takes the vector, copies nothing. A clone of it starts at a
    /// line of the cache, as all other tensors do.
    ///
    /// # Errors
    /// [`Error::DataLength`] if `data` has not exactly as many elements as `shape`.
    pub fn from_vec(shape: [usize; R], data: Vec<T>) -> Result<Self, Error> {
        check_len(&shape, data.len())?;
        Ok(Self { shape, data: Aligned::from_vec(data) })
    }

    /// A tensor of zeros.
    ///
    /// # Panics
    /// Like [`Vec`], if the elements need more than `isize::MAX` bytes.
    #[must_use]
    pub fn zeros(shape: [usize; R]) -> Self {
        Self::full(shape, T::ZERO)
    }

    /// A tensor that has the same value everywhere.
    ///
    /// # Panics
    /// Like [`Vec`], if the elements need more than `isize::MAX` bytes.
    #[must_use]
    pub fn full(shape: [usize; R], value: T) -> Self {
        Self { shape, data: Aligned::full(capacity(&shape), value) }
    }

    /// A tensor whose elements are a function of their index, called in row-major order.
    ///
    /// # Panics
    /// Like [`Vec`], if the elements need more than `isize::MAX` bytes.
    #[must_use]
    pub fn from_fn(shape: [usize; R], mut value: impl FnMut([usize; R]) -> T) -> Self {
        let mut tensor = Self::zeros(shape);
        let mut index = [0; R];
        for element in tensor.as_mut_slice() {
            *element = value(index);
            step(&mut index, &shape);
        }
        tensor
    }

    /// A tensor of draws from the standard normal distribution.
    ///
    /// The same shape and seed give the same numbers on every machine, and the `f32` tensor is the
    /// `f64` tensor rounded. They are not those of `torch.randn`, which differ between machines.
    ///
    /// # Panics
    /// Like [`Vec`], if the elements need more than `isize::MAX` bytes.
    #[must_use]
    pub fn randn(shape: [usize; R], seed: u64) -> Self {
        let mut normal = init::Normal::new(seed);
        Self::from_fn(shape, |_| T::from_f64(normal.draw()))
    }

    /// The size of each dimension.
    #[must_use]
    pub fn shape(&self) -> [usize; R] {
        self.shape
    }

    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether a dimension has size 0, so that there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    /// The elements in row-major order.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        self.data.as_slice()
    }

    /// The elements in row-major order, to be changed.
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.data.as_mut_slice()
    }

    /// The elements in row-major order; allocates nothing, but moves them to the start of the vector's memory, unless they
    /// are there as those of [`Tensor::from_vec`] are.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.data.into_vec()
    }

    /// The elements in row-major order.
    pub fn iter(&self) -> core::slice::Iter<'_, T> {
        self.as_slice().iter()
    }

    /// The tensor, borrowed.
    #[must_use]
    pub fn view(&self) -> TensorView<'_, T, R> {
        TensorView::trusted(self.shape, self.as_slice())
    }

    /// The tensor, borrowed to be written to.
    #[must_use]
    pub fn view_mut(&mut self) -> TensorViewMut<'_, T, R> {
        TensorViewMut::trusted(self.shape, self.data.as_mut_slice())
    }

    /// The element at an index, or `None` if a coordinate is not less than the size.
    #[must_use]
    pub fn get(&self, index: [usize; R]) -> Option<&T> {
        self.as_slice().get(offset(index, self.shape)?)
    }
}

impl<T: Element, const R: usize> Clone for Tensor<T, R> {
    fn clone(&self) -> Self {
        Self { shape: self.shape, data: self.data.clone() }
    }
}

/// The element at an index.
///
/// # Panics
/// If a coordinate is not less than the size, as with a slice.
impl<T: Element, const R: usize> Index<[usize; R]> for Tensor<T, R> {
    type Output = T;

    fn index(&self, index: [usize; R]) -> &T {
        match offset(index, self.shape) {
            Some(offset) => &self.as_slice()[offset],
            None => out_of_bounds(&index, &self.shape),
        }
    }
}

/// The element at an index, to be changed.
///
/// # Panics
/// If a coordinate is not less than the size, as with a slice.
impl<T: Element, const R: usize> IndexMut<[usize; R]> for Tensor<T, R> {
    fn index_mut(&mut self, index: [usize; R]) -> &mut T {
        match offset(index, self.shape) {
            Some(offset) => &mut self.as_mut_slice()[offset],
            None => out_of_bounds(&index, &self.shape),
        }
    }
}

impl<'a, T: Element, const R: usize> IntoIterator for &'a Tensor<T, R> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The first elements, the shape and the type: `tensor([0.0, 1.0], shape=[1, 2], dtype=f32)`.
impl<T: Element, const R: usize> Debug for Tensor<T, R> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        describe(&self.shape, self.as_slice(), f)
    }
}

/// How many elements a shape has, for those who are about to allocate.
fn capacity(shape: &[usize]) -> usize {
    element_count(shape).unwrap_or_else(|| panic!("capacity overflow: a tensor of shape {shape:?}"))
}

/// Moves to the next index in row-major order; after the last, to the first.
fn step(index: &mut [usize], shape: &[usize]) {
    for (at, &size) in index.iter_mut().zip(shape).rev() {
        *at += 1;
        if *at < size {
            return;
        }
        *at = 0;
    }
}

/// Where an element is in row-major order, or `None` if it is nowhere.
fn offset<const R: usize>(index: [usize; R], shape: [usize; R]) -> Option<usize> {
    let mut offset = 0;
    for (at, size) in index.into_iter().zip(shape) {
        if at >= size {
            return None;
        }
        // Cannot wrap once no size is 0, and if one is, it may: `None` is the answer either way.
        offset = usize::wrapping_mul(offset, size).wrapping_add(at);
    }
    Some(offset)
}

#[cold]
#[inline(never)]
fn out_of_bounds(index: &[usize], shape: &[usize]) -> ! {
    panic!("index {index:?} is out of bounds for a tensor of shape {shape:?}")
}

#[cfg(test)]
mod tests;
