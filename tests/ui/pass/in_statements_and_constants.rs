//! Everywhere a macro may stand.

use conv_runtime::prelude::*;

const _: () = {
    conv2d! { struct Hidden<in: 1, out: 1, k: 1>; }
    fn _uses() {
        let _ = Hidden::init(0);
    }
};

struct Net<L>(L);

impl<L: Conv2d<Elem = f32>> Net<L> {
    fn new() -> Self {
        Self(L::init(0))
    }
}

trait Build {
    fn build(&self) -> usize {
        conv2d!(in: 1, out: 4, k: 3).init(0).weight().as_slice().len()
    }
}

impl Build for () {}

fn main() {
    conv2d! { struct Layer<in: 1, out: 4, k: 3>; }
    let net = Net::<Layer>::new();
    assert_eq!(net.0.weight().as_slice().len(), ().build());
    let layers = [conv2d!(in: 1, out: 4, k: 3)].map(|layer| layer.init(0));
    match conv2d!(in: 1, out: 4, k: 3).init(1) {
        layer => drop((layers, layer)),
    }
}
