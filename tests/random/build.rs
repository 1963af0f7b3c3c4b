//! Draws the layers that `random.rs` tests: `RANDOM_LAYERS` of them, other ones for each `RANDOM_SEED`.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, iter};

use fastrand::Rng;

/// Products of a batch, at most, for the definition takes them one by one.
const MOST: usize = 8_000_000;

fn main() {
    // A linter that has seen two would say the same of the others.
    let count = number("RANDOM_LAYERS", if cfg!(clippy) { 2 } else { 8 });
    let mut rng = Rng::with_seed(number("RANDOM_SEED", 12));
    let mut text = String::from("layers! {\n");
    let layers = iter::repeat_with(|| Layer::draw(&mut rng)).filter(Layer::is_sound);
    for (at, layer) in (0..count).zip(layers) {
        let [n, h, w] = layer.batch;
        let (c, keys) = (layer.inputs, layer.keys());
        writeln!(text, "    layer_{at}, [{n}, {c}, {h}, {w}], {{ {keys} }};").expect("a string takes all");
    }
    text.push_str("}\n");
    let folder = env::var("OUT_DIR").expect("cargo says where");
    fs::write(Path::new(&folder).join("layers.rs"), text).expect("the folder can be written to");
}

/// A number from the environment.
fn number(name: &str, default: u64) -> u64 {
    println!("cargo::rerun-if-env-changed={name}");
    env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

/// A layer and a batch of images.
struct Layer {
    inputs: usize,
    outputs: usize,
    groups: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: [[usize; 2]; 2],
    mode: &'static str,
    batch: [usize; 3],
    /// What else the layer is told, perhaps its image's size.
    rest: String,
}

/// One of them.
fn choice<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

/// Along each axis one of them, more often than not the same.
fn pair(rng: &mut Rng, from: &[usize]) -> [usize; 2] {
    let [h, w] = [choice(rng, from), choice(rng, from)];
    if rng.u8(..10) < 7 { [h, h] } else { [h, w] }
}

impl Layer {
    /// Any layer, also one that there cannot be.
    fn draw(rng: &mut Rng) -> Self {
        let kind = choice(rng, &["plain", "plain", "patches", "one tap", "depthwise", "groups", "dilated"]);
        let mut kernel = pair(rng, &[1, 2, 3, 3, 3, 4, 5, 7]);
        let mut stride = pair(rng, &[1, 1, 1, 2, 2, 3, 4]);
        let mut dilation = if rng.u8(..10) == 0 { pair(rng, &[1, 2, 3]) } else { [1, 1] };
        let mut inputs = choice(rng, &[1, 2, 3, 4, 8, 16, 17, 32, 48, 64, 100, 128, 256]);
        let mut outputs = choice(rng, &[1, 2, 3, 8, 16, 19, 24, 32, 48, 64, 96, 128, 200]);
        let mut groups = 1;
        match kind {
            "patches" => (stride, dilation) = (kernel, [1, 1]),
            "one tap" => (kernel, dilation) = ([1, 1], [1, 1]),
            "dilated" => dilation = pair(rng, &[1, 2, 3, 6]),
            "depthwise" => {
                groups = choice(rng, &[1, 2, 3, 5, 8, 10, 17, 24]);
                (inputs, outputs) = (groups, groups * choice(rng, &[1, 1, 1, 2, 3]));
            }
            "groups" => {
                groups = rng.usize(2..6);
                inputs = groups * choice(rng, &[1, 2, 3, 4, 8, 17]);
                outputs = groups * choice(rng, &[1, 2, 4, 7, 16, 20]);
            }
            _ => {}
        }
        let same = [0, 1].map(|axis| [(kernel[axis] - 1) * dilation[axis] / 2; 2]);
        let any = [0, 1].map(|_| [0, 1].map(|_| choice(rng, &[0, 0, 1, 1, 2, 3])));
        let padding = match rng.u8(..10) {
            _ if kind == "patches" => [[0; 2]; 2],
            0..3 => [[0; 2]; 2],
            3..8 => same,
            _ => any,
        };
        let mode = choice(rng, &["zeros", "zeros", "zeros", "zeros", "reflect", "replicate", "circular"]);
        let [h, w] = pair(rng, &[1, 3, 4, 5, 7, 8, 9, 12, 14, 15, 16, 17, 23, 28, 31, 33, 40, 57]);
        let batch = [choice(rng, &[1, 1, 2, 3, 5]), h, w];
        let rest = [
            (rng.u8(..10) < 6).then(|| format!("input: ({h}, {w})")),
            (rng.u8(..10) < 3).then(|| "bias: false".to_owned()),
            (rng.u8(..10) < 2).then(|| "dtype: f64".to_owned()),
        ];
        let rest = rest.into_iter().flatten().collect::<Vec<_>>().join(", ");
        Self { inputs, outputs, groups, kernel, stride, dilation, padding, mode, batch, rest }
    }

    /// Whether the kernel and the padding suit the image, and there is not too much to do.
    fn is_sound(&self) -> bool {
        let Self { inputs, outputs, groups, kernel, batch: [n, h, w], .. } = *self;
        let out = [(0, h), (1, w)].map(|(axis, size)| {
            let ([before, after], most) =
                (self.padding[axis], self.padding[axis][0].max(self.padding[axis][1]));
            let suits = match self.mode {
                "reflect" => most < size,
                "circular" => most <= size,
                _ => true,
            };
            let rest = (size + before + after).checked_sub((kernel[axis] - 1) * self.dilation[axis] + 1);
            rest.filter(|_| suits).map_or(0, |rest| rest / self.stride[axis] + 1)
        });
        let products = n * out[0] * out[1] * outputs * (inputs / groups) * kernel[0] * kernel[1];
        (1..=MOST).contains(&products)
    }

    /// The layer as the macro wants it.
    fn keys(&self) -> String {
        let Self { inputs, outputs, groups, kernel, stride, dilation, padding, mode, rest, .. } = self;
        let pair = |[h, w]: [usize; 2]| format!("({h}, {w})");
        let [kernel, stride, dilation] = [kernel, stride, dilation].map(|of| pair(*of));
        let [rows, columns] = padding.map(pair);
        format!(
            "in: {inputs}, out: {outputs}, k: {kernel}, stride: {stride}, padding: ({rows}, {columns}), \
             dilation: {dilation}, groups: {groups}, padding_mode: {mode}, {rest}"
        )
    }
}
