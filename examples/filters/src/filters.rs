//! The filters: constant layers, and how a person looks at what comes out.

use conv_runtime::Layer;
use conv_runtime::prelude::*;

conv2d! {
    /// How much brighter it gets to the right, and downwards.
    struct Sobel<in: 1, out: 2, k: 3, padding: 1, padding_mode: replicate, bias: false, weights: [
        [[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]],
        [[[-1, -2, -1], [0, 0, 0], [1, 2, 1]]],
    ]>;

    /// The binomial coefficients 1 4 6 4 1 along both axes, divided by 256.
    struct Blur<in: 1, out: 1, k: 5, padding: 2, padding_mode: replicate, bias: false, weights: [[[
        [0.00390625, 0.015625, 0.0234375, 0.015625, 0.00390625],
        [0.015625, 0.0625, 0.09375, 0.0625, 0.015625],
        [0.0234375, 0.09375, 0.140625, 0.09375, 0.0234375],
        [0.015625, 0.0625, 0.09375, 0.0625, 0.015625],
        [0.00390625, 0.015625, 0.0234375, 0.015625, 0.00390625],
    ]]]>;

    /// Each pixel, and how it differs from its neighbours.
    struct Sharpen<in: 1, out: 1, k: 3, padding: 1, padding_mode: replicate, bias: false, weights: [[[
        [0, -1, 0],
        [-1, 5, -1],
        [0, -1, 0],
    ]]]>;

    /// As if the light came from above and left.
    struct Emboss<in: 1, out: 1, k: 3, padding: 1, padding_mode: replicate, bias: false, weights: [[[
        [-2, -1, 0],
        [-1, 1, 1],
        [0, 1, 2],
    ]]]>;
}

type Image<'a> = TensorView<'a, f32, 3>;
type Output<'a> = TensorViewMut<'a, f32, 3>;
type Run = dyn Fn(Image<'_>, Output<'_>, &mut Scratch) -> Result<(), Error>;

/// A layer as an object.
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    /// `[out, 1, height, width]`
    pub(crate) weight: Tensor<f32, 4>,
    /// A column and a row that are both this have the weights for their product.
    pub(crate) row: Option<&'static [f32]>,
    shape: fn([usize; 3]) -> Result<[usize; 3], Error>,
    run: Box<Run>,
}

/// All of them.
pub(crate) fn filters() -> [Filter; 4] {
    [
        Filter::of("sobel", Sobel),
        Filter { row: Some(&[0.0625, 0.25, 0.375, 0.25, 0.0625]), ..Filter::of("blur", Blur) },
        Filter::of("sharpen", Sharpen),
        Filter::of("emboss", Emboss),
    ]
}

impl Filter {
    fn of<L: Layer<Elem = f32> + 'static>(name: &'static str, layer: L) -> Self {
        Self {
            name,
            weight: layer.weight(),
            row: None,
            shape: L::output_shape,
            run: Box::new(move |image, output, scratch| layer.forward_with(image, output, scratch)),
        }
    }

    pub(crate) fn output_shape(&self, image: [usize; 3]) -> Result<[usize; 3], Error> {
        (self.shape)(image)
    }

    pub(crate) fn run(
        &self,
        image: Image<'_>,
        output: Output<'_>,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        (self.run)(image, output, scratch)
    }
}

/// One channel to look at: the length of a gradient, or what there is.
pub(crate) fn show(output: Tensor<f32, 3>) -> Result<Tensor<f32, 3>, Error> {
    let [channels, height, width] = output.shape();
    if channels == 1 {
        return Ok(output);
    }
    let (right, down) = output.as_slice().split_at(height * width);
    let lengths = right.iter().zip(down).map(|(x, y)| x.hypot(*y));
    Tensor::from_vec([1, height, width], lengths.collect())
}
