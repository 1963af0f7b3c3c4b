//! [`Resident`]: memory that lasts longer than a call, in huge pages if it is large.

use core::fmt;

use super::Aligned;
use super::pages::Pages;
use crate::Element;

/// Memory of so many bytes is worth huge pages: processors keep the addresses of one to two thousand small ones.
const LARGE: usize = 4 << 20;

/// A growing buffer whose first element is at the start of a cache line.
pub struct Resident<E> {
    memory: Memory<E>,
    /// What was asked for last.
    len: usize,
}

enum Memory<E> {
    Heap(Aligned<E>),
    Huge(Pages),
}

impl<E> Resident<E> {
    pub(crate) const fn new() -> Self {
        Self { memory: Memory::Heap(Aligned::new()), len: 0 }
    }
}

impl<E: Element> Resident<E> {
    /// So many zeros.
    ///
    /// # Panics
    /// Like [`Vec`](alloc::vec::Vec), if they need more than `isize::MAX` bytes.
    pub(crate) fn zeroed(len: usize) -> Self {
        let memory = Memory::huge(len).unwrap_or_else(|| Memory::Heap(Aligned::full(len, E::ZERO)));
        Self { memory, len }
    }

    /// A copy of `values`.
    pub(crate) fn from_slice(values: &[E]) -> Self {
        let mut resident = Self::zeroed(values.len());
        resident.as_mut_slice().copy_from_slice(values);
        resident
    }

    /// Bytes held at present.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.memory.as_slice())
    }

    /// The first `len` elements, after growing to hold them; `None` if there is no memory for so many. What they hold is
    /// left over from before.
    pub(crate) fn take(&mut self, len: usize) -> Option<&mut [E]> {
        if self.memory.as_slice().len() < len {
            *self = Self::new();
            self.memory = match Memory::huge(len) {
                Some(huge) => huge,
                None => Memory::Heap(Aligned::try_zeroed(len)?),
            };
        }
        self.len = len;
        Some(self.as_mut_slice())
    }

    /// The elements that were asked for last.
    pub(crate) fn as_slice(&self) -> &[E] {
        &self.memory.as_slice()[..self.len]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [E] {
        &mut self.memory.as_mut_slice()[..self.len]
    }
}

impl<E: Element> Memory<E> {
    /// Zeros in huge pages, if they are many and there is such memory.
    fn huge(len: usize) -> Option<Self> {
        let bytes = len.checked_mul(size_of::<E>())?;
        if bytes < LARGE { None } else { Pages::zeroed(bytes).map(Self::Huge) }
    }

    fn as_slice(&self) -> &[E] {
        match self {
            Self::Heap(aligned) => aligned.as_slice(),
            Self::Huge(pages) => pages.as_slice(),
        }
    }

    fn as_mut_slice(&mut self) -> &mut [E] {
        match self {
            Self::Heap(aligned) => aligned.as_mut_slice(),
            Self::Huge(pages) => pages.as_mut_slice(),
        }
    }
}

impl<E: Element> Clone for Resident<E> {
    fn clone(&self) -> Self {
        Self::from_slice(self.as_slice())
    }
}

impl<E> Default for Resident<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Resident<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} elements", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Too few elements for a page, for huge pages, and enough for them, which they do not fill.
    const LENGTHS: [usize; 3] = [17, 100_000, LARGE / 4 + 17];

    #[test]
    fn starts_at_a_cache_line_and_survives_a_clone() {
        for len in LENGTHS {
            let values: Vec<f32> = (0u8..=255).cycle().take(len).map(f32::from).collect();
            let resident = Resident::from_slice(&values);
            for copy in [&resident, &resident.clone()] {
                assert_eq!(copy.as_slice().as_ptr().align_offset(64), 0, "{len} elements");
                assert_eq!(copy.as_slice(), values, "{len} elements");
            }
        }
    }

    #[test]
    fn grows_when_it_must() {
        let mut resident = Resident::<f32>::new();
        assert_eq!((resident.bytes(), resident.as_slice().len()), (0, 0));
        for len in LENGTHS {
            resident.take(len).expect("there is memory").fill(1.0);
            let (bytes, place) = (resident.bytes(), resident.as_slice().as_ptr());
            assert!(bytes >= 4 * len, "{len} elements");
            assert_eq!(resident.take(len - 1).expect("there is memory"), alloc::vec![1.0; len - 1]);
            assert_eq!((resident.bytes(), resident.as_slice().as_ptr()), (bytes, place), "{len} elements");
        }
        assert!(resident.take(usize::MAX / 4).is_none());
        assert_eq!(resident.bytes(), 0);
    }
}
