//! [`Aligned`]: elements from the start of a cache line on.
//!
//! A vector that straddles two lines of the cache costs two loads, or two stores. Allocators place elements 16 bytes
//! after the start of a line as like as not, where each vector of 64 bytes straddles two. (On a Granite Rapids with
//! AVX-512, in us, so and aligned: Sobel's filter of 1080x1920 pixels 757 and 629, depthwise 3x3, 32 channels @112, 128
//! and 104, 1x1, 16 to 96 channels @112, 322 and 269.)

use alloc::vec::Vec;

use crate::Element;

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// Elements that start at a cache line, if it is this type that allocates them.
pub(crate) struct Aligned<E> {
    /// Elements to be skipped, `len` elements, and perhaps more.
    data: Vec<E>,
    /// What is skipped from where the allocator placed the data: that does not move.
    start: usize,
    len: usize,
}

impl<E> Aligned<E> {
    pub(crate) const fn new() -> Self {
        Self { data: Vec::new(), start: 0, len: 0 }
    }

    /// The elements of a vector, where they are.
    pub(crate) fn from_vec(data: Vec<E>) -> Self {
        Self { start: 0, len: data.len(), data }
    }

    pub(crate) fn as_slice(&self) -> &[E] {
        &self.data[self.start..self.start + self.len]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [E] {
        &mut self.data[self.start..self.start + self.len]
    }

    /// The elements, moved to where the allocator placed them.
    pub(crate) fn into_vec(mut self) -> Vec<E> {
        self.data.truncate(self.start + self.len);
        self.data.drain(..self.start);
        self.data
    }
}

impl<E: Element> Aligned<E> {
    /// Elements that may have to be skipped.
    const SPARE: usize = LINE / size_of::<E>();

    /// So many elements of one value.
    ///
    /// # Panics
    /// Like [`Vec`], if they need more than `isize::MAX` bytes.
    pub(crate) fn full(len: usize, value: E) -> Self {
        Self::within(alloc::vec![value; len.saturating_add(Self::SPARE)], len)
    }

    /// A copy of `values`.
    pub(crate) fn from_slice(values: &[E]) -> Self {
        let mut aligned = Self::full(values.len(), E::ZERO);
        aligned.as_mut_slice().copy_from_slice(values);
        aligned
    }

    /// So many zeros; `None` if there is no memory for them.
    pub(super) fn try_zeroed(len: usize) -> Option<Self> {
        let all = len.checked_add(Self::SPARE)?;
        let mut data = Vec::new();
        data.try_reserve_exact(all).ok()?;
        data.resize(all, E::ZERO);
        Some(Self::within(data, len))
    }

    /// `len` elements somewhere in `data`, which has some to spare.
    fn within(data: Vec<E>, len: usize) -> Self {
        let start = data.as_ptr().align_offset(LINE).min(Self::SPARE);
        Self { data, start, len }
    }
}

/// Another allocation starts elsewhere, so the elements move, too.
impl<E: Element> Clone for Aligned<E> {
    fn clone(&self) -> Self {
        Self::from_slice(self.as_slice())
    }
}

impl<E: PartialEq> PartialEq for Aligned<E> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_a_cache_line_and_survives_a_clone() {
        for len in [1, 15, 16, 17, 1000] {
            let values: Vec<f32> = (0u16..len).map(f32::from).collect();
            let aligned = Aligned::from_slice(&values);
            for copy in [&aligned, &aligned.clone()] {
                assert_eq!(copy.as_slice().as_ptr().align_offset(LINE), 0, "{len} elements");
                assert_eq!(copy.as_slice(), values, "{len} elements");
            }
            assert_eq!(aligned.into_vec(), values, "{len} elements");
        }
    }

    #[test]
    fn a_vector_stays_where_it_is_and_its_clone_is_aligned() {
        let values = alloc::vec![1.0f64, 2.0, 3.0];
        let place = values.as_ptr();
        let adopted = Aligned::from_vec(values);
        assert_eq!(adopted.as_slice().as_ptr(), place);
        let clone = adopted.clone();
        assert_eq!(clone.as_slice().as_ptr().align_offset(LINE), 0);
        assert!(clone == adopted, "the same elements");
        let values = adopted.into_vec();
        assert_eq!(values.as_ptr(), place);
    }
}
