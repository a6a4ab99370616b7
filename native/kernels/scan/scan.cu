// Computes  running sums and products along the middle of [outer, n, inner], see scan.inl
// Shapes    as there
// Numerics  the bits of the CPU's rows: sums carry the rounding of each addition along (two-sum); integers wrap
// Tiling    a thread a column: what models scan is short (positions of tokens), and its order is its definition
// Packing   none
// Source    as scan_f32_scalar.cc
#include "kernels/reduce/fold.cuh"
#include "kernels/scan/params.gen.h"

namespace dsnk {

// after an infinity the correction is NaN and means nothing
__device__ __forceinline__ float valueOf(const TwoSum& s) { return s.lost != s.lost ? s.total : s.total + s.lost; }

// Calls each(position) for the positions of a column in the order of the scan.
template <class Each>
__device__ __forceinline__ void scanColumns(const ScanParams& p, Each each) {
  for (int64_t k = firstIndex(); k < p.outer * p.inner; k += indexStep()) {
    const Quotient at = divide(k, p.inner);
    each(at.whole * p.n * p.inner + at.rest);
  }
}

DSNK_ENTRY(256, 0, scan_f32, ScanParams) {
  scanColumns(params, [&](int64_t from) {
    const bool isSum = static_cast<ScanKind>(params.kind) == ScanKind::sum;
    TwoSum sum;
    float product = 1;
    for (int64_t i = 0; i < params.n; i++) {
      const int64_t at = from + (params.reverse ? params.n - 1 - i : i) * params.inner;
      const float x = work.at<const float>(1)[at], before = isSum ? valueOf(sum) : product;
      if (isSum)
        sum.add(x);
      else
        product = product * x;
      work.at<float>(0)[at] = params.exclusive ? before : isSum ? valueOf(sum) : product;
    }
  });
}

template <class T>
__device__ __forceinline__ void scanIntegers(const GpuWork& work, const ScanParams& params) {
  scanColumns(params, [&](int64_t from) {
    const bool isSum = static_cast<ScanKind>(params.kind) == ScanKind::sum;
    uint64_t total = isSum ? 0 : 1;
    for (int64_t i = 0; i < params.n; i++) {
      const int64_t at = from + (params.reverse ? params.n - 1 - i : i) * params.inner;
      const uint64_t x = static_cast<uint64_t>(work.at<const T>(1)[at]), next = isSum ? total + x : total * x;
      work.at<T>(0)[at] = static_cast<T>(params.exclusive ? total : next);
      total = next;
    }
  });
}
DSNK_ENTRY(256, 0, scan_i32, ScanParams) { scanIntegers<int32_t>(work, params); }
DSNK_ENTRY(256, 0, scan_i64, ScanParams) { scanIntegers<int64_t>(work, params); }

}  // namespace dsnk
