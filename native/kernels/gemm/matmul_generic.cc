// Computes  y[b,m,n] = scale·Σ_k a[b,m,k]·b[b,k,n] + addScale·bias[m,n], for the element types without a tuned row
// Shapes    y: [batch, M, N] dense; a: rows lda apart, or [K, M] when transA; b: rows ldb apart, or [N, K] when transB
// Numerics  f64 in double, f16 and bf16 in float with one rounding at the end, integers modulo 2^bits (no scale)
// Tiling    a tile is a run of rows; 16 columns at a time so that a row of b is read in whole cache lines
// Packing   none
// Source    none
#include <initializer_list>
#include <type_traits>

#include "kernels/element.h"
#include "kernels/gemm/grid.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

static int64_t elementBytes(const Kernel& kernel) {
  const char* d = kernel.dtypes + (kernel.dtypes[0] == 'b' ? 2 : 1);  // bf16
  return d[0] == '6' ? 8 : d[0] == '3' ? 4 : 2;
}

static Size reach(const MatmulGenericParams& p, const int64_t* stride, int64_t rows, int64_t row, int64_t columns) {
  Size last = Size(rows - 1) * Size(row) + Size(columns);
  for (int d = 0; d < 4; d++) last = last + Size(p.batch[d] - 1) * Size(stride[d]);
  return last;
}

static const char* verify(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<MatmulGenericParams>();
  Size batch(1);
  for (int64_t b : p.batch) batch = batch * Size(b);
  if (p.m < 0 || p.n < 0 || p.k < 0 || batch.bad()) return "dimensions must not be negative or overflow";
  for (int64_t stride : {p.lda, p.ldb, p.biasRow}) {
    if (!isStride(stride)) return "row strides must be in [0, 2^48]";
  }
  for (int d = 0; d < 4; d++) {
    if (!isStride(p.strideA[d]) || !isStride(p.strideB[d])) return "batch strides must be in [0, 2^48]";
  }
  if ((p.biasColumn | 1) != 1 || (p.transA | 1) != 1 || (p.transB | 1) != 1) return "flags must be 0 or 1";
  const bool floating = kernel.dtypes[0] == 'f' || kernel.dtypes[0] == 'b';
  if (!floating && (p.scale != 1.0f || p.addScale != 1.0f)) return "integer products take no scale";
  const Size outputs = batch * Size(p.m) * Size(p.n);
  const Size bytes(elementBytes(kernel));
  if (!(outputs * bytes).fits(c.operandBytes[0])) return "output must hold m × n of every batch";
  if (outputs.value() == 0) return nullptr;
  if (p.k > 0) {
    // Bounds k by the operands: rows that overlap would not.
    if (p.lda < (p.transA ? p.m : p.k) || p.ldb < (p.transB ? p.k : p.n)) return "lda and ldb must be at least a row";
    const Size a = p.transA ? reach(p, p.strideA, p.k, p.lda, p.m) : reach(p, p.strideA, p.m, p.lda, p.k);
    const Size b = p.transB ? reach(p, p.strideB, p.n, p.ldb, p.k) : reach(p, p.strideB, p.k, p.ldb, p.n);
    if (!(a * bytes).fits(c.operandBytes[1])) return "a must hold its strides";
    if (!(b * bytes).fits(c.operandBytes[2])) return "b must hold its strides";
  }
  if (c.has(3)) {
    const Size bias = Size(p.m - 1) * Size(p.biasRow) + Size(p.n - 1) * Size(p.biasColumn) + Size(1);
    if (!(bias * bytes).fits(c.operandBytes[3])) return "bias must hold its strides";
  }
  return nullptr;
}

static int64_t rowsOf(const MatmulGenericParams& p) {
  return p.n == 0 ? 0 : p.batch[0] * p.batch[1] * p.batch[2] * p.batch[3] * p.m;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const MatmulGenericParams*>(params);
  const double cost = static_cast<double>(p.n) * static_cast<double>(p.k + 1);
  return tilesFor(rowsOf(p), cost < 1e12 ? static_cast<int64_t>(cost) : int64_t{1000000000000}, threads);
}

extern const Contract matmul_generic_contract{"matmul_generic", "wrro", 0,      sizeof(MatmulGenericParams), false,
                                              verify,           tiles,  nullptr};

// What sums are kept in: integers unsigned, so that overflow wraps instead of being undefined.
template <class T, bool integer = std::is_integral_v<T>>
struct Sum {
  using Type = typename Element<T>::Wide;
};
template <class T>
struct Sum<T, true> {
  using Type = std::make_unsigned_t<T>;
};

template <class T>
static Fault matmulGeneric(const Work& w) {
  using S = typename Sum<T>::Type;
  const auto& p = w.as<MatmulGenericParams>();
  const auto get = [](const T* x, int64_t i) { return static_cast<S>(Element<T>::load(x[i])); };
  const int64_t rowStep = p.transA ? 1 : p.lda, kStepA = p.transA ? p.lda : 1;
  const int64_t kStepB = p.transB ? 1 : p.ldb, columnStep = p.transB ? p.ldb : 1;
  const Range rows = tileRange(rowsOf(p), w.tile, w.tiles);
  constexpr int64_t block = 16;
  for (int64_t row = rows.begin; row < rows.end; row++) {
    const int64_t m = row % p.m;
    const T* a = w.at<const T>(1) + m * rowStep;
    const T* b = w.at<const T>(2);
    for (int64_t d = 3, i = row / p.m; d >= 0; d--) {
      a += i % p.batch[d] * p.strideA[d];
      b += i % p.batch[d] * p.strideB[d];
      i /= p.batch[d];
    }
    const T* bias = w.at<const T>(3);
    T* y = w.at<T>(0) + row * p.n;
    for (int64_t n0 = 0; n0 < p.n; n0 += block) {
      const int64_t count = p.n - n0 < block ? p.n - n0 : block;
      S sum[block] = {};
      for (int64_t k = 0; k < p.k; k++) {
        const S x = get(a, k * kStepA);
        const T* line = b + k * kStepB + n0 * columnStep;
        for (int64_t j = 0; j < count; j++) sum[j] += x * get(line, j * columnStep);
      }
      for (int64_t j = 0; j < count; j++) {
        S value = sum[j];
        if constexpr (!std::is_integral_v<T>) value *= static_cast<S>(p.scale);
        if (bias != nullptr) {
          S add = get(bias, m * p.biasRow + (n0 + j) * p.biasColumn);
          if constexpr (!std::is_integral_v<T>) add *= static_cast<S>(p.addScale);
          value += add;
        }
        y[n0 + j] = Element<T>::store(static_cast<typename Element<T>::Wide>(value));
      }
    }
  }
  return Fault::none;
}

Fault matmul_generic_f64_scalar(const Work& w) { return matmulGeneric<double>(w); }
Fault matmul_generic_f16_scalar(const Work& w) { return matmulGeneric<F16>(w); }
Fault matmul_generic_bf16_scalar(const Work& w) { return matmulGeneric<BF16>(w); }
Fault matmul_generic_i32_scalar(const Work& w) { return matmulGeneric<int32_t>(w); }
Fault matmul_generic_i64_scalar(const Work& w) { return matmulGeneric<int64_t>(w); }
Fault matmul_generic_u32_scalar(const Work& w) { return matmulGeneric<uint32_t>(w); }
Fault matmul_generic_u64_scalar(const Work& w) { return matmulGeneric<uint64_t>(w); }

}  // namespace dsnk
