//! The runtime under another name.

extern crate conv_runtime as runtime;

mod vendored {
    pub(crate) use ::conv_runtime::*;
}

mod conv_runtime {}

use crate::runtime::prelude::*;

conv2d! {
    struct Renamed<in: 1, out: 1, k: 3, crate: ::conv_runtime>;
    struct Vendored<in: 1, out: 1, k: 3, crate: crate::vendored>;
    struct Relative<in: 1, out: 1, k: 3, crate: runtime>;
}

mod inner {
    crate::runtime::conv2d! { pub(super) struct Inner<in: 1, out: 1, k: 3, crate: super::vendored>; }
}

fn main() {
    let _ = (Renamed::init(0), Vendored::init(0), Relative::init(0), inner::Inner::init(0));
}
