//! Random numbers: torch's default initialisation, bit for bit, and normal draws for tests.
//!
//! `torch.nn.Conv2d` draws its weight and then its bias from one stream, uniformly between ∓bound,
//! where bound is 1 / √(in / groups · kh · kw). The bits follow from four things:
//!
//! 1. the generator, [`Mt19937`], seeded as by `torch.manual_seed`;
//! 2. the bound, computed in `f64` by the same operations as in Python;
//! 3. one draw for an `f32`, two for an `f64`, of which the low 24 or 53 bits count;
//! 4. a fused multiply-add to bring them into the interval.
//!
//! The last two are `Sealed::uniform` of the element. In `f32` the result is torch's to the bit.

use core::f64::consts::TAU;

use crate::element::{unit_interval, wide_draw};
use crate::{Conv2dConfig, Element, Tensor};

/// What `torch.manual_seed(seed); torch.nn.Conv2d(...)` holds: weight and bias of a valid layer.
pub(crate) fn parameters<T: Element>(
    config: &Conv2dConfig,
    seed: u64,
) -> (Tensor<T, 4>, Option<Tensor<T, 1>>) {
    let mut generator = Mt19937::new(seed);
    let mut uniform = |bound: f64| T::uniform(-bound, bound, || generator.draw());
    let fan_in = fan_in(config);
    let (weight_bound, bias_bound) = (kaiming_bound(fan_in), 1.0 / libm::sqrt(fan_in));
    let weight = Tensor::from_fn(config.weight_shape(), |_| uniform(weight_bound));
    let bias = config.bias.then(|| Tensor::from_fn([config.out_channels], |_| uniform(bias_bound)));
    (weight, bias)
}

/// How many inputs one output sums up.
#[expect(clippy::cast_precision_loss, reason = "Python's conversion, too, rounds beyond 2^53")]
fn fan_in(config: &Conv2dConfig) -> f64 {
    let [_, channels, kh, kw] = config.weight_shape();
    (channels * kh * kw) as f64
}

/// The bound of `kaiming_uniform_(a=sqrt(5))`: 1 / √`fan_in`, with Python's roundings on the way.
fn kaiming_bound(fan_in: f64) -> f64 {
    let slope = libm::sqrt(5.0);
    let gain = libm::sqrt(2.0 / (1.0 + slope * slope));
    libm::sqrt(3.0) * (gain / libm::sqrt(fan_in))
}

/// Words of the generator's state.
const WORDS: usize = 624;
/// How far apart the words are that are combined.
const DISTANCE: usize = 397;

/// The Mersenne Twister of Matsumoto and Nishimura (1998), as in torch, C++ and Python.
pub(crate) struct Mt19937 {
    state: [u32; WORDS],
    /// The next word to hand out; `WORDS` when all are used up.
    next: usize,
}

impl Mt19937 {
    /// Seeded as by `torch.manual_seed`, which, too, looks at the low 32 bits alone.
    #[expect(clippy::cast_possible_truncation, reason = "the seeding is defined on 32 bits")]
    pub(crate) fn new(seed: u64) -> Self {
        let mut state = [seed as u32; WORDS];
        for at in 1..WORDS {
            let before: u32 = state[at - 1];
            state[at] = (before ^ before >> 30).wrapping_mul(1_812_433_253).wrapping_add(at as u32);
        }
        Self { state, next: WORDS }
    }

    /// The next 32 bits.
    pub(crate) fn draw(&mut self) -> u32 {
        if self.next == WORDS {
            self.twist();
            self.next = 0;
        }
        let word = self.state[self.next];
        self.next += 1;
        let word = word ^ word >> 11;
        let word = word ^ word << 7 & 0x9d2c_5680;
        let word = word ^ word << 15 & 0xefc6_0000;
        word ^ word >> 18
    }

    /// Replaces all words.
    fn twist(&mut self) {
        const HIGH: u32 = 1 << 31;
        for at in 0..WORDS {
            let mixed = self.state[at] & HIGH | self.state[(at + 1) % WORDS] & !HIGH;
            let odd = if mixed & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[at] = self.state[(at + DISTANCE) % WORDS] ^ mixed >> 1 ^ odd;
        }
    }
}

/// Draws from the standard normal distribution, two at a time by the method of Box and Muller.
///
/// The functions are those of the `libm` crate, so the numbers are the same on every machine.
pub(crate) struct Normal {
    generator: Mt19937,
    spare: Option<f64>,
}

impl Normal {
    pub(crate) fn new(seed: u64) -> Self {
        Self { generator: Mt19937::new(seed), spare: None }
    }

    /// The next number.
    pub(crate) fn draw(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // The first is taken from (0, 1], because its logarithm must be finite.
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        let (sin, cos) = libm::sincos(TAU * self.uniform());
        self.spare = Some(radius * sin);
        radius * cos
    }

    fn uniform(&mut self) -> f64 {
        unit_interval(wide_draw(|| self.generator.draw()), 53)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_standards() {
        let mut generator = Mt19937::new(5489);
        assert_eq!(generator.draw(), 3_499_211_612);
        assert_eq!((2..=9_999).map(|_| generator.draw()).count(), 9_998);
        assert_eq!(generator.draw(), 4_123_659_995); // C++ standard: the 10000th
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "bit for bit is the claim")]
    fn the_article_is_torchs_to_the_bit() {
        // torch.manual_seed(0); torch.nn.Conv2d(1, 4, (2, 3))
        let config = Conv2dConfig::new(1, 4, [2, 3]);
        let (weight, bias) = parameters::<f32>(&config, 0);
        assert_eq!(weight.as_slice()[..3], [-0.003_056_481_7, 0.219_002_19, -0.336_006_8]);
        assert_eq!(bias.unwrap().as_slice()[3], -0.378_719_87);
    }

    #[test]
    fn parameters_lie_within_the_bound() {
        fn check<T: Element>() {
            let config = Conv2dConfig::new(8, 6, [5, 2]).groups(2).bias(false);
            let bound = 1.0 / 40.0_f64.sqrt();
            let (weight, bias) = parameters::<T>(&config, u64::MAX);
            assert_eq!((weight.shape(), bias), ([6, 4, 5, 2], None));
            let largest = weight.iter().map(|w| w.to_f64().abs()).fold(0.0, f64::max);
            assert!((0.97 * bound..bound).contains(&largest), "{largest} of {bound}");
        }
        check::<f32>();
        check::<f64>();
    }

    #[test]
    fn normal_draws_are_normal() {
        let draws = Tensor::<f64, 1>::randn([100_001], 3);
        let mean = |power: i32| draws.iter().map(|x| x.powi(power)).sum::<f64>() / 100_001.0;
        for (power, moment, error) in [(1, 0.0, 0.01), (2, 1.0, 0.02), (3, 0.0, 0.05), (4, 3.0, 0.15)] {
            assert!((mean(power) - moment).abs() < error, "moment {power}: {}", mean(power));
        }
    }

    #[test]
    fn normal_draws_are_deterministic() {
        let [wide, other] = [3, 4].map(|seed| Tensor::<f64, 1>::randn([3], seed));
        assert_eq!(wide, Tensor::randn([3], 3));
        assert_ne!(wide, other);
        let narrow = Tensor::<f32, 1>::from_fn([3], |[i]| f32::from_f64(wide[[i]]));
        assert_eq!(narrow, Tensor::randn([3], 3));
    }
}
