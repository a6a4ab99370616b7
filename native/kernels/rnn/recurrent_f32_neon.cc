// Computes  per step, with a = x·Wᵀ + Wb (given) + h·Rᵀ + Rb, gates as ONNX orders them:
//           rnn   h = f(a)
//           gru   z, r = f(a); n = g(a with h replaced by r·h, or r·(h·Rᵀ + Rb)); h = (1-z)·n + z·h
//           lstm  i, f = f(a + P·c); c = f·c + i·g(a); o = f(a + P·c); h = o·h(c)
// Shapes    y: [steps, directions, batch, hidden] (layout 1: [batch, steps, directions, hidden]); yh, yc, h0, c0:
//           [directions, batch, hidden] (layout 1: [batch, directions, hidden]); projections: [steps, batch,
//           gates·hidden] (layout 1: [batch, steps, …]); bias: [directions, 2·gates·hidden]; peepholes: [directions,
//           3·hidden] (i, o, f)
// Numerics  one fma chain of `hidden` terms a gate, in order of k whatever the number of rows: |error| ≤
//           hidden·2⁻²⁴·Σ|h·R| a step; activations as math.inl
// Tiling    a tile is directions × blocks of 4 sequences. One sequence: 2 panels at once, 8 accumulators against the
//           latency of fma; 4 sequences: 16 accumulators, each loaded panel used four times
// Packing   gemm_pack_b, nr 16, one matrix a direction and gate: a gate's panels are padded apart, so that gate g of
//           unit j lies at g·padded + j and element-wise vectors never straddle gates
// Source    ONNX operators RNN, GRU, LSTM (the equations)
#if defined(__ARM_NEON)
#include "kernels/kernel.h"
#include "kernels/rnn/cell.h"
#include "simd/vec.h"

#include "simd/neon-begin.h"
#include "simd/math.inl"
// in this order
#include "kernels/rnn/recurrent.inl"
#include "simd/neon-end.h"

namespace dsnk {
Fault recurrent_f32_neon(const Work& w) { return neon::recurrent(w); }
}  // namespace dsnk
#endif
