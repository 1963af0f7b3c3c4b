//! Its mistakes are none: the file that it reads may be there only where it is wanted.
use conv_runtime::prelude::*;

conv2d! {
    #[cfg(any())]
    struct LeftOut<in: 1, out: 1, k: 1, weights: "there is no such file.safetensors", tensor: "a">;
    #[cfg(any())]
    struct Wrong<in: 3, out: 4, k: 0, groups: 2>;
    struct There<in: 1, out: 1, k: 1>;
}

fn main() {
    let _: There = There::init(0);
    conv2d! {
        #[cfg(any())]
        struct AsStatement<in: 3>;
    }
}
