//! Which numbers are a layer, and which inputs it takes: torch's checks in torch's order.
//!
//! | rule | where |
//! |---|---|
//! | groups, channels, stride, kernel, dilation, weight's size | [`Conv2dConfig::validate`] |
//! | shapes of weight and bias | `check_parameters` |
//! | rank | `batched` |
//! | limits of reflect, replicate and circular | `check_padding` |
//! | channels, kernel against image, empty images | [`Conv2dConfig::output_shape`] |
//! | sizes beyond the machine's | each of them: no arithmetic here wraps |
//!
//! Stricter than torch: what it accepts and then fails on, or answers strangely, at the first
//! image (`stride = 0`, `in_channels = 0`, ...) is refused before there is one.

use crate::{Conv2dConfig, Error, PaddingMode};

/// The bytes of the widest element, `f64`: nothing that passes here overflows later, in any type.
const WIDEST: usize = size_of::<f64>();

impl Conv2dConfig {
    /// Checks that these numbers are a layer.
    ///
    /// # Errors
    /// The first rule that is broken: `groups` is 0 or does not divide the channels; channels,
    /// stride, kernel or dilation are 0; kernel or weight are larger than memory can be.
    pub fn validate(&self) -> Result<(), Error> {
        let &Self { in_channels, out_channels, kernel_size, stride, dilation, groups, .. } = self;
        let weight = self.weight_shape();
        if groups == 0 {
            return Err(Error::GroupsNotPositive);
        }
        if in_channels % groups != 0 {
            return Err(Error::InChannelsNotDivisible { in_channels, groups });
        }
        if out_channels % groups != 0 {
            return Err(Error::OutChannelsNotDivisible { out_channels, groups });
        }
        if in_channels == 0 {
            return Err(Error::InChannelsNotPositive);
        }
        if stride.contains(&0) {
            return Err(Error::StrideNotPositive { stride });
        }
        if out_channels == 0 {
            return Err(Error::OutChannelsNotPositive { groups, weight });
        }
        if kernel_size.contains(&0) {
            return Err(Error::KernelNotPositive { kernel_size });
        }
        if dilation.contains(&0) {
            return Err(Error::DilationNotPositive { dilation });
        }
        check_storage(&weight)?;
        if self.effective_kernel().contains(&usize::MAX) {
            return Err(Error::KernelOverflow { kernel_size, dilation });
        }
        Ok(())
    }

    /// The shape that the layer makes of an input of shape `[n, c, h, w]` or `[c, h, w]`.
    ///
    /// Each side is `(size + padding - effective kernel) / stride + 1`, rounded down.
    ///
    /// ```
    /// use conv_runtime::Conv2dConfig;
    ///
    /// let config = Conv2dConfig::new(1, 4, [2, 3]);
    /// assert_eq!(config.output_shape([3, 1, 5, 4]), Ok([3, 4, 4, 2]));
    /// assert_eq!(config.output_shape([1, 5, 4]), Ok([4, 4, 2]));
    /// assert_eq!(
    ///     config.output_shape([2, 5, 4]).unwrap_err().to_string(),
    ///     "Given groups=1, weight of size [4, 1, 2, 3], expected input[1, 2, 5, 4] to have 1 channels, but got 2 channels instead",
    /// );
    /// ```
    ///
    /// # Errors
    /// The layer is none, or the input's rank, channels, height or width do not suit it, or an
    /// output of eight bytes an element would be larger than memory can be.
    pub fn output_shape<const R: usize>(&self, input: [usize; R]) -> Result<[usize; R], Error> {
        self.validate()?;
        let batched = batched(&input)?;
        let [n, channels, h, w] = batched;
        self.check_padding(&input, batched)?;
        if channels != self.in_channels {
            return Err(Error::Channels {
                groups: self.groups,
                weight: self.weight_shape(),
                input: batched,
                expected: self.in_channels,
            });
        }
        let [out_h, out_w] = self.output_size([h, w])?;
        if n != 0 && (h == 0 || w == 0) {
            return Err(Error::EmptyImage { input: batched });
        }
        // Inputs without elements can have any shape, and only these can overflow here.
        check_countable(&batched)?;
        check_storage(&[n, self.out_channels, out_h, out_w])?;
        let mut output = input;
        output[R - 3..].copy_from_slice(&[self.out_channels, out_h, out_w]);
        Ok(output)
    }

    /// Checks the shapes of weight and bias.
    #[cfg(feature = "alloc")]
    pub(crate) fn check_parameters(&self, weight: [usize; 4], bias: Option<[usize; 1]>) -> Result<(), Error> {
        let expected = self.weight_shape();
        if weight != expected {
            return Err(Error::WeightShape { expected, got: weight });
        }
        match (self.bias, bias) {
            (true, None) => Err(Error::BiasMissing { out_channels: self.out_channels }),
            (false, Some([got])) => Err(Error::BiasUnexpected { got }),
            (true, Some([got])) if got != self.out_channels => Err(Error::BiasShape { weight, got }),
            _ => Ok(()),
        }
    }

    /// The limits of the padding modes; the width comes first, as in torch.
    fn check_padding(&self, input: &[usize], [_, c, h, w]: [usize; 4]) -> Result<(), Error> {
        let [rows, columns] = self.padding;
        let sides = [(columns, w, input.len() - 1, 4), (rows, h, input.len() - 2, 6)];
        let copies_edges = matches!(self.padding_mode, PaddingMode::Reflect | PaddingMode::Replicate);
        if copies_edges && [c, h, w].contains(&0) {
            return Err(Error::NothingToPad { input: input.into() });
        }
        for (padding, size, dimension, argument) in sides {
            let [before, after] = padding;
            let widest = before.max(after);
            let input = || input.into();
            match self.padding_mode {
                PaddingMode::Reflect if widest >= size => {
                    return Err(Error::ReflectTooWide { argument, padding, dimension, input: input() });
                }
                PaddingMode::Circular if widest > size => {
                    return Err(Error::CircularTooWide { padding, dimension, input: input() });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Height and width of the output.
    fn output_size(&self, size: [usize; 2]) -> Result<[usize; 2], Error> {
        let padding = self.padding;
        let padded = |axis: usize| {
            let [before, after]: [usize; 2] = padding[axis];
            size[axis].checked_add(before)?.checked_add(after)
        };
        let (Some(h), Some(w)) = (padded(0), padded(1)) else {
            return Err(Error::PaddedSizeOverflow { size, padding });
        };
        let kernel = self.effective_kernel();
        match (h.checked_sub(kernel[0]), w.checked_sub(kernel[1])) {
            // At most `usize::MAX - 1`, because a kernel covers at least one pixel.
            (Some(h), Some(w)) => Ok([h / self.stride[0] + 1, w / self.stride[1] + 1]),
            _ => Err(Error::KernelTooLarge { padded: [h, w], kernel }),
        }
    }
}

/// The input's shape with a leading 1 if it has no batch.
fn batched(input: &[usize]) -> Result<[usize; 4], Error> {
    match *input {
        [c, h, w] => Ok([1, c, h, w]),
        [n, c, h, w] => Ok([n, c, h, w]),
        _ => Err(Error::Rank { input: input.into() }),
    }
}

/// The product of a shape, where a 0 counts as 1: so that the product of no part of it wraps.
fn volume(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |volume, &size| volume.checked_mul(size.max(1)))
}

/// Refuses shapes whose elements cannot be counted.
fn check_countable(shape: &[usize]) -> Result<(), Error> {
    match volume(shape) {
        Some(_) => Ok(()),
        None => Err(Error::StorageOverflow { sizes: shape.into() }),
    }
}

/// Refuses shapes whose elements cannot be stored.
fn check_storage(shape: &[usize]) -> Result<(), Error> {
    match volume(shape).and_then(|volume| volume.checked_mul(WIDEST)) {
        Some(bytes) if isize::try_from(bytes).is_ok() => Ok(()),
        _ => Err(Error::StorageOverflow { sizes: shape.into() }),
    }
}

#[cfg(test)]
mod tests;
