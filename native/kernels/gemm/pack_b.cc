// Computes  packed[i, n/nr, k, n%nr] = b[i, k, n] (or b[i, n, k] when transB), zeros for n ≥ N
// Shapes    packed: [count, ⌈N/nr⌉, K, nr]; b: count matrices, rows ldb apart
// Numerics  bit-equal: moves 32-bit words
// Tiling    a tile is a run of panels; transposed, 16 rows of k at a time so that every line of b is read while it is
//           in L1
// Packing   this is it; the picture stands in micro.inl
// Source    none
#include <cstring>

#include "kernels/gemm/grid.h"
#include "kernels/gemm/transpose.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<GemmPackBParams>();
  if (p.count < 0 || p.k < 0 || p.n < 0) return "dimensions must not be negative";
  if (!isStride(p.ldb) || !isStride(p.stride)) return "strides must be in [0, 2^48]";
  if (p.nr < 1 || p.nr > 256) return "nr must be 1 … 256";
  if ((p.transB | 1) != 1) return "transB must be 0 or 1";
  if (!isDim(p.n)) return "n must be in [0, 2^40]";
  const Size packed = Size(p.count) * Size(roundUp(p.n, p.nr)) * Size(p.k) * Size(4);
  if (!packed.fits(c.operandBytes[0])) return "output must hold all panels";
  if (packed.value() == 0) return nullptr;
  const Size matrix = p.transB ? Size(p.n - 1) * Size(p.ldb) + Size(p.k) : Size(p.k - 1) * Size(p.ldb) + Size(p.n);
  if (!((Size(p.count - 1) * Size(p.stride) + matrix) * Size(4)).fits(c.operandBytes[1]))
    return "b must hold its strides";
  return nullptr;
}

static int64_t panelsOf(const GemmPackBParams& p) { return p.k == 0 ? 0 : p.count * ceilDiv(p.n, p.nr); }

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const GemmPackBParams*>(params);
  return tilesFor(panelsOf(p), p.k * p.nr, threads, 64 * 1024);
}

extern const Contract gemm_pack_b_contract{"gemm_pack_b", "wr",   0,     sizeof(GemmPackBParams),
                                           false,         verify, tiles, nullptr};

static void packRows(const uint32_t* b, int64_t ldb, int64_t k, int64_t columns, int64_t nr, uint32_t* to) {
  const size_t bytes = static_cast<size_t>(columns) * 4, rest = static_cast<size_t>(nr - columns) * 4;
  for (int64_t i = 0; i < k; i++, b += ldb, to += nr) {
    std::memcpy(to, b, bytes);
    if (rest > 0) std::memset(to + columns, 0, rest);
  }
}

static void packColumns(const uint32_t* b, int64_t ldb, int64_t k, int64_t columns, int64_t nr, uint32_t* to) {
  transposeWords(b, ldb, columns, k, to, nr);
  if (columns == nr) return;
  for (int64_t i = 0; i < k; i++) std::memset(to + i * nr + columns, 0, static_cast<size_t>(nr - columns) * 4);
}

Fault gemm_pack_b_scalar(const Work& w) {
  const auto& p = w.as<GemmPackBParams>();
  const int64_t panels = ceilDiv(p.n, p.nr);
  const Range range = tileRange(panelsOf(p), w.tile, w.tiles);
  for (int64_t i = range.begin; i < range.end; i++) {
    const int64_t matrix = i / panels, n0 = i % panels * p.nr;
    const int64_t columns = p.n - n0 < p.nr ? p.n - n0 : p.nr;
    uint32_t* to = w.at<uint32_t>(0) + i * p.k * p.nr;
    const uint32_t* b = w.at<const uint32_t>(1) + matrix * p.stride;
    if (p.transB) {
      packColumns(b + n0 * p.ldb, p.ldb, p.k, columns, p.nr, to);
    } else {
      packRows(b + n0, p.ldb, p.k, columns, p.nr, to);
    }
  }
  return Fault::none;
}

}  // namespace dsnk
