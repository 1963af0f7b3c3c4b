//! The gradients by their definition, in `f64`: every product of the forward pass, handed back to its factors.
//!
//! ```text
//! for n, o, c, i, j, y, x:   with P the padded input, q = o / (out / groups) the group of o
//!     output[n, o, y, x] += weight[o, c, i, j] * P[n, q * in / groups + c, y * sh + i * dh, x * sw + j * dw]
//!  => grad_weight[..] += grad[n, o, y, x] * P[..]     grad_P[..] += grad[n, o, y, x] * weight[..]
//! ```

use conv_runtime::Tensor;

use crate::Row;

/// The gradients of input, weights and biases of a layer whose padding is zeros.
pub(crate) fn gradients(
    row: &Row,
    input: &Tensor<f32, 4>,
    weight: &Tensor<f32, 4>,
    grad: &Tensor<f32, 4>,
) -> [Vec<f64>; 3] {
    let [batch, channels, h, w] = row.input;
    let [_, outputs, oh, ow] = row.output;
    let [_, depth, kh, kw] = weight.shape();
    let mut of_input = vec![0.0; input.iter().count()];
    let mut of_weight = vec![0.0; weight.iter().count()];
    let mut of_bias = vec![0.0; outputs];
    for (n, o) in (0..batch).flat_map(|n| (0..outputs).map(move |o| (n, o))) {
        let plane = &grad.as_slice()[(n * outputs + o) * oh * ow..][..oh * ow];
        of_bias[o] += plane.iter().copied().map(f64::from).sum::<f64>();
        let first = n * channels + o / (outputs / row.config.groups) * depth;
        for at in 0..depth * kh * kw {
            let (c, tap) = (at / (kh * kw), [at / kw % kh, at % kw]);
            let image = (first + c) * h * w..(first + c + 1) * h * w;
            let weight = f64::from(weight.as_slice()[o * depth * kh * kw + at]);
            let pixels = &input.as_slice()[image.clone()];
            let of_pixels = &mut of_input[image];
            let mut sum = 0.0;
            for (y, x, source) in pairs(row, tap) {
                let grad = f64::from(plane[y * ow + x]);
                sum += grad * f64::from(pixels[source]);
                of_pixels[source] += grad * weight;
            }
            of_weight[o * depth * kh * kw + at] += sum;
        }
    }
    [of_input, of_weight, of_bias]
}

/// The outputs `(y, x)` that this tap reads a pixel for, and the pixel's place in its plane.
fn pairs(row: &Row, [i, j]: [usize; 2]) -> impl Iterator<Item = (usize, usize, usize)> {
    let ([_, _, h, w], [_, _, oh, ow]) = (row.input, row.output);
    let ([sh, sw], [dh, dw], [[top, _], [left, _]]) =
        (row.config.stride, row.config.dilation, row.config.padding);
    let pixel = |at: usize, padding: usize, size: usize| at.checked_sub(padding).filter(|&at| at < size);
    (0..oh).filter_map(move |y| Some((y, pixel(y * sh + i * dh, top, h)?))).flat_map(move |(y, row)| {
        (0..ow).filter_map(move |x| Some((y, x, row * w + pixel(x * sw + j * dw, left, w)?)))
    })
}
