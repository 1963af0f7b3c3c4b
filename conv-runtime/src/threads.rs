//! One call of `forward` on several threads.
//!
//! Output is a slice, and a thread wants a slice of its own. So there are three ways to share the work out, and the
//! one is taken that keeps the threads busiest:
//!
//! 1. groups and images, whose outputs follow one another;
//! 2. rows: each thread computes some bands of rows of all channels to memory of its own, from where they are then
//!    put together, unless it is one channel, whose rows follow one another;
//! 3. output channels, block by block, for which each thread makes the copy of the image again.
//!
//! The same kernels run over the same blocks and bands, whoever calls them: the result has the same bits.

#![expect(clippy::cast_precision_loss, reason = "shares of the work are estimates")]

use rayon::prelude::*;

use crate::kernel::Kernel;
use crate::pack::terms;
use crate::run::{Part, Pass};

/// Below so many multiply-accumulates, each output counted as [`OUTPUT`] of them more, threads are not called: to wake
/// one takes microseconds.
const LEAST: usize = 4 << 20;
const OUTPUT: usize = 32;
/// Multiply-accumulates that take as long as to put an output of some rows in its place, to copy a pixel, and to transform
/// it.
const STAGED: f64 = 48.0;
const COPIED: f64 = 24.0;
const TRANSFORMED: f64 = 96.0;
/// Elements in a cache line, of which two threads should not share one.
const LINE: usize = 16;

/// How the work is shared out.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// So many groups of images for each thread.
    Images(usize),
    /// So many rows of one group for each thread.
    Rows(usize),
    /// So many output channels of one group for each thread.
    Channels(usize),
}

/// How the work is shared out, and among how many threads.
pub(crate) struct Split {
    way: Way,
    threads: usize,
}

impl Split {
    /// `None` if one thread is as good. `images` is the number of images, times that of groups.
    pub(crate) fn of<K: Kernel>(pass: &Pass<'_, K>, images: usize) -> Option<Self> {
        let threads = rayon::current_num_threads();
        let each = terms(const { &K::CONFIG }, pass.scheme).saturating_add(OUTPUT);
        if threads == 1 || images.saturating_mul(pass.to).saturating_mul(each) < LEAST {
            return None;
        }
        let (scheme, extent) = (pass.scheme, &pass.extent);
        let channels = const { &K::CONFIG }.out_per_group();
        let shares = |units: usize| units.div_ceil(threads);
        let busy = |units: usize| units as f64 / (shares(units) * threads) as f64;
        let bands = extent.out[0].div_ceil(extent.band);
        let blocks = channels.div_ceil(scheme.block);
        let work = pass.to.saturating_mul(each) as f64;
        let of_work = |more: f64| work / (work + more);
        let staged = if stages(pass) { of_work(pass.to as f64 * STAGED) } else { 1.0 };
        let pixel = if scheme.filtering.is_some() { TRANSFORMED } else { COPIED };
        let copies = if extent.copies { pass.from as f64 * pixel } else { 0.0 };
        let again = of_work(copies * (threads - 1) as f64);
        let ways = [
            (busy(images), Way::Images(shares(images))),
            (staged * busy(bands), Way::Rows(shares(bands) * extent.band)),
            (again * busy(blocks), Way::Channels(shares(blocks) * scheme.block)),
        ];
        let (busy, way) = ways.into_iter().reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        (busy * threads as f64 > 1.0).then_some(Self { way, threads })
    }

    /// Runs all; `None` if the scratch cannot be counted.
    pub(crate) fn run<'m, K: Kernel>(
        &self,
        pass: &Pass<'_, K>,
        x: &[K::Elem],
        y: &mut [K::Elem],
        memory: impl FnOnce(usize) -> Option<&'m mut [K::Elem]>,
    ) -> Option<()> {
        let share = pass.extent.shares.total()?.checked_next_multiple_of(LINE)?.max(LINE);
        let staged = if matches!(self.way, Way::Rows(_)) && stages(pass) { pass.to } else { 0 };
        let all = memory(share.checked_mul(self.threads)?.checked_add(staged)?)?;
        let (memory, staged) = all.split_at_mut(share * self.threads);
        let mut memory = Shares { all: memory, each: share };
        match self.way {
            Way::Images(count) => images(pass, count, x, y, &mut memory),
            Way::Rows(rows) => {
                for (at, (x, y)) in x.chunks_exact(pass.from).zip(y.chunks_exact_mut(pass.to)).enumerate() {
                    if stages(pass) {
                        bands(pass, pass.group(at), rows, x, staged, &mut memory);
                        gather(pass, rows, staged, y);
                    } else {
                        bands(pass, pass.group(at), rows, x, y, &mut memory);
                    }
                }
            }
            Way::Channels(count) => {
                for (at, (x, y)) in x.chunks_exact(pass.from).zip(y.chunks_exact_mut(pass.to)).enumerate() {
                    blocks(pass, pass.group(at), count, x, y, &mut memory);
                }
            }
        }
        Some(())
    }
}

/// So many of `units` for each thread, where all take so many multiply-accumulates together.
pub(crate) fn share(units: usize, products: usize) -> usize {
    if products < LEAST { units } else { units.div_ceil(rayon::current_num_threads()) }
}

/// Whether rows that several threads compute have to be put together.
fn stages<K: Kernel>(pass: &Pass<'_, K>) -> bool {
    pass.whole().channels.len() > 1
}

/// Scratch, as much for each thread.
struct Shares<'m, E> {
    all: &'m mut [E],
    each: usize,
}

impl<E: Send> Shares<'_, E> {
    fn par_iter_mut(&mut self) -> impl IndexedParallelIterator<Item = &mut [E]> {
        self.all.par_chunks_exact_mut(self.each)
    }
}

/// `count` groups of images for each thread.
fn images<K: Kernel>(
    pass: &Pass<'_, K>,
    count: usize,
    x: &[K::Elem],
    y: &mut [K::Elem],
    memory: &mut Shares<'_, K::Elem>,
) {
    let data = x.par_chunks(count * pass.from).zip(y.par_chunks_mut(count * pass.to));
    data.zip(memory.par_iter_mut()).enumerate().for_each(|(thread, ((x, y), memory))| {
        pass.images(thread * count, x, y, memory);
    });
}

/// All channels of `rows` rows for each thread, one thread's after the other's.
fn bands<K: Kernel>(
    pass: &Pass<'_, K>,
    group: usize,
    rows: usize,
    x: &[K::Elem],
    all: &mut [K::Elem],
    memory: &mut Shares<'_, K::Elem>,
) {
    let [out_h, out_w] = pass.extent.out;
    let channels = pass.whole().channels;
    let parts = all.par_chunks_mut(channels.len() * rows * out_w);
    parts.zip(memory.par_iter_mut()).enumerate().for_each(|(thread, (output, memory))| {
        let first = thread * rows;
        let part = Part { channels: channels.clone(), rows: first..out_h.min(first + rows) };
        pass.part(group..group + 1, &part, x, output, &mut pass.share(memory));
    });
}

/// Puts together what [`bands`] made.
fn gather<K: Kernel>(pass: &Pass<'_, K>, rows: usize, staged: &[K::Elem], y: &mut [K::Elem]) {
    let [out_h, out_w] = pass.extent.out;
    let each = pass.whole().channels.len() * rows * out_w;
    y.par_chunks_exact_mut(out_h * out_w).enumerate().for_each(|(channel, plane)| {
        for (part, to) in staged.chunks(each).zip(plane.chunks_mut(rows * out_w)) {
            to.copy_from_slice(&part[channel * to.len()..][..to.len()]);
        }
    });
}

/// `count` output channels for each thread.
fn blocks<K: Kernel>(
    pass: &Pass<'_, K>,
    group: usize,
    count: usize,
    x: &[K::Elem],
    y: &mut [K::Elem],
    memory: &mut Shares<'_, K::Elem>,
) {
    let whole = pass.whole();
    let [out_h, out_w] = pass.extent.out;
    let parts = y.par_chunks_mut(count * out_h * out_w);
    parts.zip(memory.par_iter_mut()).enumerate().for_each(|(thread, (output, memory))| {
        let first = thread * count;
        let channels = first..whole.channels.end.min(first + count);
        let part = Part { channels, rows: whole.rows.clone() };
        pass.part(group..group + 1, &part, x, output, &mut pass.share(memory));
    });
}
