"""Median milliseconds of PyTorch on the GPU for the shapes on standard input, as a JSON list. Asked by bench/gpu.ts.

Each shape is {kind, dtype, shape}: matmul [m, k, n]; int_matmul [m, k, n], int8 into int32 by cuBLASLt;
sparse_matmul [m, k, n], weights 2:4 by cuSPARSELt, null where this PyTorch has none; conv [batch, size,
inC, outC, kernel], channels last, by cuDNN with its own search for the fastest algorithm; attention [heads, keyHeads, rows,
tokens, width], causal where there are many rows, by FlashAttention.
"""

import json
import sys

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

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
    if kind == "attention":
        heads, key_heads, rows, tokens, width = shape
        q = torch.randn(1, heads, rows, width, device="cuda", dtype=kind_of)
        # Heads that share keys have copies of them: not all versions take fewer.
        copies = heads // key_heads if rows > 1 else 1
        k, v = (torch.randn(1, key_heads, tokens, width, device="cuda", dtype=kind_of) for _ in range(2))
        k, v = (x.repeat_interleave(copies, dim=1) for x in (k, v))
        # One row of heads that share keys: as so many rows of one head.
        q = q if rows > 1 else q.reshape(1, key_heads, heads // key_heads, width)

        def attend():
            with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
                return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=rows > 1)

        return attend
    m, k, n = shape
    if kind == "int_matmul":
        a = torch.randint(-128, 127, (m, k), device="cuda", dtype=torch.int8)
        b = torch.randint(-128, 127, (n, k), device="cuda", dtype=torch.int8).t()
        return lambda: torch._int_mm(a, b)
    if kind == "sparse_matmul":
        whole = torch.int8 == kind_of
        make = (lambda *d: torch.randint(1, 127, d, device="cuda", dtype=kind_of)) if whole else (lambda *d: torch.randn(*d, device="cuda", dtype=kind_of))
        w = torch._cslt_compress(make(n, k) * torch.tensor([1, 0, 0, 1], device="cuda", dtype=kind_of).repeat(n, k // 4))
        x = make(m, k).t()
        return lambda: torch._cslt_sparse_mm(w, x, out_dtype=torch.int32 if whole else kind_of)
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


def time_of(shape):
    try:
        return median(call(**shape))
    except (AttributeError, NotImplementedError, RuntimeError):
        if shape["kind"] == "sparse_matmul":
            return None
        raise


print(json.dumps([time_of(shape) for shape in json.load(sys.stdin)]))
