//! [`Scratch`]: memory that layers borrow while they run.

use crate::Element;
use crate::memory::Resident;

/// Working memory for [`Layer::forward_with`](crate::Layer::forward_with), for any number of layers.
///
/// It grows to what the most demanding layer needs and then stays, so that a warm call allocates nothing.
/// One scratch serves one thread at a time; it holds no result, and may be dropped or cleared at will.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) f32: Resident<f32>,
    pub(crate) f64: Resident<f64>,
    pub(crate) work_f32: Work<f32>,
    pub(crate) work_f64: Work<f64>,
}

/// What gradients need beside what `forward` does.
#[derive(Debug, Default)]
pub struct Work<E> {
    /// The layer's weights in torch's order.
    pub(crate) weights: Resident<E>,
    /// The weights and biases of the layer that computes the input's gradient.
    pub(crate) turned: Resident<E>,
    pub(crate) bias: Resident<E>,
    /// What that layer computes, until it is folded.
    pub(crate) planes: Resident<E>,
    /// Copies of the image and of the output's gradient.
    pub(crate) image: Resident<E>,
    pub(crate) gradient: Resident<E>,
    /// The weight's gradient in the order in which it is summed.
    pub(crate) sums: Resident<E>,
}

impl<E: Element> Work<E> {
    const fn new() -> Self {
        Self {
            weights: Resident::new(),
            turned: Resident::new(),
            bias: Resident::new(),
            planes: Resident::new(),
            image: Resident::new(),
            gradient: Resident::new(),
            sums: Resident::new(),
        }
    }

    fn bytes(&self) -> usize {
        let Self { weights, turned, bias, planes, image, gradient, sums } = self;
        [weights, turned, bias, planes, image, gradient, sums].into_iter().map(Resident::bytes).sum()
    }
}

impl Scratch {
    /// An empty scratch, which allocates nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { f32: Resident::new(), f64: Resident::new(), work_f32: Work::new(), work_f64: Work::new() }
    }

    /// Bytes held at present.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.f32.bytes() + self.f64.bytes() + self.work_f32.bytes() + self.work_f64.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
