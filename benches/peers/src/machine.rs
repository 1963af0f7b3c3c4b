//! What the machine can do, measured in the same run: multiply-adds of one core, and copying.

use std::hint::black_box;
use std::time::Instant;

use fearless_simd::{Level, Simd, SimdBase, SimdFloat, f32x8, f32x16};
use serde::{Deserialize, Serialize};

use crate::clock::median;

/// The machine's limits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Floating-point operations a second with 512-bit vectors, if the machine has them.
    pub(crate) avx512: Option<f64>,
    /// The same with 256-bit vectors.
    pub(crate) avx2: Option<f64>,
    /// Bytes that are moved, and bytes read plus bytes written a second while that many are copied again and again.
    pub(crate) copies: Vec<(f64, f64)>,
}

impl Machine {
    /// Measures.
    pub(crate) fn measure() -> Self {
        let level = Level::new();
        Self {
            avx512: level.as_avx512().map(|simd| {
                rate(|| {
                    simd.vectorize(
                        #[inline(always)]
                        || wide(simd),
                    )
                })
            }),
            avx2: level.as_avx2().map(|simd| {
                rate(|| {
                    simd.vectorize(
                        #[inline(always)]
                        || narrow(simd),
                    )
                })
            }),
            copies: (13..=27).map(|power| 1 << power).map(copy).collect(),
        }
    }

    /// The least seconds for this work on an instruction set: arithmetic as the definition counts it, and every
    /// byte moved once, at the speed of a copy of as many.
    pub(crate) fn limit(&self, flops: f64, bytes: f64, isa: &str) -> f64 {
        let peak = if isa == "avx512" { self.avx512 } else { self.avx2 };
        (flops / peak.unwrap_or(f64::INFINITY)).max(bytes / self.bandwidth(bytes))
    }

    /// The speed of a copy that moves so many bytes, between the sizes measured.
    fn bandwidth(&self, bytes: f64) -> f64 {
        let above = self.copies.partition_point(|&(size, _)| size < bytes);
        let (Some(&low), Some(&high)) = (self.copies.get(above.wrapping_sub(1)), self.copies.get(above))
        else {
            let nearest = if above == 0 { self.copies.first() } else { self.copies.last() };
            return nearest.map_or(f64::INFINITY, |&(_, speed)| speed);
        };
        let share = (bytes / low.0).ln() / (high.0 / low.0).ln();
        low.1 + share * (high.1 - low.1)
    }
}

/// Multiply-adds of one call.
const STEPS: usize = 100_000;
const CHAINS: usize = 12;

/// The rate of a function that does `STEPS * CHAINS` vector operations and returns the lanes of a vector.
fn rate(run: impl Fn() -> usize) -> f64 {
    let rates: Vec<f64> = (0..25)
        .map(|_| {
            let started = Instant::now();
            let lanes = run();
            (2 * STEPS * CHAINS * lanes) as f64 / started.elapsed().as_secs_f64()
        })
        .collect();
    median(&rates[5..])
}

/// Chains of multiply-adds: enough to hide the latency of two units, few enough for sixteen registers.
macro_rules! chains {
    ($name:ident, $vector:ident) => {
        #[inline(always)]
        fn $name<S: Simd>(simd: S) -> usize {
            let factor = $vector::splat(simd, black_box(0.999_9));
            let mut sums = [$vector::splat(simd, black_box(1.0)); CHAINS];
            for _ in 0..STEPS {
                for sum in &mut sums {
                    *sum = sum.mul_add(factor, factor);
                }
            }
            let total = sums.into_iter().fold($vector::splat(simd, 0.0), |total, sum| total + sum);
            black_box(total.as_slice()[0]);
            $vector::<S>::LEN
        }
    };
}

chains!(wide, f32x16);
chains!(narrow, f32x8);

/// The speed of a copy that reads half of the bytes and writes half.
fn copy(bytes: usize) -> (f64, f64) {
    let source = vec![1.0_f32; bytes / 8];
    let mut target = vec![0.0_f32; bytes / 8];
    let repeats = ((8 << 20) / bytes).clamp(1, 500);
    let speeds: Vec<f64> = (0..20)
        .map(|_| {
            let started = Instant::now();
            for _ in 0..repeats {
                target.copy_from_slice(black_box(&source));
                black_box(&mut target);
            }
            (repeats * bytes) as f64 / started.elapsed().as_secs_f64()
        })
        .collect();
    (bytes as f64, median(&speeds[3..]))
}

/// The processor's name.
pub(crate) fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let (_, value) =
            text.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.trim() == key)?;
        Some(value.trim())
    };
    match (value("model name"), value("cpu family"), value("model")) {
        (Some(name), Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        _ => "an unknown processor".to_owned(),
    }
}
