// Computes  y[o] = Σ_r a[o·sa + r·sa]·b[o·sb + r·sb]; without b: the sum of a
// Shapes    y: dense over the first outRank dims; a, b: any strided views, diagonals and broadcasts included
// Numerics  f32 summed in double, f16 and bf16 in float, rounded once; integers modulo 2^bits
// Tiling    a tile is a run of outputs
// Packing   none
// Source    none
#include <type_traits>

#include "kernels/einsum/params.gen.h"
#include "kernels/element.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

constexpr int kEinsumRank = 12;

static int64_t elementBytes(const char* dtype) {
  switch (dtype[dtype[0] == 'b' ? 2 : 1]) {
    case '6': return 8;
    case '3': return 4;
    case '1': return 2;
    default: return 1;
  }
}

static Size reach(const EinsumParams& p, const int64_t* stride) {
  Size last(1);
  for (int d = 0; d < p.rank; d++) last = last + Size(p.dims[d] - 1) * Size(stride[d]);
  return last;
}

static const char* verify(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<EinsumParams>();
  if (p.rank < 0 || p.rank > kEinsumRank || p.outRank < 0 || p.outRank > p.rank) return "rank must be outRank … 12";
  Size outputs(1), terms(1);
  for (int d = 0; d < p.rank; d++) {
    if (p.dims[d] < 0) return "dimensions must not be negative";
    if (!isStride(p.strideA[d]) || !isStride(p.strideB[d])) return "strides must be in [0, 2^48]";
    (d < p.outRank ? outputs : terms) = (d < p.outRank ? outputs : terms) * Size(p.dims[d]);
  }
  const Size bytes(elementBytes(kernel.dtypes));
  if (!(outputs * bytes).fits(c.operandBytes[0])) return "output must hold the first outRank dimensions";
  if (terms.bad()) return "dimensions must not overflow";
  if (outputs.value() == 0 || terms.value() == 0) return nullptr;
  if (!(reach(p, p.strideA) * bytes).fits(c.operandBytes[1])) return "a must hold its strides";
  if (c.has(2) && !(reach(p, p.strideB) * bytes).fits(c.operandBytes[2])) return "b must hold its strides";
  // Bounds the work: every term is another pair of elements.
  const uint64_t a = c.operandBytes[1], b = c.has(2) ? c.operandBytes[2] : 1;
  const Size pairs = Size(static_cast<int64_t>(a)) * Size(static_cast<int64_t>(b));
  if (!pairs.bad() && terms.value() > pairs.value()) return "summed dimensions must be pairs of elements";
  return nullptr;
}

static int64_t countOf(const EinsumParams& p, int from, int to) {
  int64_t n = 1;
  for (int d = from; d < to; d++) n *= p.dims[d];
  return n;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const EinsumParams*>(params);
  return tilesFor(countOf(p, 0, p.outRank), countOf(p, p.outRank, p.rank), threads);
}

extern const Contract einsum_contract{"einsum", "wro", 0, sizeof(EinsumParams), false, verify, tiles, nullptr};

template <class T>
struct EinsumSum {
  using Wide = typename Element<T>::Wide;
  using Type = std::conditional_t<std::is_same_v<Wide, float> && std::is_same_v<T, float>, double, Wide>;
};

template <class T>
static Fault einsum(const Work& w) {
  // Integers as uint64: products and sums wrap instead of being undefined, and the low bits are right.
  using S = std::conditional_t<std::is_integral_v<T>, uint64_t, typename EinsumSum<T>::Type>;
  const auto& p = w.as<EinsumParams>();
  const T* a = w.at<const T>(1);
  const T* b = w.at<const T>(2);
  const int64_t terms = countOf(p, p.outRank, p.rank);
  const int inner = p.rank - 1;
  const int64_t run = p.rank > p.outRank ? p.dims[inner] : 1;
  const int64_t stepA = p.rank > p.outRank ? p.strideA[inner] : 0, stepB = p.rank > p.outRank ? p.strideB[inner] : 0;
  const Range range = tileRange(countOf(p, 0, p.outRank), w.tile, w.tiles);
  for (int64_t o = range.begin; o < range.end; o++) {
    int64_t atA = 0, atB = 0;
    for (int64_t d = p.outRank - 1, i = o; d >= 0; i /= p.dims[d], d--) {
      atA += i % p.dims[d] * p.strideA[d];
      atB += i % p.dims[d] * p.strideB[d];
    }
    S sum = 0;
    for (int64_t t = 0; t < terms; t += run) {
      int64_t ia = atA, ib = atB;
      for (int64_t d = inner - 1, i = t / run; d >= p.outRank; i /= p.dims[d], d--) {
        ia += i % p.dims[d] * p.strideA[d];
        ib += i % p.dims[d] * p.strideB[d];
      }
      for (int64_t k = 0; k < run; k++, ia += stepA, ib += stepB) {
        const S x = static_cast<S>(Element<T>::load(a[ia]));
        sum += b == nullptr ? x : x * static_cast<S>(Element<T>::load(b[ib]));
      }
    }
    w.at<T>(0)[o] = Element<T>::store(static_cast<typename Element<T>::Wide>(sum));
  }
  return Fault::none;
}

Fault einsum_f32_scalar(const Work& w) { return einsum<float>(w); }
Fault einsum_f64_scalar(const Work& w) { return einsum<double>(w); }
Fault einsum_f16_scalar(const Work& w) { return einsum<F16>(w); }
Fault einsum_bf16_scalar(const Work& w) { return einsum<BF16>(w); }
Fault einsum_i8_scalar(const Work& w) { return einsum<int8_t>(w); }
Fault einsum_i16_scalar(const Work& w) { return einsum<int16_t>(w); }
Fault einsum_i32_scalar(const Work& w) { return einsum<int32_t>(w); }
Fault einsum_i64_scalar(const Work& w) { return einsum<int64_t>(w); }
Fault einsum_u8_scalar(const Work& w) { return einsum<uint8_t>(w); }
Fault einsum_u16_scalar(const Work& w) { return einsum<uint16_t>(w); }
Fault einsum_u32_scalar(const Work& w) { return einsum<uint32_t>(w); }
Fault einsum_u64_scalar(const Work& w) { return einsum<uint64_t>(w); }

}  // namespace dsnk
