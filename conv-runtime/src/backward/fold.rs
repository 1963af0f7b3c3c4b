//! The adjoint of padding: what the padded image's gradient adds to each pixel.
//!
//! `forward` reads the padded image through the index map of `pad.rs`; so each of its places adds its
//! gradient to the pixel that was read there. Zeros have no pixel.

use crate::{Conv2dConfig, Element, pad};

/// Where the residues of one axis stand: residue `r` at `stride * v + r * dilation`.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    /// From one tap of a residue to the next.
    pub(super) step: usize,
    pub(super) residues: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    after: usize,
}

impl Axis {
    /// Of rows and of columns.
    pub(super) fn of(config: &Conv2dConfig) -> [Self; 2] {
        [0, 1].map(|axis| {
            let (stride, dilation) = (config.stride[axis], config.dilation[axis]);
            let step = stride / gcd(stride, dilation);
            let residues = step.min(config.kernel_size[axis]);
            let [before, after] = config.padding[axis];
            Self { step, residues, stride, dilation, before, after }
        })
    }

    /// Padded index of place `v` of a residue; none if it is beyond everything that was read.
    fn at(&self, residue: usize, v: usize, size: usize) -> Option<usize> {
        let at = self.stride.checked_mul(v)?.checked_add(residue * self.dilation)?;
        (at < size + self.before + self.after).then_some(at)
    }

    /// The places of a residue whose pixels are those inside the image.
    fn inside(&self, residue: usize, size: usize, places: usize) -> core::ops::Range<usize> {
        let offset = residue * self.dilation;
        let first = |at: usize| at.saturating_sub(offset).div_ceil(self.stride).min(places);
        first(self.before)..first(self.before + size)
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Sets `image`, `[channels, h, w]`, to what the residues in `planes` add up to.
pub(super) fn fold<E: Element>(
    config: &Conv2dConfig,
    size: [usize; 2],
    places: [usize; 2],
    planes: &[E],
    image: &mut [E],
) {
    let axes @ [rows, columns] = Axis::of(config);
    let (depth, residues) = (config.in_per_group(), rows.residues * columns.residues);
    let plane = places[0] * places[1];
    for (channel, image) in image.chunks_exact_mut(size[0] * size[1]).enumerate() {
        image.fill(E::ZERO);
        let group = channel / depth * depth * residues;
        for residue in 0..residues {
            let from = &planes[(group + residue * depth + channel % depth) * plane..][..plane];
            let residue = [residue / columns.residues, residue % columns.residues];
            Fold { config, axes, residue, size, places }.plane(from, image);
        }
    }
}

/// One residue of one channel.
struct Fold<'a> {
    config: &'a Conv2dConfig,
    axes: [Axis; 2],
    residue: [usize; 2],
    size: [usize; 2],
    places: [usize; 2],
}

impl Fold<'_> {
    fn plane<E: Element>(&self, plane: &[E], image: &mut [E]) {
        let [h, w] = self.size;
        for (v, row) in plane.chunks_exact(self.places[1]).enumerate() {
            let at = self.axes[0].at(self.residue[0], v, h);
            if let Some(y) = at.and_then(|at| self.source(0, at)) {
                self.row(row, &mut image[y * w..][..w]);
            }
        }
    }

    fn source(&self, axis: usize, at: usize) -> Option<usize> {
        pad::source(self.config.padding_mode, at, self.axes[axis].before, self.size[axis])
    }

    fn row<E: Element>(&self, from: &[E], to: &mut [E]) {
        let (axis, residue) = (&self.axes[1], self.residue[1]);
        let inside = axis.inside(residue, to.len(), from.len());
        if let Some(first) = axis.at(residue, inside.start, to.len()).filter(|_| !inside.is_empty()) {
            let (pixels, from) = (&mut to[first - axis.before..], &from[inside.clone()]);
            if axis.stride == 1 {
                pixels.iter_mut().zip(from).for_each(|(to, from)| *to += *from);
            } else {
                pixels.iter_mut().step_by(axis.stride).zip(from).for_each(|(to, from)| *to += *from);
            }
        }
        for v in (0..inside.start).chain(inside.end..from.len()) {
            let at = axis.at(residue, v, to.len());
            if let Some(x) = at.and_then(|at| self.source(1, at)) {
                to[x] += from[v];
            }
        }
    }
}
