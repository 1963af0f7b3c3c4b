#!/usr/bin/env bash
# Builds the page, one file that a browser opens as it is: target/digits_web.html
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}

tools/targets.sh web build --release --package digits_web
program=$target/wasm32-unknown-unknown/release/digits_web.wasm
{
    sed '/@PROGRAM@/,$d' examples/digits_web/index.html
    printf "  const program = '%s';\n" "$(base64 --wrap=0 "$program")"
    sed '1,/@PROGRAM@/d' examples/digits_web/index.html
} >"$target/digits_web.html"
echo "$target/digits_web.html: a page with $(stat --format=%s "$program") bytes of WebAssembly"
