//! The adjoint of padding: what the padded image's gradient adds to each pixel.
//!
//! `forward` reads the padded image through the index map of `pad.rs`; so each of its places adds its
//! gradient to the pixel that was read there. Zeros have no pixel.

use core::ops::Range;

use fearless_simd::{Simd, SimdBase, SimdFloatElement};

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

    /// The places of a residue whose pixels are those inside the image.
    fn inside(&self, residue: usize, size: usize, places: usize) -> Range<usize> {
        let offset = residue * self.dilation;
        let first = |at: usize| at.saturating_sub(offset).div_ceil(self.stride).min(places);
        first(self.before)..first(self.before + size)
    }

    /// The places of a residue inside the image, and the first pixel they belong to; the others follow it a
    /// stride apart.
    fn part(&self, residue: usize, size: usize, places: usize) -> Option<Part> {
        let inside = self.inside(residue, size, places);
        let pixel = self.at(residue, inside.start, size)?.checked_sub(self.before)?;
        (!inside.is_empty()).then_some(Part { residue, inside, pixel })
    }
}

/// Places of one residue, side by side.
#[derive(Clone)]
struct Part {
    residue: usize,
    inside: Range<usize>,
    pixel: usize,
}

/// How the rows of all residues make a row of the image.
#[derive(Clone)]
enum Columns {
    /// One of them is the row.
    Copy(Part),
    /// Two take turns, the first of which has the first pixel.
    Weave(Part, Part),
    /// Any other way.
    Any,
}

impl Columns {
    fn new(axis: &Axis, size: usize, places: usize) -> Self {
        let part = |residue| axis.part(residue, size, places);
        match (axis.stride, part(0), part(axis.residues - 1)) {
            (1, Some(all), _) if all.inside.len() == size => Self::Copy(all),
            (2, Some(a), Some(b)) if axis.residues == 2 && a.inside.len() + b.inside.len() == size => {
                if a.pixel == 0 { Self::Weave(a, b) } else { Self::Weave(b, a) }
            }
            _ => Self::Any,
        }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// What to fold.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub(super) config: &'a Conv2dConfig,
    /// Height and width of the image.
    pub(super) size: [usize; 2],
    /// Those of a residue's plane.
    pub(super) places: [usize; 2],
}

/// Sets `image`, `[channels, h, w]` of one group, to what the residues in `planes` add up to.
#[inline(always)]
pub(crate) fn fold<S: Simd, E: Element>(simd: S, job: Job<'_>, planes: &[E], image: &mut [E]) {
    let Job { config, size, places } = job;
    let axes = Axis::of(config);
    let columns = Columns::new(&axes[1], size[1], places[1]);
    let each = config.in_per_group() * places[0] * places[1];
    for (channel, image) in image.chunks_exact_mut(size[0] * size[1]).enumerate() {
        let planes = &planes[channel * places[0] * places[1]..];
        let fold = Fold { config, axes, columns: &columns, size, places, planes, each };
        fold.pixels(simd, image);
        if config.padding_mode != PaddingMode::Zeros {
            fold.padding(image);
        }
    }
}

/// One channel.
struct Fold<'a, E> {
    config: &'a Conv2dConfig,
    axes: [Axis; 2],
    columns: &'a Columns,
    size: [usize; 2],
    places: [usize; 2],
    /// The channel's plane of the first residue.
    planes: &'a [E],
    /// From one residue's plane to the next.
    each: usize,
}

impl<E: Element> Fold<'_, E> {
    /// Sets every pixel to its own gradient.
    #[inline(always)]
    fn pixels<S: Simd>(&self, simd: S, image: &mut [E]) {
        let ([rows, _], [h, w]) = (self.axes, self.size);
        let parts = || (0..rows.residues).filter_map(move |residue| rows.part(residue, h, self.places[0]));
        if parts().map(|part| part.inside.len()).sum::<usize>() < h {
            image.fill(E::ZERO);
        }
        for Part { residue, inside, pixel } in parts() {
            let to = image[pixel * w..].chunks_mut(w).step_by(rows.stride);
            for (v, to) in inside.zip(to) {
                self.row(simd, (residue, v), to);
            }
        }
    }

    /// A row of a residue's plane, by the residue and the place among the rows, and the residue among the
    /// columns.
    #[inline(always)]
    fn line(&self, (residue, v): (usize, usize), column: usize) -> &[E] {
        let residue = residue * self.axes[1].residues + column;
        &self.planes[residue * self.each + v * self.places[1]..][..self.places[1]]
    }

    /// Puts the residues' columns side by side.
    #[inline(always)]
    fn row<S: Simd>(&self, simd: S, place: (usize, usize), to: &mut [E]) {
        let values = |part: &Part| &self.line(place, part.residue)[part.inside.clone()];
        match self.columns {
            Columns::Copy(all) => to.copy_from_slice(values(all)),
            Columns::Weave(even, odd) => weave(simd, values(even), values(odd), to),
            Columns::Any => {
                to.fill(E::ZERO);
                let (axis, width) = (&self.axes[1], to.len());
                for part in (0..axis.residues).filter_map(|r| axis.part(r, width, self.places[1])) {
                    let pixels = to.iter_mut().skip(part.pixel).step_by(axis.stride);
                    pixels.zip(values(&part)).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }

    /// Adds what stands in the padding to the pixels that were read there.
    fn padding(&self, image: &mut [E]) {
        let ([rows, columns], [h, w]) = (self.axes, self.size);
        for residue in 0..rows.residues {
            let inside = rows.inside(residue, h, self.places[0]);
            for v in 0..self.places[0] {
                let at = rows.at(residue, v, h);
                let Some(y) = at.and_then(|at| self.source(0, at)) else { continue };
                for column in 0..columns.residues {
                    let done =
                        if inside.contains(&v) { columns.inside(column, w, self.places[1]) } else { 0..0 };
                    self.add(self.line((residue, v), column), column, done, &mut image[y * w..][..w]);
                }
            }
        }
    }

    /// Adds a residue's row, but for the places whose pixels are set already.
    fn add(&self, from: &[E], residue: usize, done: Range<usize>, to: &mut [E]) {
        for v in (0..done.start).chain(done.end..from.len()) {
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

/// Two rows, element by element in turn: vectors of pairs, of which the last overlaps the one before.
#[inline(always)]
fn weave<S: Simd, E: Element>(simd: S, even: &[E], odd: &[E], to: &mut [E]) {
    let lanes = <E as SimdFloatElement>::Native::<S>::LEN;
    let pairs = to.len() / 2;
    match pairs.checked_sub(lanes) {
        Some(last) => {
            for at in (0..last).step_by(lanes).chain([last]) {
                let to = &mut to[2 * at..][..2 * lanes];
                weave_vectors(simd, &even[at..][..lanes], &odd[at..][..lanes], to);
            }
        }
        None => {
            for ((pair, even), odd) in to.as_chunks_mut::<2>().0.iter_mut().zip(even).zip(odd) {
                *pair = [*even, *odd];
            }
        }
    }
    if let (Some(last), Some(value)) = (to.get_mut(2 * pairs), even.get(pairs)) {
        *last = *value;
    }
}

/// One vector of pairs.
#[inline(always)]
fn weave_vectors<S: Simd, E: Element>(simd: S, even: &[E], odd: &[E], to: &mut [E]) {
    type Vector<S, E> = <E as SimdFloatElement>::Native<S>;
    let [even, odd] = [even, odd].map(|half| Vector::<S, E>::from_slice(simd, half));
    let (low, high) = to.split_at_mut(Vector::<S, E>::LEN);
    even.zip_low(odd).store_slice(low);
    even.zip_high(odd).store_slice(high);
}
