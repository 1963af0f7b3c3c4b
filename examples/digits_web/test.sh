#!/usr/bin/env bash
# Draws every digit on the page in a browser without a window, and compares what is read.
# Exit status 77: there is no Chromium.
set -euo pipefail
cd "$(dirname "$0")/../.."

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    echo 'there is no chromium (Debian: apt-get install chromium)'
    exit 77
}
bash examples/digits_web/build.sh
page=file://$(realpath "${CARGO_TARGET_DIR:-target}/digits_web.html")
read=$("$browser" --headless --no-sandbox --disable-gpu --disable-background-networking --virtual-time-budget=5000 \
    --dump-dom "$page?draw=0123456789" 2>/dev/null | sed -n 's/.*data-answers="\([^"]*\)".*/\1/p')
echo "drawn 0123456789, read ${read:-nothing}"
[ "$read" = 0123456789 ]
