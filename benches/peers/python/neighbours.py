"""Prints layers/src/neighbours.rs: twenty layers near those of the suite, drawn at random.

    python3 python/neighbours.py > layers/src/neighbours.rs

Channels that are no multiple of 16 and images of odd sizes: what nobody tuned for. The seed is fixed, and the
first draw was kept.
"""

import random

# (name, in, out, kernel, stride, padding, dilation, groups, image)
PARENTS = [
    ("stem7", 3, 64, 7, 2, 3, 1, 1, 224),
    ("stem3", 3, 32, 3, 2, 1, 1, 1, 224),
    ("grey5", 1, 64, 5, 1, 2, 1, 1, 128),
    ("c3", 64, 64, 3, 1, 1, 1, 1, 56),
    ("c3", 128, 128, 3, 1, 1, 1, 1, 28),
    ("c3", 256, 256, 3, 1, 1, 1, 1, 14),
    ("c3", 64, 32, 3, 1, 1, 1, 1, 128),
    ("c3", 512, 512, 3, 1, 1, 1, 1, 7),
    ("c3s2", 128, 128, 3, 2, 1, 1, 1, 56),
    ("c3s2", 64, 128, 3, 2, 1, 1, 1, 28),
    ("c1", 64, 256, 1, 1, 0, 1, 1, 56),
    ("c1", 512, 128, 1, 1, 0, 1, 1, 28),
    ("c1", 16, 96, 1, 1, 0, 1, 1, 112),
    ("c1", 320, 1280, 1, 1, 0, 1, 1, 7),
    ("dw3", 96, 96, 3, 1, 1, 1, 96, 56),
    ("dw3s2", 96, 96, 3, 2, 1, 1, 96, 112),
    ("dw5", 240, 240, 5, 1, 2, 1, 240, 28),
    ("dw7", 96, 96, 7, 1, 3, 1, 96, 56),
    ("g", 128, 128, 3, 1, 1, 1, 32, 56),
    ("d2", 128, 128, 3, 1, 2, 2, 1, 28),
]

HEAD = """\
//! Layers near those of the suite, drawn at random by `python/neighbours.py`: channels that are no multiple of
//! 16, images of odd sizes. In the form of the suite's table.

/// Hands every neighbouring layer to a macro.
#[macro_export]
macro_rules! for_each_neighbour_layer {
    ($visit:ident) => {
        $visit! {"""


def near(rng, number):
    """A number within 40 % of another, not a multiple of 16."""
    while True:
        drawn = round(number * rng.uniform(0.6, 1.4))
        if drawn % 16 and drawn > 1:
            return drawn


def odd(rng, number):
    """An odd number within 30 % of another."""
    return round(number * rng.uniform(0.7, 1.3)) | 1


def main():
    rng = random.Random(2026)
    print(HEAD)
    for name, inputs, outputs, kernel, stride, padding, dilation, groups, image in PARENTS:
        height, width = odd(rng, image), odd(rng, image)
        if groups == inputs > 1:
            inputs = outputs = groups = near(rng, inputs)
        elif groups > 1:
            per_group = rng.choice([3, 5, 6, 7])
            groups = rng.choice([10, 21, 30])
            inputs, outputs = groups * per_group, groups * per_group
        else:
            inputs = inputs if inputs < 4 else near(rng, inputs)
            outputs = near(rng, outputs)
        keys = [f"in: {inputs}", f"out: {outputs}", f"k: {kernel}"]
        keys += [f"stride: {stride}"] * (stride > 1)
        keys += [f"padding: {padding}"] * (padding > 0)
        keys += [f"dilation: {dilation}"] * (dilation > 1)
        keys += [f"groups: {groups}"] * (groups > 1)
        label = f"{name}_{inputs}_{height}x{width}" if groups == inputs > 1 else f"{name}_{inputs}_{outputs}_{height}x{width}"
        print(f"            {label}, 1, ({height}, {width}), {{ {', '.join(keys)} }};")
    print("        }\n    };\n}")


main()
