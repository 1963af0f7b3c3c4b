use conv_runtime::prelude::*;

fn main() {
    let image = Tensor::<f32, 3>::zeros([1, 4, 4]);
    let _ = conv2d!(in: 1, out: 1, k: 1, bias: false, weights: [[[[N]]]]).forward(&image);
}
