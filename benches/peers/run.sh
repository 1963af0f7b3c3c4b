#!/bin/sh
# Measures everything, pinned to one core: run.sh NAME [CORE]. Writes results/NAME.* and results/NAME-avx2.*, and
# the table in the repository's README.
set -eu
cd "$(dirname "$0")"
name=$1
core=${2:-1}
target=${CARGO_TARGET_DIR:-target}
# Without the feature, burn-flex and candle stay with AVX2.
cargo build --release --no-default-features
cp "$target/release/peers" "$target/release/peers-avx2"
cargo build --release
taskset -c "$core" "$target/release/peers" run "$name"
CONV_ISA=avx2 taskset -c "$core" "$target/release/peers-avx2" run "$name-avx2"
"$target/release/peers" readme "$name"
