//! The adjoint of padding: what the padded image's gradient adds to each pixel.
//!
//! `forward` reads the padded image through the index map of `pad.rs`; so each of its places adds its
//! gradient to the pixel that was read there. Zeros have no pixel.

use core::ops::Range;

use crate::{Conv2dConfig, Element, PaddingMode, pad};

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

    /// The residue and the place of a padded index: residues differ modulo the stride, so there is one at most.
    fn place(&self, at: usize, places: usize) -> Option<(usize, usize)> {
        let residue = (0..self.residues).find(|r| at % self.stride == r * self.dilation % self.stride)?;
        let v = at.checked_sub(residue * self.dilation)? / self.stride;
        (v < places).then_some((residue, v))
    }

    /// The places of a residue whose pixels are those inside the image.
    fn inside(&self, residue: usize, size: usize, places: usize) -> Range<usize> {
        let offset = residue * self.dilation;
        let first = |at: usize| at.saturating_sub(offset).div_ceil(self.stride).min(places);
        first(self.before)..first(self.before + size)
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Sets `image`, `[channels, h, w]` of one group, to what the residues in `planes` add up to.
pub(super) fn fold<E: Element>(
    config: &Conv2dConfig,
    size: [usize; 2],
    places: [usize; 2],
    planes: &[E],
    image: &mut [E],
) {
    let axes = Axis::of(config);
    let each = config.in_per_group() * places[0] * places[1];
    for (channel, image) in image.chunks_exact_mut(size[0] * size[1]).enumerate() {
        let planes = &planes[channel * places[0] * places[1]..];
        let fold = Fold { config, axes, size, places, planes, each };
        fold.pixels(image);
        if config.padding_mode != PaddingMode::Zeros {
            fold.padding(image);
        }
    }
}

/// One channel.
struct Fold<'a, E> {
    config: &'a Conv2dConfig,
    axes: [Axis; 2],
    size: [usize; 2],
    places: [usize; 2],
    /// The channel's plane of the first residue.
    planes: &'a [E],
    /// From one residue's plane to the next.
    each: usize,
}

impl<E: Element> Fold<'_, E> {
    /// Sets every pixel to its own gradient.
    fn pixels(&self, image: &mut [E]) {
        let [rows, _] = self.axes;
        for (y, to) in image.chunks_exact_mut(self.size[1]).enumerate() {
            match rows.place(y + rows.before, self.places[0]) {
                Some(place) => self.row(place, to),
                None => to.fill(E::ZERO),
            }
        }
    }

    /// A row of a residue's plane, by the residue and the place among the rows, and the residue among the
    /// columns.
    fn line(&self, (residue, v): (usize, usize), column: usize) -> &[E] {
        let residue = residue * self.axes[1].residues + column;
        &self.planes[residue * self.each + v * self.places[1]..][..self.places[1]]
    }

    /// Puts the residues' columns side by side.
    fn row(&self, place: (usize, usize), to: &mut [E]) {
        let (axis, width) = (&self.axes[1], to.len());
        let part = |residue: usize| {
            let inside = axis.inside(residue, width, self.places[1]);
            let first = axis.at(residue, inside.start, width)?.checked_sub(axis.before)?;
            Some((first, &self.line(place, residue)[inside]))
        };
        match (axis.stride, [0, axis.residues - 1].map(part)) {
            (1, [Some((0, all)), _]) if all.len() == width => to.copy_from_slice(all),
            (2, [Some((0, even)), Some((1, odd))]) if even.len() + odd.len() == width => weave(even, odd, to),
            (2, [Some((1, odd)), Some((0, even))]) if even.len() + odd.len() == width => weave(even, odd, to),
            _ => {
                to.fill(E::ZERO);
                for (first, from) in (0..axis.residues).filter_map(part) {
                    let pixels = to.iter_mut().skip(first).step_by(axis.stride);
                    pixels.zip(from).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }

    /// Adds what stands in the padding to the pixels that were read there.
    fn padding(&self, image: &mut [E]) {
        let ([rows, columns], [h, w]) = (self.axes, self.size);
        for at in 0..rows.before + h + rows.after {
            let (Some(place), Some(y)) = (rows.place(at, self.places[0]), self.source(0, at)) else {
                continue;
            };
            let row = &mut image[y * w..][..w];
            let outside = !(rows.before..rows.before + h).contains(&at);
            for residue in 0..columns.residues {
                let inside = columns.inside(residue, w, self.places[1]);
                let inside = if outside { 0..0 } else { inside };
                self.add(self.line(place, residue), residue, inside, row);
            }
        }
    }

    /// Adds a residue's row but for some places.
    fn add(&self, from: &[E], residue: usize, but: Range<usize>, to: &mut [E]) {
        for v in (0..but.start).chain(but.end..from.len()) {
            let at = self.axes[1].at(residue, v, to.len());
            if let Some(x) = at.and_then(|at| self.source(1, at)) {
                to[x] += from[v];
            }
        }
    }

    fn source(&self, axis: usize, at: usize) -> Option<usize> {
        pad::source(self.config.padding_mode, at, self.axes[axis].before, self.size[axis])
    }
}

/// Two rows, element by element in turn.
fn weave<E: Element>(even: &[E], odd: &[E], to: &mut [E]) {
    let (pairs, rest) = to.as_chunks_mut::<2>();
    for ((pair, even), odd) in pairs.iter_mut().zip(even).zip(odd) {
        *pair = [*even, *odd];
    }
    if let ([last], Some(value)) = (rest, even.last()) {
        *last = *value;
    }
}
