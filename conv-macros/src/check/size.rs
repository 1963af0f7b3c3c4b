//! Rules that follow from the image's size, and about numbers that no computer can hold.

use super::at_least;
use super::channels::Channels;
use super::window::Window;
use crate::error::{Errors, Spot};
use crate::parse::Key;
use crate::parse::args::{Args, Pair, Spanned};
use crate::spec::{Dtype, Hw, Padding, PaddingMode, Spec};

/// A sentence of torch's, and why it holds.
const OVERFLOW: &str = "storage size calculation overflowed";

/// Bytes of a tensor, if memory can hold it.
fn bytes(sizes: &[usize], dtype: Dtype) -> Option<usize> {
    let bytes = sizes.iter().try_fold(dtype.bytes(), |bytes, &size| bytes.checked_mul(size));
    bytes.filter(|&bytes| isize::try_from(bytes).is_ok())
}

/// The weights fit into memory. The largest of their sizes is to blame.
pub(super) fn check_weights(
    channels: &Channels,
    window: &Window,
    dtype: Option<Dtype>,
    errors: &mut Errors,
) -> bool {
    let (Some(inputs), Some(outputs)) = (&channels.inputs, &channels.outputs) else {
        return true;
    };
    let (Some(groups), Some(kernel)) = (&channels.groups, &window.kernel) else { return true };
    let per_group = inputs.with(inputs.value / groups.value);
    let factors = [outputs, &per_group, &kernel.value.h, &kernel.value.w];
    let sizes = factors.map(|factor| factor.value);
    if bytes(&sizes, dtype.unwrap_or(Dtype::F32)).is_some() {
        return true;
    }
    if let Some(largest) = factors.into_iter().max_by_key(|factor| factor.value) {
        let rule = "the weights must fit into isize::MAX bytes";
        errors.push(largest.spot, format!("{OVERFLOW} with sizes={sizes:?}: {rule}; write smaller numbers"));
    }
    false
}

/// An image has at least one row and one column.
pub(super) fn check_input(args: &Args, errors: &mut Errors) -> Option<Spanned<Pair>> {
    args.input.given().filter(|input| {
        at_least(&input.value.h, Key::Input, errors) && at_least(&input.value.w, Key::Input, errors)
    })
}

/// The rules about an image of known size. The first that is broken is the only one reported: the others
/// would be about the same numbers.
pub(super) fn check_image(
    mode: Option<PaddingMode>,
    input: &Spanned<Pair>,
    channels: &Channels,
    window: &Window,
    errors: &mut Errors,
) -> bool {
    let Some(padding) = &window.padding else { return false };
    let (image, sides) = (input.value.numbers(), padding.value.numbers());
    let limit = match mode {
        None | Some(PaddingMode::Zeros | PaddingMode::Replicate) => None,
        Some(PaddingMode::Reflect) => {
            let channels = channels.inputs.as_ref().map_or(1, |channels| channels.value);
            check_reflect(sides, image, channels)
        }
        Some(PaddingMode::Circular) => check_circular(sides, image),
    };
    let mistake = match (limit, check_padded(sides, image)) {
        (Some(message), _) => Some((padding.spot, message)),
        (None, None) => {
            Some((input.spot, "the padded image must fit into isize; write a smaller `input`".to_owned()))
        }
        (None, Some(padded)) => check_fit(window, padded),
    };
    let is_fine = mistake.is_none();
    if let Some((spot, message)) = mistake {
        errors.push(spot, message);
    }
    is_fine
}

/// A reflection repeats no pixel: it is smaller than the image, in both directions and at each end.
fn check_reflect(sides: Padding, image: Hw, channels: usize) -> Option<String> {
    let Padding { top, bottom, left, right } = sides;
    let width = ("#4", "3", left, right, image.w);
    let height = ("#6", "2", top, bottom, image.h);
    let broken = |&(_, _, low, high, size): &(_, _, usize, usize, usize)| low.max(high) >= size;
    let (argument, axis, low, high, size) = [width, height].into_iter().find(broken)?;
    Some(format!(
        "argument {argument}: padding size should be less than the corresponding input dimension, but got: padding \
         ({low}, {high}) at dimension {axis} of input [1, {channels}, {}, {}]; write at most {}, or a larger `input`",
        image.h,
        image.w,
        size - 1
    ))
}

/// A circular padding goes around the image at most once, in both directions and at each end.
fn check_circular(sides: Padding, image: Hw) -> Option<String> {
    let Padding { top, bottom, left, right } = sides;
    let axes = [("width", left.max(right), image.w), ("height", top.max(bottom), image.h)];
    let (direction, padding, size) = axes.into_iter().find(|&(_, padding, size)| padding > size)?;
    Some(format!(
        "padding value causes wrapping around more than once: {padding} for an image of {direction} {size}; write at most \
         {size}, or a larger `input`"
    ))
}

/// The size of the padded image is countable.
fn check_padded(sides: Padding, image: Hw) -> Option<Hw> {
    let Padding { top, bottom, left, right } = sides;
    let sum = |size: usize, low, high| {
        let sum = size.checked_add(low)?.checked_add(high)?;
        isize::try_from(sum).is_ok().then_some(sum)
    };
    Some(Hw { h: sum(image.h, top, bottom)?, w: sum(image.w, left, right)? })
}

/// The kernel is not larger than the padded image.
fn check_fit(window: &Window, padded: Hw) -> Option<(Spot, String)> {
    let kernel = window.kernel.as_ref()?;
    let (taps, dilation) = (kernel.value.numbers(), window.dilation.as_ref()?.value.numbers());
    let extent = Hw { h: dilation.h * (taps.h - 1) + 1, w: dilation.w * (taps.w - 1) + 1 };
    if extent.h <= padded.h && extent.w <= padded.w {
        return None;
    }
    let cause = if extent == taps { "" } else { " (with its dilation)" };
    let message = format!(
        "calculated padded input size per channel: ({} x {}). Kernel size: ({} x {}){cause}. Kernel size can't be \
         greater than actual input size; write a smaller kernel, more padding or a larger `input`",
        padded.h, padded.w, extent.h, extent.w
    );
    Some((kernel.spot, message))
}

/// The images that go in and come out fit into memory.
pub(super) fn check_tensors(spec: &Spec, args: &Args, errors: &mut Errors) {
    let (Some(image), Some(input)) = (spec.input, args.input.given()) else { return };
    let Some(output) = spec.output(image) else { return };
    let tensors = [("input", spec.in_channels, image), ("output", spec.out_channels, output)];
    let huge = tensors
        .into_iter()
        .find(|&(_, channels, Hw { h, w })| bytes(&[channels, h, w], spec.dtype).is_none());
    if let Some((name, channels, Hw { h, w })) = huge {
        let rule = format!("the {name} must fit into isize::MAX bytes");
        let sizes = [1, channels, h, w];
        errors.push(input.spot, format!("{OVERFLOW} with sizes={sizes:?}: {rule}; write a smaller `input`"));
    }
}
