//! [`Shape`]: the sizes of a tensor's dimensions, for messages; and what tensors and views have in common.

use core::fmt::{self, Debug, Display, Formatter};
use core::ops::Deref;

use crate::{Element, Error};

/// Dimensions that a [`Shape`] has room for: one more than those of a batch of images.
const MOST: usize = 5;

/// The sizes of a tensor's dimensions, in an [`Error`].
///
/// It is a slice of sizes that is no longer than five and needs no allocator. Of a longer one it keeps the
/// first five and says that there are more.
///
/// ```
/// use conv_runtime::{Error, Tensor};
///
/// let Err(Error::DataLength { shape, .. }) = Tensor::<f32, 2>::from_vec([2, 3], vec![]) else { panic!() };
/// assert_eq!(shape[..], [2, 3]);
/// assert_eq!(shape.to_string(), "[2, 3]");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    sizes: [usize; MOST],
    /// The dimensions, `MOST + 1` if there are more.
    rank: u8,
}

impl From<&[usize]> for Shape {
    fn from(from: &[usize]) -> Self {
        let mut shape = Self { sizes: [0; MOST], rank: 0 };
        for (to, from) in shape.sizes.iter_mut().zip(from) {
            *to = *from;
            shape.rank += 1;
        }
        shape.rank += u8::from(from.len() > MOST);
        shape
    }
}

impl<const R: usize> From<[usize; R]> for Shape {
    fn from(sizes: [usize; R]) -> Self {
        sizes.as_slice().into()
    }
}

impl Deref for Shape {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.sizes[..usize::from(self.rank).min(MOST)]
    }
}

impl Debug for Shape {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (at, size) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{size}")?;
        }
        f.write_str(if usize::from(self.rank) > MOST { ", ...]" } else { "]" })
    }
}

impl Display for Shape {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Debug::fmt(self, f)
    }
}

/// What `Debug` shows of any tensor: an image of a million numbers helps nobody.
pub(crate) fn describe<T: Element>(shape: &[usize], data: &[T], f: &mut Formatter<'_>) -> fmt::Result {
    const SHOWN: usize = 6;
    f.write_str("tensor([")?;
    for (at, value) in data.iter().take(SHOWN).enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        write!(f, "{comma}{value:?}")?;
    }
    let more = if data.len() > SHOWN { ", ..." } else { "" };
    write!(f, "{more}], shape={shape:?}, dtype={})", T::NAME)
}

/// How many elements a shape has, or `None` if a `usize` cannot say.
pub(crate) fn element_count(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size))
}

/// Refuses data that do not fill the shape exactly.
pub(crate) fn check_len(shape: &[usize], got: usize) -> Result<(), Error> {
    if element_count(shape) == Some(got) {
        Ok(())
    } else {
        Err(Error::DataLength { shape: shape.into(), got })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn shapes_print_like_slices() {
        for sizes in [&[][..], &[1], &[1, 2, 3], &[1, 2, 3, 4, 5]] {
            let shape = Shape::from(sizes);
            assert_eq!((&*shape, shape.to_string()), (sizes, alloc::format!("{sizes:?}")));
        }
        assert_eq!(Shape::from([1, 2, 3, 4, 5, 6, 7, 8]).to_string(), "[1, 2, 3, 4, 5, ...]");
    }
}
