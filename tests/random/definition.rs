//! The gradients of a layer by their definition: every product, one by one, in `f64`.

use conv_runtime::{Conv2dConfig, Element, PaddingMode, Tensor};

/// Sums of products, and of their absolute values, which say how far rounding can take a sum.
pub(crate) struct Sums(Vec<[f64; 2]>);

impl Sums {
    fn new(len: usize) -> Self {
        Self(vec![[0.0; 2]; len])
    }

    fn add(&mut self, at: usize, product: f64) {
        let [sum, size] = &mut self.0[at];
        (*sum, *size) = (*sum + product, *size + product.abs());
    }

    /// Where a tensor is farther from the sums than rounding takes it: any product that is missing or too many is more.
    ///
    /// # Errors
    /// The first such place.
    pub(crate) fn compare<E: Element, const R: usize>(&self, got: &Tensor<E, R>) -> Result<(), String> {
        assert_eq!(got.iter().len(), self.0.len(), "as many sums as elements");
        let share = if E::NAME == "f32" { 1e-4 } else { 1e-12 };
        let is_near = |got: f64, [sum, size]: [f64; 2]| (got - sum).abs() <= share * (size + 1e-3);
        let mut all = got.iter().map(|got| got.to_f64()).zip(&self.0).enumerate();
        match all.find(|(_, (got, sums))| !is_near(*got, **sums)) {
            Some((at, (got, [sum, _]))) => Err(format!("is {got} at {at}, and should be {sum}")),
            None => Ok(()),
        }
    }
}

/// The gradients of input, weight and bias.
pub(crate) struct Definition {
    pub(crate) input: Sums,
    pub(crate) weight: Sums,
    pub(crate) bias: Sums,
}

impl Definition {
    /// Those of an image, weights, and the output's gradient.
    pub(crate) fn of<E: Element>(config: &Conv2dConfig, [x, weight, grad]: [&Tensor<E, 4>; 3]) -> Self {
        let ([_, depth, kh, kw], [n, outs, out_h, out_w]) = (weight.shape(), grad.shape());
        let ([_, channels, h, w], outs_each) = (x.shape(), outs / config.groups);
        let sums = |of: &Tensor<E, 4>| Sums::new(of.iter().len());
        let mut all = Self { input: sums(x), weight: sums(weight), bias: Sums::new(outs) };
        let taps = |y: usize, axis: usize, taps: usize, size: usize| {
            (0..taps)
                .filter_map(move |tap| Some((tap, pixel(config, axis, [y, tap], size)?)))
                .collect::<Vec<_>>()
        };
        let rows: Vec<_> = (0..out_h).map(|y| taps(y, 0, kh, h)).collect();
        let columns: Vec<_> = (0..out_w).map(|x| taps(x, 1, kw, w)).collect();
        for (image, out) in (0..n).flat_map(|image| (0..outs).map(move |out| (image, out))) {
            for (y, x_out) in (0..out_h).flat_map(|y| (0..out_w).map(move |x| (y, x))) {
                let gradient = grad[[image, out, y, x_out]].to_f64();
                all.bias.add(out, gradient);
                for ((i, row), (j, column)) in
                    rows[y].iter().flat_map(|i| columns[x_out].iter().map(move |j| (i, j)))
                {
                    for c in 0..depth {
                        let channel = out / outs_each * depth + c;
                        let (pixel, tap) = ([image, channel, *row, *column], [out, c, *i, *j]);
                        let at = ((image * channels + channel) * h + row) * w + column;
                        all.input.add(at, gradient * weight[tap].to_f64());
                        all.weight.add(((out * depth + c) * kh + i) * kw + j, gradient * x[pixel].to_f64());
                    }
                }
            }
        }
        all
    }
}

/// The pixel that a tap of an output meets along one axis; none where it meets a zero.
fn pixel(config: &Conv2dConfig, axis: usize, [out, tap]: [usize; 2], size: usize) -> Option<usize> {
    let (at, before) = (out * config.stride[axis] + tap * config.dilation[axis], config.padding[axis][0]);
    match (config.padding_mode, at.checked_sub(before)) {
        (_, Some(pixel)) if pixel < size => Some(pixel),
        (PaddingMode::Zeros, _) => None,
        (PaddingMode::Replicate, inside) => Some(inside.map_or(0, |_| size - 1)),
        (PaddingMode::Reflect, None) => Some(before - at),
        (PaddingMode::Reflect, Some(pixel)) => Some(2 * (size - 1) - pixel),
        (PaddingMode::Circular, None) => Some(at + size - before),
        (PaddingMode::Circular, Some(pixel)) => Some(pixel - size),
    }
}
