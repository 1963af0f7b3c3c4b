use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 0, out: 4, k: 3>; }

fn main() -> Result<(), Error> {
    let layer = Layer::init(0);
    let x = Tensor::<f32, 4>::randn([1, 1, 5, 5], 1);
    let y = layer.forward(&x)?;
    assert_eq!(y.shape(), [1, 4, 3, 3]);
    Ok(())
}
