#!/usr/bin/env bash
# Builds the standard library for a target where rustup has none to download: from Debian's package of its source, with
# the compiler that is there. Once; it is kept in the user's cache.
#
#   tools/std.sh TRIPLE   the last line is the sysroot for `rustc --sysroot`
set -euo pipefail
triple=$1
version=$(rustc --version --verbose | sed -n 's/^release: //p')
host=$(rustc --version --verbose | sed -n 's/^host: //p')
home=${XDG_CACHE_HOME:-$HOME/.cache}/conv-targets/$version
sysroot=$home/sysroot
libraries=$sysroot/lib/rustlib/$triple/lib

# apt with lists of its own: those of the releases that may have the version.
debian() {
    local command=$1
    shift
    "$command" -o Dir::Etc::SourceList="$home/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$home/lists" -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}

# Where this machine's own packages come from.
mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        awk '$1 == "URIs:" { print $2; exit } $1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ "^http") { print $i; exit } }'
}

lists() {
    mkdir -p "$home/lists/partial"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
        "$(mirror)" stable "$(mirror)" trixie-backports "$(mirror)" sid "$(mirror)" experimental >"$home/sources.list"
    debian apt-get update
}

# unpack PACKAGE OPTIONS...: those of a package's files that tar's options name, into the current folder.
unpack() {
    debian apt-get download "$1"
    dpkg-deb --fsys-tarfile ./*.deb | tar x "${@:2}"
    rm ./*.deb
}

# The source, which must be of the compiler's version.
fetch_source() {
    local package
    package=$(debian apt-cache madison rust-src rust-web-src |
        awk -v version="$version" '$3 ~ "^" version "[+~-]" { print $1 "=" $3; exit }')
    [ -n "$package" ] || { echo "Debian has no source of Rust $version" && return 1; }
    mkdir -p "$home/source" && cd "$home/source"
    unpack "$package" --strip-components=4 --wildcards './usr/src/rustc-*/library/*'
}

# What cargo builds for an empty crate with `-Z build-std` are the libraries.
build() {
    local parts=std,test
    case $triple in *-none-*) parts=core,alloc ;; esac
    mkdir -p "$home/empty/src" && cd "$home/empty"
    printf '[package]\nname = "empty"\nedition = "2024"\n[workspace]\n' >Cargo.toml
    echo '#![no_std]' >src/lib.rs
    RUSTC_BOOTSTRAP=1 __CARGO_TESTS_ONLY_SRC_ROOT=$home/source/library CARGO_TARGET_DIR=$home/target \
        cargo build --release --target "$triple" -Z build-std="$parts"
    mkdir -p "$libraries"
    cp "$home/target/$triple/release/deps/"*.rlib "$libraries"
    rm -r "$libraries"/libempty-*.rlib "$home/target"
    ln -sfn "$(rustc --print sysroot)/lib/rustlib/$host" "$sysroot/lib/rustlib/$host"
}

# WASI has its C library from Debian, too.
wasi() {
    mkdir -p "$libraries/self-contained" && cd "$libraries/self-contained"
    unpack wasi-libc --strip-components=4 --wildcards './usr/lib/wasm32-wasi/*'
}

if [ ! -e "$libraries" ]; then
    [ -e "$home/lists" ] || lists
    [ -e "$home/source" ] || (fetch_source)
    (build)
    case $triple in *-wasip1) (wasi) ;; esac
fi
echo "$sysroot"
