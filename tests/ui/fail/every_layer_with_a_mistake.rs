use conv_runtime::prelude::*;

conv2d! {
    struct First<in: 3, out: 4, k: 3, groups: 2>;
    struct Fine<in: 1, out: 1, k: 1>;
    struct Second<in: 1>;
    enum Third<in: 1, out: 1, k: 0>;
    struct Fourth(3);
}

fn main() {
    let _ = Fine::init(0);
}
// mistakes: 5
