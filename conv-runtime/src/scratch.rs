//! [`Scratch`]: memory that layers borrow while they run, and [`Aligned`], which it is made of.

use alloc::vec::Vec;
use core::fmt;

use crate::Element;

/// Bytes of a cache line, and of the widest vector: a vector that straddles two lines costs two loads.
const LINE: usize = 64;

/// Working memory for [`Layer::forward_with`](crate::Layer::forward_with), for any number of layers.
///
/// It grows to what the most demanding layer needs and then stays, so that a warm call allocates nothing.
/// One scratch serves one thread at a time; it holds no result, and may be dropped or cleared at will.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) f32: Aligned<f32>,
    pub(crate) f64: Aligned<f64>,
    pub(crate) work_f32: Work<f32>,
    pub(crate) work_f64: Work<f64>,
}

/// What gradients need beside what `forward` does.
#[derive(Debug, Default)]
pub struct Work<E> {
    /// The layer's weights in torch's order.
    pub(crate) weights: Aligned<E>,
    /// The weights and biases of the layer that computes the input's gradient.
    pub(crate) turned: Aligned<E>,
    pub(crate) bias: Aligned<E>,
    /// What that layer computes, until it is folded.
    pub(crate) planes: Aligned<E>,
    /// Copies of the image and of the output's gradient.
    pub(crate) image: Aligned<E>,
    pub(crate) gradient: Aligned<E>,
    /// The weight's gradient in the order in which it is summed.
    pub(crate) sums: Aligned<E>,
}

impl<E> Work<E> {
    const fn new() -> Self {
        Self {
            weights: Aligned::new(),
            turned: Aligned::new(),
            bias: Aligned::new(),
            planes: Aligned::new(),
            image: Aligned::new(),
            gradient: Aligned::new(),
            sums: Aligned::new(),
        }
    }

    fn bytes(&self) -> usize {
        let Self { weights, turned, bias, planes, image, gradient, sums } = self;
        [weights, turned, bias, planes, image, gradient, sums].into_iter().map(Aligned::bytes).sum()
    }
}

impl Scratch {
    /// An empty scratch, which allocates nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { f32: Aligned::new(), f64: Aligned::new(), work_f32: Work::new(), work_f64: Work::new() }
    }

    /// Bytes held at present.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.f32.bytes() + self.f64.bytes() + self.work_f32.bytes() + self.work_f64.bytes()
    }
}

/// A growing buffer whose first element is at the start of a cache line.
pub struct Aligned<E> {
    data: Vec<E>,
    /// What was asked for last.
    len: usize,
}

impl<E> Aligned<E> {
    const fn new() -> Self {
        Self { data: Vec::new(), len: 0 }
    }

    fn bytes(&self) -> usize {
        size_of_val(self.data.as_slice())
    }
}

impl<E: Element> Aligned<E> {
    /// Elements that may have to be skipped.
    const SPARE: usize = LINE / size_of::<E>();

    /// A copy of `values`.
    pub(crate) fn from_slice(values: &[E]) -> Self {
        let len = values.len();
        let mut aligned = Self { data: alloc::vec![E::ZERO; len + Self::SPARE], len };
        let start = aligned.start();
        aligned.data[start..start + len].copy_from_slice(values);
        aligned
    }

    /// The first `len` elements, after growing to hold them; `None` if there is no memory for so many. What they hold is
    /// left over from before.
    pub(crate) fn take(&mut self, len: usize) -> Option<&mut [E]> {
        let all = len.checked_add(Self::SPARE)?;
        if self.data.len() < all {
            *self = Self::new();
            self.data.try_reserve_exact(all).ok()?;
            self.data.resize(all, E::ZERO);
        }
        self.len = len;
        let start = self.start();
        Some(&mut self.data[start..start + len])
    }

    /// The elements that were asked for last.
    pub(crate) fn as_slice(&self) -> &[E] {
        if self.len == 0 {
            return &[];
        }
        let start = self.start();
        &self.data[start..start + self.len]
    }

    /// Elements to skip from where the allocator placed the data.
    fn start(&self) -> usize {
        self.data.as_ptr().align_offset(LINE).min(Self::SPARE)
    }
}

/// Another allocation starts elsewhere, so the elements move, too.
impl<E: Element> Clone for Aligned<E> {
    fn clone(&self) -> Self {
        Self::from_slice(self.as_slice())
    }
}

impl<E> Default for Aligned<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Aligned<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} elements", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_a_cache_line_and_survives_a_move_and_a_clone() {
        for len in [1, 15, 16, 17, 1000] {
            let values: Vec<f32> = (0u16..len).map(f32::from).collect();
            let aligned = Aligned::from_slice(&values);
            for copy in [&aligned, &aligned.clone()] {
                assert_eq!(copy.as_slice().as_ptr().align_offset(LINE), 0, "{len} elements");
                assert_eq!(copy.as_slice(), values, "{len} elements");
            }
        }
    }

    #[test]
    fn grows_once() {
        let mut scratch = Scratch::new();
        assert_eq!(scratch.bytes(), 0);
        scratch.f64.take(100);
        let bytes = scratch.bytes();
        scratch.f64.take(50);
        assert_eq!(scratch.bytes(), bytes);
    }
}
