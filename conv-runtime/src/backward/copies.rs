//! The copies that the weight's gradient is summed from: channel by channel, or channels-last.

use core::ops::Range;

use super::layout::Layout;
use crate::extent::Rows;
use crate::kernel::Geometry;
use crate::tile::Tile;
use crate::{Element, Isa, pad};

/// Copies one band of one group, channel by channel, and says how it lies.
pub(super) fn pixels<E: Element>(
    layout: &Layout<'_>,
    rows: Rows,
    [x, grad]: [&[E]; 2],
    [image, gradient]: [&mut [E]; 2],
) -> Geometry {
    let (config, pitch, read, across) =
        (layout.config, layout.pitch, layout.read(rows), layout.gradient_pitch());
    let [plane, out_plane] = layout.planes(rows);
    let image = &mut image[..config.in_per_group() * plane];
    let job = pad::Job {
        config,
        phases: config.stride[1],
        image: layout.image,
        first: read.first,
        rows: read.count,
        pitch,
        plane,
        margins: false,
    };
    E::pad(layout.isa.level(), job, x, image);
    for plane in image.chunks_exact_mut(plane) {
        plane[read.count * pitch..].fill(E::ZERO);
    }
    let [out_h, out_w] = layout.out;
    for (from, to) in grad.chunks_exact(out_h * out_w).zip(gradient.chunks_exact_mut(out_plane)) {
        let (to, rest) = to.split_at_mut(rows.count * across);
        rest.fill(E::ZERO);
        for (from, to) in from[rows.first * out_w..].chunks_exact(out_w).zip(to.chunks_exact_mut(across)) {
            let (to, rest) = to.split_at_mut(out_w);
            to.copy_from_slice(from);
            rest.fill(E::ZERO);
        }
    }
    let (out_h, out_w) = if layout.one_row() { (1, out_plane) } else { (layout.filled(rows).count, across) };
    Geometry { out_h, out_w, out_plane, pitch, plane, ..Geometry::default() }
}

/// Copies padded rows of all channels of a group, `depth` channels at a time, to `[row][column][depth]`.
pub(super) fn image<'a, E: Element>(
    layout: &Layout<'_>,
    rows: Rows,
    depth: usize,
    x: &[E],
    tiles: impl Iterator<Item = &'a mut [E]>,
) {
    let [h, w] = layout.image;
    for (x, to) in x.chunks(depth * h * w).zip(tiles) {
        let channels = Matrix { values: x, rows: x.len() / (h * w), columns: h * w, stride: h * w };
        if layout.config.padding == [[0; 2]; 2] {
            channels.part(rows.first * w, rows.count * w).transpose(layout.isa, to, depth);
        } else {
            padded(layout, rows, depth, &channels, to);
        }
    }
}

/// Copies padded rows of some channels.
fn padded<E: Element>(layout: &Layout<'_>, rows: Rows, depth: usize, channels: &Matrix<'_, E>, to: &mut [E]) {
    let (config, [h, w]) = (layout.config, layout.image);
    let ([top, _], [left, _]) = (config.padding[0], config.padding[1]);
    for (y, to) in (rows.first..rows.first + rows.count).zip(to.chunks_exact_mut(layout.pitch * depth)) {
        let Some(y) = pad::source(config.padding_mode, y, top, h) else {
            to.fill(E::ZERO);
            continue;
        };
        channels.part(y * w, w).transpose(layout.isa, &mut to[left * depth..], depth);
        for column in (0..left).chain(left + w..layout.pitch) {
            let at = column * depth;
            match pad::source(config.padding_mode, column, left, w) {
                Some(x) => to.copy_within(within(left + x, depth), at),
                None => to[at..at + depth].fill(E::ZERO),
            }
        }
    }
}

fn within(pixel: usize, depth: usize) -> Range<usize> {
    pixel * depth..(pixel + 1) * depth
}

/// Copies rows of the output's gradient, block after block, to `[row][column][width]`.
pub(super) fn gradient<'a, E: Element>(
    layout: &Layout<'_>,
    rows: Rows,
    width: usize,
    grad: &[E],
    blocks: impl Iterator<Item = &'a mut [E]>,
) {
    let [out_h, out_w] = layout.out;
    let stride = out_h * out_w;
    for (grad, to) in grad.chunks(width * stride).zip(blocks) {
        let values = &grad[rows.first * out_w..];
        let matrix = Matrix { values, rows: grad.len() / stride, columns: rows.count * out_w, stride };
        matrix.transpose(layout.isa, to, width);
    }
}

/// Fewer rows or columns are not worth a square of vectors.
const FEW: usize = 4;

/// Rows of a matrix, `stride` elements apart.
pub(super) struct Matrix<'a, E> {
    pub(super) values: &'a [E],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) stride: usize,
}

impl<E: Element> Matrix<'_, E> {
    /// Some of its columns.
    pub(super) fn part(&self, first: usize, columns: usize) -> Self {
        Self { values: &self.values[first..], columns, ..*self }
    }

    #[inline]
    fn one_by_one(&self, to: &mut [E], pitch: usize) {
        for row in 0..self.rows {
            let values = &self.values[row * self.stride..][..self.columns];
            for (to, value) in to[row..].chunks_mut(pitch).zip(values) {
                to[0] = *value;
            }
        }
    }

    /// Writes the columns, `pitch` elements apart: whole vectors of them, and one by one those that do not fill
    /// one, unless there are other values behind them that may be read.
    pub(super) fn transpose(&self, isa: Isa, to: &mut [E], pitch: usize) {
        let Self { values, rows, columns, stride } = *self;
        if rows.min(columns) < FEW {
            return self.one_by_one(to, pitch);
        }
        let lanes = isa.bits() / 8 / size_of::<E>();
        let is_readable = (rows - 1) * stride + columns.next_multiple_of(lanes) <= values.len();
        let whole = if is_readable { columns } else { columns - columns % lanes };
        let tile = Tile { values, pixels: rows, width: stride, channels: whole };
        if whole > 0 {
            E::scatter(isa.level(), tile, to, pitch);
        }
        for (row, values) in values.chunks(stride).take(rows).enumerate() {
            for (column, value) in (whole..columns).zip(&values[whole..columns]) {
                to[column * pitch + row] = *value;
            }
        }
    }
}
