//! How times are taken: one way for everybody.
//!
//! A sample is one call that is not timed, which brings the layer's data back into the caches after the others'
//! turn, and then as many calls as take a millisecond, divided by their number. `python/server.py` has the same rule.

use std::time::{Duration, Instant};

/// The shortest sample.
const SAMPLE: Duration = Duration::from_millis(1);

/// A function and how many calls of it are a sample.
pub(crate) struct Clock {
    call: Box<dyn FnMut()>,
    calls: u32,
}

impl Clock {
    pub(crate) fn new(call: Box<dyn FnMut()>) -> Self {
        Self { call, calls: 0 }
    }

    /// Seconds a call.
    pub(crate) fn sample(&mut self) -> f64 {
        let time = if self.calls == 0 { self.calibrate() } else { self.time() };
        time.as_secs_f64() / f64::from(self.calls)
    }

    /// Finds out how many calls take a millisecond, and how long they take. It is the warm-up, too.
    fn calibrate(&mut self) -> Duration {
        self.calls = 1;
        loop {
            let time = self.time();
            if time >= SAMPLE {
                return time;
            }
            // At most tenfold at once: the first calls are slow.
            let factor = (SAMPLE.as_nanos() / time.as_nanos().max(1) + 1).min(10);
            self.calls *= u32::try_from(factor).expect("ten at most");
        }
    }

    fn time(&mut self) -> Duration {
        (self.call)();
        let started = Instant::now();
        for _ in 0..self.calls {
            (self.call)();
        }
        started.elapsed()
    }
}

/// The middle one, or the mean of the middle two.
pub(crate) fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (lower, upper) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    f64::midpoint(lower, upper)
}
