#!/bin/sh
# Measures, pinned to one core: run.sh NAME [OPTIONS OF peers run]. Writes results/NAME.* and, with AVX2,
# results/NAME-avx2.*. The core is 1, unless CORE says another; CARGO_TARGET_DIR is respected.
set -eu
cd "$(dirname "$0")"
name=$1
shift
target=${CARGO_TARGET_DIR:-target}/release
wide=$(grep -c avx512f /proc/cpuinfo || true)
if [ "$wide" -gt 0 ]; then
    # Without the feature, burn-flex and candle stay with AVX2.
    cargo build --release --no-default-features
    cp "$target/peers" "$target/peers-avx2"
fi
cargo build --release
# Most peers allocate their outputs: memory that they free stays theirs, or they would spend their time on page
# faults.
export MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=4294967296
taskset -c "${CORE:-1}" "$target/peers" run "$name" "$@"
[ "$wide" -gt 0 ] || exit 0 # it was AVX2 already
CONV_ISA=avx2 taskset -c "${CORE:-1}" "$target/peers-avx2" run "$name-avx2" "$@"
