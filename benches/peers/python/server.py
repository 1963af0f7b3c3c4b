"""Computes convolutions with a Python package, for the Rust program that asks in lines of JSON.

    python server.py torch|onnxruntime|openvino|ncnn

Questions, one line each, and their answers:

    {"do": "version"}                                   {"version": "2.15.0"}
    {"do": "prepare", "folder": ..., "work": ..., ...}  {"variants": {"torch": seconds, ...}}
    {"do": "sample", "variant": "torch"}                {"seconds": ...}

`prepare` reads the files `input`, `weight`, `bias` and `grad` in the folder, and writes what each variant computes to
files of its name: `torch.0` is the output for the work `forward`; for `backward` and `step`, which only PyTorch
does, `torch.0`, `torch.1` and `torch.2` are the gradients of input, weights and biases. A sample is one call that is
not timed and then as many as take a millisecond. The garbage collector is off while it is timed, and the loop has
no other work than the call.
"""

import contextlib
import gc
import json
import os
import sys
import time
from itertools import repeat

import numpy as np

SAMPLE = 1e-3


def onnx_model(layer, weight, bias):
    """The layer as a model of one node, in bytes."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    (top, bottom), (left, right) = layer["padding"]
    node = helper.make_node(
        "Conv",
        ["x", "w", "b"],
        ["y"],
        kernel_shape=layer["weight"][2:],
        strides=layer["stride"],
        pads=[top, left, bottom, right],
        dilations=layer["dilation"],
        group=layer["groups"],
    )
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, layer["input"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, layer["output"])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return model.SerializeToString()


class Torch:
    """PyTorch: `conv2d` in both layouts, and with weights that oneDNN has packed, as `torch.compile` freezes them.

    The layouts are those of input, weights, output and gradients: their conversion is not part of a call. Without
    packed weights oneDNN reorders them in the call, where it wants another order. `backward` is the one operator that
    autograd calls for the three gradients; `step` is `conv2d` and `torch.autograd.grad`.
    """

    def __init__(self):
        import torch

        torch.set_num_threads(1)
        torch.set_num_interop_threads(1)
        self.torch = torch
        self.mode = contextlib.ExitStack()
        self.version = torch.__version__

    def prepare(self, layer, x, weight, bias, grad):
        torch = self.torch
        self.mode.close()
        if layer["work"] != "step":  # Nothing is remembered for autograd.
            self.mode.enter_context(torch.inference_mode())
        (top, bottom), (left, right) = layer["padding"]
        assert (top, left) == (bottom, right)
        self.options = layer["stride"], [top, left], layer["dilation"], layer["groups"]
        tensors = [torch.from_numpy(array) for array in (x, weight, bias, grad)]
        last = [t.to(memory_format=torch.channels_last) if t.dim() == 4 else t for t in tensors]
        work = {"forward": self.forward, "backward": self.backward, "step": self.step}[layer["work"]]
        variants = {"torch": work(*tensors), "torch_cl": work(*last)}
        if layer["work"] == "forward":
            variants |= {"torch_packed": self.packed(*tensors), "torch_cl_packed": self.packed(*last)}
        return variants

    def forward(self, x, weight, bias, _):
        conv2d, options = self.torch.conv2d, self.options

        def run():
            return conv2d(x, weight, bias, *options)

        return run

    def packed(self, x, weight, bias, _):
        mkldnn, (stride, padding, dilation, groups) = self.torch.ops.mkldnn, self.options
        packed = mkldnn._reorder_convolution_weight(weight, padding, stride, dilation, groups, x.size())
        pointwise = mkldnn._convolution_pointwise.default

        def run():
            return pointwise(x, packed, bias, padding, stride, dilation, groups, "none", [], "")

        return run

    def backward(self, x, weight, bias, grad):
        stride, padding, dilation, groups = self.options
        backward = self.torch.ops.aten.convolution_backward.default
        sizes, none, wanted = list(bias.shape), [0, 0], [True, True, True]

        def run():
            return backward(grad, x, weight, sizes, stride, padding, dilation, False, none, groups, wanted)

        return run

    def step(self, x, weight, bias, grad):
        conv2d, gradients, options = self.torch.conv2d, self.torch.autograd.grad, self.options
        x, weight, bias = (tensor.detach().requires_grad_() for tensor in (x, weight, bias))

        def run():
            return gradients(conv2d(x, weight, bias, *options), (x, weight, bias), grad)

        return run

    def numbers(self, output):
        outputs = [output] if isinstance(output, self.torch.Tensor) else output
        return [tensor.contiguous().numpy() for tensor in outputs]


class OnnxRuntime:
    """ONNX Runtime: all optimisations, and input and output bound to memory that is there already."""

    def __init__(self):
        import onnxruntime

        self.ort = onnxruntime
        self.version = onnxruntime.__version__

    def prepare(self, layer, x, weight, bias, _):
        ort = self.ort
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        model = onnx_model(layer, weight, bias)
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        binding = session.io_binding()
        y = np.empty(layer["output"], np.float32)
        binding.bind_input("x", "cpu", 0, np.float32, x.shape, x.ctypes.data)
        binding.bind_output("y", "cpu", 0, np.float32, y.shape, y.ctypes.data)
        bare = session._sess.run_with_iobinding
        inner = binding._iobinding

        def run(keep=(x, session, binding)):
            bare(inner, None)
            return y

        return {"onnxruntime": run}

    @staticmethod
    def numbers(output):
        return [output]


class OpenVino:
    """OpenVINO: compiled for latency on one thread in `f32`, input and output in memory that is there already."""

    def __init__(self):
        os.environ["CI"] = "true"  # Else it starts a process that reports to its makers.
        import openvino

        self.ov = openvino
        self.core = openvino.Core()
        self.version = openvino.__version__.split("-")[0]

    def prepare(self, layer, x, weight, bias, _):
        ov = self.ov
        model = self.core.read_model(onnx_model(layer, weight, bias))
        compiled = self.core.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_NUM_THREADS": 1,
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": "f32",
                "NUM_STREAMS": 1,
                "ENABLE_CPU_PINNING": False,
            },
        )
        request = compiled.create_infer_request()
        y = np.empty(layer["output"], np.float32)
        request.set_input_tensor(ov.Tensor(x, shared_memory=True))
        request.set_output_tensor(ov.Tensor(y, shared_memory=True))
        # The binding's own call, below the dictionaries of its Python wrapper; outputs are not copied.
        infer = ov._pyopenvino.InferRequest.infer

        def run(keep=(x, compiled)):
            infer(request, {}, True, False)
            return y

        return {"openvino": run}

    @staticmethod
    def numbers(output):
        return [output]


class Ncnn:
    """ncnn: Winograd, matrix multiplication and packed layouts on, 16-bit storage off. An extractor a call, as its
    interface wants it; a batch is as many calls."""

    def __init__(self):
        import ncnn

        self.ncnn = ncnn
        # Outputs live in the pools' memory: the pools must live longer.
        self.pools = ncnn.PoolAllocator(), ncnn.PoolAllocator()
        self.version = ncnn.__version__

    def prepare(self, layer, x, weight, bias, _):
        ncnn = self.ncnn
        net = ncnn.Net()
        option = net.opt
        option.num_threads = 1
        option.use_vulkan_compute = False
        option.lightmode = True
        for name in dir(option):
            if name.startswith(("use_fp16", "use_bf16", "use_int8")):
                setattr(option, name, False)
        option.use_winograd_convolution = True
        option.use_sgemm_convolution = True
        option.use_packing_layout = True
        option.blob_allocator, option.workspace_allocator = self.pools
        net.opt = option
        (top, bottom), (left, right) = layer["padding"]
        out, _, kh, kw = layer["weight"]
        (sh, sw), (dh, dw), groups = layer["stride"], layer["dilation"], layer["groups"]
        values = {0: out, 1: kw, 11: kh, 2: dw, 12: dh, 3: sw, 13: sh}
        values |= {4: left, 15: right, 14: top, 16: bottom, 5: 1, 6: weight.size}
        kind = "Convolution"
        if groups > 1:
            kind, values[7] = "ConvolutionDepthWise", groups
        text = " ".join(f"{key}={value}" for key, value in values.items())
        parameters = f"7767517\n2 2\nInput x 0 1 x\n{kind} conv 1 1 x y {text}\n"
        files = [os.path.join(layer["folder"], name) for name in ("ncnn.param", "ncnn.bin")]
        with open(files[0], "w") as file:
            file.write(parameters)
        with open(files[1], "wb") as file:
            file.write(np.uint32(0).tobytes() + weight.tobytes() + bias.tobytes())
        assert net.load_param(files[0]) == 0 and net.load_model(files[1]) == 0
        images = [ncnn.Mat(np.ascontiguousarray(image)).clone() for image in x]
        first, last = net.input_indexes()[0], net.output_indexes()[0]

        def one(image):
            extractor = net.create_extractor()
            extractor.input(first, image)
            return extractor.extract(last)[1]

        if len(images) == 1:
            run = lambda image=images[0]: [one(image)]  # noqa: E731
        else:
            run = lambda: [one(image) for image in images]  # noqa: E731
        return {"ncnn": run}

    @staticmethod
    def numbers(output):
        return [np.stack([np.array(image) for image in output])]


class Clock:
    """Times calls by the rule of `clock.rs`."""

    def __init__(self):
        self.calls = {}

    def time(self, run, calls):
        run()
        now = time.perf_counter
        start = now()
        for _ in repeat(None, calls):
            run()
        return now() - start

    def calibrate(self, run):
        calls = 1
        while True:
            seconds = self.time(run, calls)
            if seconds >= SAMPLE:
                return calls, seconds
            calls *= min(int(SAMPLE / max(seconds, 1e-9)) + 1, 10)

    def sample(self, name, run):
        gc.disable()
        if name in self.calls:
            seconds = self.time(run, self.calls[name])
        else:
            self.calls[name], seconds = self.calibrate(run)
        gc.enable()
        return seconds / self.calls[name]


def prepare(peer, layer):
    """The variants of a peer, and the seconds that they took to prepare."""
    shapes = [layer["input"], layer["weight"], layer["weight"][:1], layer["output"]]
    arrays = []
    for name, shape in zip(("input", "weight", "bias", "grad"), shapes):
        array = np.fromfile(os.path.join(layer["folder"], name), np.float32)
        arrays.append(np.ascontiguousarray(array.reshape(shape)))
    start = time.perf_counter()
    variants = peer.prepare(layer, *arrays)
    seconds = time.perf_counter() - start
    for name, run in variants.items():
        for at, result in enumerate(peer.numbers(run())):
            np.ascontiguousarray(result, np.float32).tofile(os.path.join(layer["folder"], f"{name}.{at}"))
    return variants, {name: seconds for name in variants}


def main():
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peers = {"torch": Torch, "onnxruntime": OnnxRuntime, "openvino": OpenVino, "ncnn": Ncnn}
    peer = peers[sys.argv[1]]()
    variants, clock = {}, Clock()
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if question["do"] == "version":
                answer = {"version": peer.version}
            elif question["do"] == "prepare":
                variants, clock = {}, Clock()
                variants, seconds = prepare(peer, question)
                answer = {"variants": seconds}
            else:
                name = question["variant"]
                answer = {"seconds": clock.sample(name, variants[name])}
        except Exception as error:  # The asker decides what to do about it.
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


main()
