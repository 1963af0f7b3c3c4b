use conv_runtime::prelude::*;

conv2d! {
    #[derive(Debug, Clone)]
    pub struct Layer<in: 10, out: 4, k: 3, groups: 4>;
}

#[derive(Debug, Clone)]
pub struct Net {
    pub layer: Layer,
}

fn main() {
    let net = Net { layer: Layer::init(0) };
    println!("{:?}", net.clone());
}
