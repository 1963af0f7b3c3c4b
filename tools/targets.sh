#!/usr/bin/env bash
# cargo for the targets that this machine is not: what compiles for them, and what runs their programs.
#
#   tools/targets.sh TARGET COMMAND...   `cargo COMMAND...` for the target
#   tools/targets.sh install             what the targets need, as far as this user may install it
#
# TARGET        triple                               programs run in
#   aarch64       aarch64-unknown-linux-gnu            qemu
#   wasm          wasm32-wasip1 with simd128           node
#   wasm-scalar   wasm32-wasip1                        node
#   web           wasm32-unknown-unknown with simd128  a browser: build only
#   thumb         thumbv7em-none-eabihf                qemu's Cortex-M4
#
# Exit status 77: this machine cannot do it; the last line says what it lacks.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

lacks() {
    echo "$*"
    exit 77
}

# need PROGRAM PACKAGE
need() {
    type -P "$1" >/dev/null || lacks "there is no $1 (Debian: apt-get install $2)"
}

# set_for VARIABLE VALUE: cargo's variable for the triple.
set_for() {
    local name=${triple//-/_}
    export "CARGO_TARGET_${name^^}_$1=$2"
}

# The standard library for the triple: the toolchain's, or rustup's, or one made from its source.
standard_library() {
    local log
    [ ! -e "$(rustc --print target-libdir --target "$triple")" ] || return 0
    ! { type -P rustup >/dev/null && rustup target add "$triple"; } || return 0
    log=$("$here/std.sh" "$triple") || lacks "neither rustup nor Debian has a standard library for $triple: ${log##*$'\n'}"
    flags+=" --sysroot=${log##*$'\n'}"
}

# Tests have images of arrays on the stack: as large a one as a thread's elsewhere, twice WebAssembly's usual. And V8 forgets
# the bytecode of what a program returns to, if it runs for more than some seconds, and then crashes (Node.js 20).
wasi() {
    need node nodejs
    flags+=' -Clink-arg=-zstack-size=2097152'
    set_for RUNNER "node --no-warnings --no-flush-bytecode $here/wasi.mjs"
}

# Tests that start themselves again need to know what runs them.
qemu() {
    need qemu-aarch64-static qemu-user-static
    need aarch64-linux-gnu-gcc 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross'
    export CONV_TEST_RUNNER='qemu-aarch64-static -L /usr/aarch64-linux-gnu'
    set_for RUNNER "$CONV_TEST_RUNNER"
    set_for LINKER aarch64-linux-gnu-gcc
}

# Firmware runs on a board of Arm's, and talks to it as to a debugger.
cortex_m() {
    [ "$command" != run ] || need qemu-system-arm qemu-system-arm
    set_for RUNNER 'qemu-system-arm -machine mps2-an386 -nographic -semihosting-config enable=on,target=native -kernel'
}

simd128() {
    flags+=' -Ctarget-feature=+simd128'
}

# What is missing of Debian's: emulators, a linker, and a browser for the page of examples/digits_web. Each by itself, so
# that one that this system does not have leaves the others.
install() {
    local program missing=() failed=()
    for program in qemu-aarch64-static:qemu-user-static aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu \
        aarch64-linux-gnu-gcc:libc6-dev-arm64-cross qemu-system-arm:qemu-system-arm chromium:chromium; do
        type -P "${program%:*}" >/dev/null || missing+=("${program#*:}")
    done
    ((${#missing[@]})) || return 0
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || lacks "only root of a Debian system can install ${missing[*]}"
    apt-get update || lacks 'apt-get has no list of packages'
    for program in "${missing[@]}"; do
        apt-get install --yes --no-install-recommends "$program" || failed+=("$program")
    done
    ((${#failed[@]} == 0)) || lacks "apt-get cannot install ${failed[*]}"
}

flags=
command=${2:-}
case ${1:-} in
    install) install && exit ;;
    aarch64) triple=aarch64-unknown-linux-gnu && qemu ;;
    wasm) triple=wasm32-wasip1 && wasi && simd128 ;;
    wasm-scalar) triple=wasm32-wasip1 && wasi ;;
    web) triple=wasm32-unknown-unknown && simd128 ;;
    thumb) triple=thumbv7em-none-eabihf && cortex_m ;;
    *) command= ;;
esac
[ -n "$command" ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" && exit 2; }
standard_library
set_for RUSTFLAGS "$flags"
set_for RUSTDOCFLAGS "$flags"
shift 2
exec cargo "$command" --target "$triple" "$@"
