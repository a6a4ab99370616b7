// Computes  fill, range, trilu, eye, one_hot and reverse_sequence: see their .cc files
// Shapes    as there
// Numerics  as there, bit-equal
// Tiling    a thread an element of y, or 16 bytes where all are the same
// Packing   none
// Source    none
#include "cuda/elements.cuh"
#include "kernels/fill/params.gen.h"

namespace dsnk {

DSNK_ENTRY(256, 0, fill, FillParams) {
  std::byte* const y = work.at<std::byte>(0);
  int64_t done = 0;
  if (isAligned(y, 16)) {
    u32x4 pattern;
    for (int k = 0; k < 4; k++) pattern.v[k] = static_cast<uint32_t>(params.pattern[k]);
    done = params.bytes / 16 * 16;
    for (int64_t i = firstIndex() * 16; i < done; i += indexStep() * 16) store16(y + i, pattern);
  }
  for (int64_t i = done + firstIndex(); i < params.bytes; i += indexStep())
    y[i] = static_cast<std::byte>(static_cast<uint32_t>(params.pattern[i / 4 % 4]) >> (i % 4 * 8) & 0xff);
}

// T: the element type; Wide: what it is computed in.
template <class T, class Wide>
__device__ __forceinline__ void fillRange(const GpuWork& work, int64_t count) {
  const Wide start = static_cast<Wide>(*work.at<const T>(1)), delta = static_cast<Wide>(*work.at<const T>(2));
  for (int64_t i = firstIndex(); i < count; i += indexStep())
    work.at<T>(0)[i] = static_cast<T>(start + static_cast<Wide>(i) * delta);
}
DSNK_ENTRY(256, 0, range, RangeParams) {
  switch (static_cast<RangeType>(params.type)) {
    case RangeType::f32: return fillRange<float, double>(work, params.count);
    case RangeType::f64: return fillRange<double, double>(work, params.count);
    case RangeType::i16: return fillRange<int16_t, uint64_t>(work, params.count);
    case RangeType::i32: return fillRange<int32_t, uint64_t>(work, params.count);
    default: return fillRange<int64_t, uint64_t>(work, params.count);
  }
}

DSNK_ENTRY(256, 0, trilu, TriluParams) {
  const int64_t count = params.batch * params.rows * params.columns;
  withElementType(params.elementBytes, [&](auto t) {
    using T = decltype(t);
    for (int64_t i = firstIndex(); i < count; i += indexStep()) {
      const Quotient at = divide(i, params.columns);
      const int64_t diagonal = divide(at.whole, params.rows).rest + params.diagonal;
      const bool kept = params.upper != 0 ? at.rest >= diagonal : at.rest <= diagonal;
      work.at<T>(0)[i] = kept ? work.at<const T>(1)[i] : T{};
    }
  });
}

DSNK_ENTRY(256, 0, eye, EyeParams) {
  const int64_t count = params.rows * params.columns;
  withElementType(params.elementBytes, [&](auto t) {
    using T = decltype(t);
    T one;
    memcpy(&one, params.pattern, sizeof(T));
    for (int64_t i = firstIndex(); i < count; i += indexStep()) {
      const Quotient at = divide(i, params.columns);
      work.at<T>(0)[i] = at.rest == at.whole + params.diagonal ? one : T{};
    }
  });
}

// An index of any type as a double, which is exact for all that can name anything.
__device__ __forceinline__ double indexOf(OneHotType type, const std::byte* index, int64_t i) {
  switch (type) {
    case OneHotType::f32: return static_cast<double>(reinterpret_cast<const float*>(index)[i]);
    case OneHotType::f64: return reinterpret_cast<const double*>(index)[i];
    case OneHotType::i8: return static_cast<double>(reinterpret_cast<const int8_t*>(index)[i]);
    case OneHotType::u8: return static_cast<double>(reinterpret_cast<const uint8_t*>(index)[i]);
    case OneHotType::i16: return static_cast<double>(reinterpret_cast<const int16_t*>(index)[i]);
    case OneHotType::u16: return static_cast<double>(reinterpret_cast<const uint16_t*>(index)[i]);
    case OneHotType::i32: return static_cast<double>(reinterpret_cast<const int32_t*>(index)[i]);
    case OneHotType::u32: return static_cast<double>(reinterpret_cast<const uint32_t*>(index)[i]);
    case OneHotType::i64: return static_cast<double>(reinterpret_cast<const int64_t*>(index)[i]);
    default: return static_cast<double>(reinterpret_cast<const uint64_t*>(index)[i]);
  }
}
DSNK_ENTRY(256, 0, one_hot, OneHotParams) {
  const int64_t count = params.outer * params.depth * params.inner;
  const double depth = static_cast<double>(params.depth);
  withElementType(params.elementBytes, [&](auto t) {
    using T = decltype(t);
    const T off = work.at<const T>(2)[0], on = work.at<const T>(2)[1];
    for (int64_t k = firstIndex(); k < count; k += indexStep()) {
      const Quotient at = divide(k, params.inner), row = divide(at.whole, params.depth);
      const double named =
          indexOf(static_cast<OneHotType>(params.type), work.at<std::byte>(1), row.whole * params.inner + at.rest);
      bool hit = false;
      if (named > -depth - 1 && named < depth) {
        const int64_t i = static_cast<int64_t>(named);
        hit = (i < 0 ? i + params.depth : i) == row.rest;
      }
      work.at<T>(0)[k] = hit ? on : off;
    }
  });
}

DSNK_ENTRY(256, 0, reverse_sequence, ReverseSequenceParams) {
  std::byte* const y = work.at<std::byte>(0);
  const std::byte* const x = work.at<std::byte>(1);
  const int64_t step = params.batchMajor != 0 ? 1 : params.batch;
  copyBlocks(
      params.time * params.batch, params.blockBytes, bitsOf(x, y), [&](int64_t k) { return y + k * params.blockBytes; },
      [&](int64_t k) -> const std::byte* {
        const Quotient at = divide(k, params.batchMajor != 0 ? params.time : params.batch);
        const int64_t b = params.batchMajor != 0 ? at.whole : at.rest, i = params.batchMajor != 0 ? at.rest : at.whole;
        const int64_t length = work.at<const int64_t>(2)[b];
        if (length < 0 || length > params.time) return fault(work, Fault::invalidValue), nullptr;
        return x + (i < length ? k + (length - 1 - 2 * i) * step : k) * params.blockBytes;
      });
}

}  // namespace dsnk
