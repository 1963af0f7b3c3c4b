//! Values, names and whole lists that other macros hand on.

use conv_runtime::prelude::*;

macro_rules! layer {
    ($(#[$attr:meta])* $vis:vis $name:ident, $channels:expr, $kernel:expr, $padding:expr, $mode:ident, $bias:literal) => {
        conv2d! {
            $(#[$attr])*
            $vis struct $name<in: $channels, out: $channels, k: $kernel, padding: $padding,
                padding_mode: $mode, bias: $bias>;
        }
    };
}

macro_rules! nested {
    ($name:ident, $channels:expr) => {
        layer!(pub(crate) $name, $channels, (3, $channels), ((0, 1), (1, 0)), reflect, true);
    };
}

macro_rules! list {
    ($name:ident, $($arguments:tt)*) => {
        conv2d! { struct $name<$($arguments)*>; }
    };
}

macro_rules! pairs {
    ($name:ident, $($key:ident: $value:expr),*) => {
        conv2d! { struct $name<$($key: $value),*>; }
    };
}

macro_rules! value {
    ($($key:ident: $value:expr),*) => {
        conv2d!($($key: $value),*)
    };
}

macro_rules! runtime {
    ($name:ident, $runtime:path) => {
        conv2d! { struct $name<in: 1, out: 1, k: 1, crate: $runtime>; }
    };
}

layer!(
    /// Documented.
    #[derive(Debug, Clone)]
    Direct, 2, 3, same, zeros, false
);
layer!(pub Quoted, 0x2, (3), "same", circular, true);
nested!(Nested, 2);
list!(List, in: 1, out: 2, k: (2, 3), stride: 2,);
pairs!(Pairs, out: 2, k: (2, 3), in: 1);
runtime!(Runtime, ::conv_runtime);

fn main() {
    let _ = (Direct::init(0), Quoted::init(0), Nested::init(0), List::init(0), Pairs::init(0), Runtime::init(0));
    let _ = value!(in: 1, out: 2, k: (2, 3)).init(0);
}
