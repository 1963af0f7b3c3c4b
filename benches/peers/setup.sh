#!/bin/sh
# Installs the Python peers into a folder of this crate's own, .venv. PyTorch's package brings its CUDA libraries,
# about 5 GB; nothing here uses them.
set -eu
cd "$(dirname "$0")"
"${PYTHON:-python3}" -m venv .venv
.venv/bin/pip install --quiet --requirement python/requirements.txt
.venv/bin/python -c 'import ncnn, onnx, onnxruntime, openvino, torch; print("torch", torch.__version__)'
