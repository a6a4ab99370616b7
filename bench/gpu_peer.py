"""Median milliseconds of PyTorch on the GPU for the shapes on standard input, as a JSON list. Asked by bench/gpu.ts.

Each shape is {kind, dtype, shape}: matmul [m, k, n]; int_matmul [m, k, n], int8 into int32 by cuBLASLt; conv [batch, size,
inC, outC, kernel], channels last, by cuDNN with its own search for the fastest algorithm.
"""

import json
import sys

import torch

runs = int(sys.argv[1])
torch.backends.cudnn.benchmark = True
torch.backends.cuda.matmul.allow_tf32 = False  # float32 as ours: no operand is rounded


def call(kind, dtype, shape):
    kind_of = getattr(torch, dtype)
    if kind == "conv":
        batch, size, inputs, outputs, kernel = shape
        x = torch.randn(batch, inputs, size, size, device="cuda", dtype=kind_of).to(memory_format=torch.channels_last)
        w = torch.randn(outputs, inputs, kernel, kernel, device="cuda", dtype=kind_of).to(memory_format=torch.channels_last)
        b = torch.randn(outputs, device="cuda", dtype=kind_of)
        return lambda: torch.relu_(torch.nn.functional.conv2d(x, w, b, padding=(kernel - 1) // 2))
    m, k, n = shape
    if kind == "int_matmul":
        a = torch.randint(-128, 127, (m, k), device="cuda", dtype=torch.int8)
        b = torch.randint(-128, 127, (n, k), device="cuda", dtype=torch.int8).t()
        return lambda: torch._int_mm(a, b)
    a = torch.randn(m, k, device="cuda", dtype=kind_of)
    b = torch.randn(k, n, device="cuda", dtype=kind_of)
    return lambda: a @ b


def median(step):
    for _ in range(3):
        step()
    times = []
    for _ in range(runs):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        step()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return sorted(times)[len(times) // 2]


print(json.dumps([median(call(**shape)) for shape in json.load(sys.stdin)]))
