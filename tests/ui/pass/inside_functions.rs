//! Layers in functions, blocks and closures, of the same name.

use conv_runtime::prelude::*;

fn first() -> usize {
    conv2d! { struct Layer<in: 1, out: 4, k: 3>; }
    Layer::init(0).weight().as_slice().len()
}

fn second() -> usize {
    let inner = || {
        conv2d! { struct Layer<in: 2, out: 4, k: 3>; }
        Layer::init(0).weight().as_slice().len()
    };
    {
        conv2d! { struct Layer<in: 3, out: 4, k: 3>; }
        inner() + Layer::init(0).weight().as_slice().len()
    }
}

fn main() {
    assert_eq!((first(), second()), (36, 180));
}
