use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 1, out: 4, k: (1, 2, 3), dtype: f64>; }

fn check<L: Conv2d<Elem = f64>>() -> L {
    L::init(7)
}

fn main() {
    let _ = check::<Layer>().weight();
}
