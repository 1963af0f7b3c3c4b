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
        if self.calls == 0 {
            self.calls = self.calibrate();
        }
        self.time(self.calls).as_secs_f64() / f64::from(self.calls)
    }

    /// How many calls take a millisecond. Finding it out is the warm-up, too.
    fn calibrate(&mut self) -> u32 {
        let mut calls = 1;
        loop {
            let time = self.time(calls);
            if time >= SAMPLE {
                return calls;
            }
            // At most tenfold at once: the first calls are slow.
            let factor = (SAMPLE.as_secs_f64() / time.as_secs_f64().max(1e-9) * 1.1).clamp(1.1, 10.0);
            calls += (f64::from(calls) * (factor - 1.0)).ceil() as u32;
        }
    }

    fn time(&mut self, calls: u32) -> Duration {
        (self.call)();
        let started = Instant::now();
        for _ in 0..calls {
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
