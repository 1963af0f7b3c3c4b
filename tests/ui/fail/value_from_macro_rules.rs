use conv_runtime::prelude::*;

macro_rules! layer {
    ($name:ident, $channels:expr) => {
        conv2d! { struct $name<in: $channels, out: 4, k: 3>; }
    };
}

layer!(Sum, 2 + 1);
layer!(Minus, -1);

fn main() {}
// mistakes: 2
