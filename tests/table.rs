//! Every layer of the table against the definition, on every instruction set of the machine.
//!
//! A row is a test. Each image is run as part of a batch of three, as a batch of one and without a batch:
//! with small integers, which only minimal filtering rounds, so that every other result must be exact, and
//! with numbers from a normal distribution, whose results must be within rounding errors.

#[path = "common/layers.rs"]
mod layers;
#[path = "common/machine.rs"]
mod machine;
#[path = "common/subject.rs"]
mod subject;

#[cfg(target_arch = "x86_64")]
use std::collections::BTreeSet;

use conv_runtime::prelude::*;
use conv_runtime::{Conv2dConfig, Element, PaddingMode, generic};

use machine::isas;
use subject::{Subject, run, run_image, subject};

/// Output sizes around the multiples of every vector's lanes, the smallest, and one of more rows than fit a
/// cache.
const OUTPUTS: [[usize; 2]; 13] = [
    [1, 1],
    [2, 3],
    [1, 4],
    [3, 5],
    [2, 8],
    [5, 9],
    [4, 15],
    [2, 16],
    [8, 17],
    [1, 31],
    [9, 33],
    [17, 2],
    [75, 90],
];

/// Products of an image, at most. The largest image is not for a layer of many channels: tests are not optimised, and it
/// alone would take a minute.
const MOST: usize = 32 << 20;

/// A row of the table.
struct Row<E> {
    name: &'static str,
    config: Conv2dConfig,
    /// The layer with given weights.
    make: Make<E>,
    /// The image size that it is made for, if there is one.
    known: Option<[usize; 2]>,
    /// Whether sums of small integers are exact.
    is_exact: bool,
}

type Make<E> = fn(&Tensor<E, 4>, Option<&Tensor<E, 1>>) -> Box<dyn Subject<E>>;

impl<E: Element> Row<E> {
    fn of<L: Conv2d<Elem = E> + 'static>(name: &'static str) -> Self {
        let known = known(&L::CONFIG, L::output_shape);
        Self { name, config: L::CONFIG, make: subject::<L>, known, is_exact: !L::PLAN.contains("winograd") }
    }

    /// Heights and widths to run the layer on.
    fn sizes(&self) -> Vec<[usize; 2]> {
        let least = least(&self.config);
        let size = |[h, w]: [usize; 2], odd: usize| {
            let more = |out: usize, axis: usize| {
                // Strides beyond any image are strides, too; and pixels that no window reaches are pixels.
                let stride = self.config.stride[axis].min(5);
                (out - 1) * stride + odd % stride
            };
            [least[0] + more(h, 0), least[1] + more(w, 1)]
        };
        if let Some(size) = self.known {
            return vec![size];
        }
        let outputs = OUTPUTS.iter().enumerate().filter(|(_, [h, w])| h * w * self.products() <= MOST);
        outputs.map(|(i, out)| size(*out, i)).collect()
    }

    /// Products in a pixel of all output channels.
    fn products(&self) -> usize {
        self.config.weight_shape().iter().product()
    }

    fn check(&self) {
        for size in self.sizes() {
            let integers = Data::integers(&self.config, size);
            let expected = integers.expected();
            self.on_every_isa(&integers, |got| {
                if self.is_exact { equal(got, &expected) } else { integers.verify(got) }
            });
            let normal = Data::normal(&self.config, size);
            self.on_every_isa(&normal, |got| normal.verify(got));
        }
    }

    /// Runs the layer on every instruction set, and sees to it that it was every one.
    fn on_every_isa(&self, data: &Data<E>, verdict: impl Fn(&Tensor<E, 4>) -> Result<(), String>) {
        let layer = (self.make)(&data.weight, data.bias.as_ref());
        let mut ran = Vec::new();
        for isa in isas() {
            let layer = layer.on(isa);
            let place = format!("{} on {isa}, input {:?}", self.name, data.x.shape());
            let mut scratch = Scratch::new();
            // What an earlier call leaves in the scratch must not matter.
            let nan = Tensor::full(data.x.shape(), E::from_f64(f64::NAN));
            run(&*layer, &nan, &mut scratch);
            assert!(
                layer.parameters() == (data.weight.clone(), data.bias.clone()),
                "{place}: weights come back"
            );
            let got = run(&*layer, &data.x, &mut scratch);
            verdict(&got).unwrap_or_else(|difference| panic!("{place}: {difference}"));
            self.check_first_image(&*layer, data, &got, &mut scratch);
            ran.push(layer.isa());
        }
        assert_eq!(ran, isas(), "{}", self.name);
    }

    /// The first image of a batch, as a batch of its own and without one: the same bits.
    fn check_first_image(
        &self,
        layer: &dyn Subject<E>,
        data: &Data<E>,
        batch: &Tensor<E, 4>,
        s: &mut Scratch,
    ) {
        let [_, c, h, w] = data.x.shape();
        let pixels = data.x.as_slice()[..c * h * w].to_vec();
        let alone = Tensor::from_vec([c, h, w], pixels.clone()).expect("one image");
        let alone = run_image(layer, &alone, s);
        let one = run(layer, &Tensor::from_vec([1, c, h, w], pixels).expect("one image"), s);
        let first = &batch.as_slice()[..alone.len()];
        assert!(one.as_slice() == first, "{}: batch of one, {h}x{w}", self.name);
        assert!(alone.as_slice() == first, "{}: no batch, {h}x{w}", self.name);
    }
}

/// The smallest image that the layer accepts.
fn least(config: &Conv2dConfig) -> [usize; 2] {
    [0, 1].map(|axis| {
        let [before, after] = config.padding[axis];
        let rest = config.effective_kernel()[axis].saturating_sub(before + after);
        rest.max(match config.padding_mode {
            PaddingMode::Reflect => before.max(after) + 1,
            PaddingMode::Circular => before.max(after).max(1),
            PaddingMode::Zeros | PaddingMode::Replicate => 1,
        })
    })
}

/// The size that a layer is made for: what it says when it is asked for two others.
fn known(config: &Conv2dConfig, shape: fn([usize; 3]) -> Result<[usize; 3], Error>) -> Option<[usize; 2]> {
    let [h, w] = least(config);
    [h, h + 1].into_iter().find_map(|h| match shape([config.in_channels, h, w]) {
        Err(Error::InputSize { expected, .. }) => Some(expected),
        _ => None,
    })
}

/// A layer's parameters and a batch of three images.
struct Data<E> {
    config: Conv2dConfig,
    weight: Tensor<E, 4>,
    bias: Option<Tensor<E, 1>>,
    x: Tensor<E, 4>,
}

impl<E: Element> Data<E> {
    /// Integers from -3 to 3: no sum of theirs is ever rounded.
    fn integers(config: &Conv2dConfig, size: [usize; 2]) -> Self {
        let mut state = 1_u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            E::from_f64(f64::from(state >> 16) % 7.0 - 3.0)
        };
        let weight = Tensor::from_fn(config.weight_shape(), |_| draw());
        let bias = config.bias.then(|| Tensor::from_fn([config.out_channels], |_| draw()));
        let [h, w] = size;
        let x = Tensor::from_fn([3, config.in_channels, h, w], |_| draw());
        Self { config: *config, weight, bias, x }
    }

    fn normal(config: &Conv2dConfig, [h, w]: [usize; 2]) -> Self {
        let weight = Tensor::randn(config.weight_shape(), 1);
        let bias = config.bias.then(|| Tensor::randn([config.out_channels], 2));
        Self { config: *config, weight, bias, x: Tensor::randn([3, config.in_channels, h, w], 3) }
    }

    fn expected(&self) -> Tensor<E, 4> {
        generic::conv2d(&self.x, &self.weight, self.bias.as_ref(), &self.config).expect("it all fits")
    }

    fn verify(&self, got: &Tensor<E, 4>) -> Result<(), String> {
        let report = generic::verify(got, &self.x, &self.weight, self.bias.as_ref(), &self.config);
        let report = report.map_err(|error| error.to_string())?;
        if report.passed() { Ok(()) } else { Err(report.to_string()) }
    }
}

fn equal<E: Element>(got: &Tensor<E, 4>, expected: &Tensor<E, 4>) -> Result<(), String> {
    let pairs = got.iter().zip(expected);
    match pairs.enumerate().find(|(_, (got, expected))| got != expected) {
        Some((at, (got, expected))) => Err(format!("element {at} is {got:?} and should be {expected:?}")),
        None => Ok(()),
    }
}

/// An image as arrays.
trait Nested<E> {
    fn filled_with(value: E) -> Box<Self>;
    fn flat(&mut self) -> &mut [E];
}

impl<E: Copy, const C: usize, const H: usize, const W: usize> Nested<E> for [[[E; W]; H]; C] {
    fn filled_with(value: E) -> Box<Self> {
        Box::new([[[value; W]; H]; C])
    }

    fn flat(&mut self) -> &mut [E] {
        self.as_flattened_mut().as_flattened_mut()
    }
}

/// A layer for any image and the same for one size: the same results, and from arrays, too.
fn check_twins<E, Free, Known>(name: &'static str)
where
    E: Element,
    Free: Conv2d<Elem = E> + 'static,
    Known: Conv2d<Elem = E> + FixedConv2d<Elem = E> + 'static,
    Known::Input: Nested<E>,
    Known::Output: Nested<E>,
{
    let (free, known) = (Row::of::<Free>(name), Row::of::<Known>(name));
    assert_eq!(free.config, known.config, "{name}");
    assert_eq!(free.known, None, "{name}");
    free.check();
    known.check();
    let size = known.known.expect("the second twin is made for one size");
    let Data { weight, bias, x, .. } = Data::integers(&known.config, size);
    let free = Free::new(&weight, bias.as_ref()).expect("the layer's weights");
    let known = Known::new(&weight, bias.as_ref()).expect("the layer's weights");
    let expected = free.forward(&x).expect("a size for all");
    assert_eq!(known.forward(&x).expect("the known size"), expected, "{name}");
    let mut input = Known::Input::filled_with(E::ZERO);
    let pixels = input.flat().len();
    input.flat().copy_from_slice(&x.as_slice()[..pixels]);
    let mut output = Known::Output::filled_with(E::from_f64(f64::NAN));
    known.forward_array(&input, &mut output);
    let got = output.flat();
    assert_eq!(*got, expected.as_slice()[..got.len()], "{name}: arrays");
}

/// Algorithms, and what kernels read. Constants alone have columns that slide.
#[cfg(target_arch = "x86_64")]
const ALGORITHMS: [&str; 6] = ["direct_oc", "direct_ow", "direct_rows", "in_place", "tiny", "winograd"];
#[cfg(target_arch = "x86_64")]
const SOURCES: [&str; 9] = [
    "a copy as one row, channels last",
    "a copy, channels last",
    "a padded copy",
    "a padded copy with columns sorted modulo 2",
    "gathered pixels as one row",
    "gathered pixels as one row, channels last",
    "the image itself",
    "the image itself as one row",
    "the image itself, padded in registers",
];

/// Each of them is in the plan of some layer, and no plan has another.
#[cfg(target_arch = "x86_64")]
fn check_kinds(plans: &[&str]) {
    let kernels =
        plans.iter().flat_map(|plan| plan.lines()).filter_map(|line| line.trim().split_once("-bit: "));
    let (mut algorithms, mut sources) = (BTreeSet::new(), BTreeSet::new());
    for (_, kernel) in kernels {
        let (algorithm, rest) = kernel.split_once(", ").expect("an algorithm and its tile");
        let (_, rest) = rest.split_once("; reads ").expect("what the kernel reads");
        algorithms.insert(algorithm);
        sources.insert(rest.split(';').next().expect("a sentence"));
    }
    // Any stride may sort a copy.
    sources.retain(|source| SOURCES.contains(source) || !source.contains("sorted modulo"));
    assert!(algorithms.iter().eq(&ALGORITHMS), "{algorithms:?}");
    assert!(sources.iter().eq(&SOURCES), "{sources:?}");
}

macro_rules! test_layers {
    ($($name:ident, { $($keys:tt)* };)*) => {
        $(mod $name {
            conv_runtime::conv2d! { pub(super) struct Layer<$($keys)*>; }

            #[test]
            fn agrees_with_the_definition() {
                crate::Row::of::<Layer>(stringify!($name)).check();
            }
        })*

        #[test]
        fn the_table_is_not_smaller_than_it_was() {
            let names = [$(stringify!($name)),*];
            assert!(names.len() >= 256, "{} layers", names.len());
        }

        #[test]
        #[cfg(target_arch = "x86_64")]
        fn the_table_has_every_kind_of_plan() {
            crate::check_kinds(&[$(<$name::Layer as conv_runtime::Layer>::PLAN),*]);
        }
    };
}

macro_rules! test_twins {
    ($($name:ident, $size:tt, { $($keys:tt)* };)*) => {
        $(mod $name {
            conv_runtime::conv2d! {
                struct Free<$($keys)*>;
                struct Known<$($keys)*, input: $size>;
            }

            #[test]
            fn agree() {
                crate::check_twins::<_, Free, Known>(stringify!($name));
            }
        })*
    };
}

mod one {
    crate::for_each_layer!(test_layers);
}

mod twins {
    crate::for_each_twin!(test_twins);
}
