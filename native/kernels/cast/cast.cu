// Computes  y[i] = x[i] in another element type, see cast.cc
// Shapes    as there
// Numerics  as there, bit-equal
// Tiling    four elements a thread, which are a byte of the smallest type, each read as one of three wide types (double,
//           int64, uint64) and written from it; between float32 and the integers that models have, without the double
// Packing   none
// Source    own design
#include "cuda/elements.cuh"
#include "kernels/cast/params.gen.h"
#include "kernels/cast/small_float.h"
#include "kernels/round_odd.h"

namespace dsnk {

constexpr int kGroup = 4;

__device__ __forceinline__ int packedOf(const std::byte* x, int64_t i, int bits) {
  const int each = 8 / bits;
  return static_cast<int>(x[i / each]) >> (static_cast<int>(i % each) * bits) & ((1 << bits) - 1);
}

__device__ __forceinline__ double readReal(const std::byte* x, CastType t, int64_t i) {
  switch (t) {
    case CastType::f32: return static_cast<double>(reinterpret_cast<const float*>(x)[i]);
    case CastType::f64: return reinterpret_cast<const double*>(x)[i];
    case CastType::f16: return static_cast<double>(to_float(reinterpret_cast<const half*>(x)[i]));
    case CastType::bf16: return static_cast<double>(to_float(reinterpret_cast<const bfloat*>(x)[i]));
    case CastType::f8e8m0: return decodePower(static_cast<int>(x[i]));
    case CastType::f4e2m1: return decodeSmall(smallFloat(t), packedOf(x, i, 4));
    default: return decodeSmall(smallFloat(t), static_cast<int>(x[i]));
  }
}

__device__ __forceinline__ int64_t readInteger(const std::byte* x, CastType t, int64_t i) {
  switch (t) {
    case CastType::i8: return reinterpret_cast<const int8_t*>(x)[i];
    case CastType::i16: return reinterpret_cast<const int16_t*>(x)[i];
    case CastType::i32: return reinterpret_cast<const int32_t*>(x)[i];
    case CastType::i64: return reinterpret_cast<const int64_t*>(x)[i];
    case CastType::u8: return reinterpret_cast<const uint8_t*>(x)[i];
    case CastType::u16: return reinterpret_cast<const uint16_t*>(x)[i];
    case CastType::u32: return reinterpret_cast<const uint32_t*>(x)[i];
    case CastType::u64: return reinterpret_cast<const int64_t*>(x)[i];
    case CastType::i4: return (packedOf(x, i, 4) ^ 8) - 8;
    case CastType::u4: return packedOf(x, i, 4);
    case CastType::i2: return (packedOf(x, i, 2) ^ 2) - 2;
    case CastType::u2: return packedOf(x, i, 2);
    default: return x[i] != std::byte{0};
  }
}

constexpr double kTwo63 = 9223372036854775808.0;

__device__ __forceinline__ int64_t wrapped(double v) {
  return v >= -kTwo63 && v < kTwo63 ? static_cast<int64_t>(v) : kLowest<int64_t>;
}
__device__ __forceinline__ int64_t wrapped(int64_t v) { return v; }
__device__ __forceinline__ int64_t wrapped(uint64_t v) { return static_cast<int64_t>(v); }
__device__ __forceinline__ uint64_t wrappedUnsigned(double v) {
  return v >= kTwo63 && v < 2 * kTwo63 ? static_cast<uint64_t>(v) : static_cast<uint64_t>(wrapped(v));
}
__device__ __forceinline__ uint64_t wrappedUnsigned(int64_t v) { return static_cast<uint64_t>(v); }
__device__ __forceinline__ uint64_t wrappedUnsigned(uint64_t v) { return v; }

__device__ __forceinline__ int bitsBelowByte(CastType t) {
  switch (t) {
    case CastType::f4e2m1:
    case CastType::i4:
    case CastType::u4: return 4;
    case CastType::i2:
    case CastType::u2: return 2;
    default: return 8;
  }
}

template <class W>
__device__ __forceinline__ void writeWhole(std::byte* y, const CastParams& p, int64_t i, W v) {
  switch (static_cast<CastType>(p.to)) {
    case CastType::f32: reinterpret_cast<float*>(y)[i] = static_cast<float>(v); break;
    case CastType::f64: reinterpret_cast<double*>(y)[i] = static_cast<double>(v); break;
    case CastType::f16: reinterpret_cast<half*>(y)[i] = from_float<half>(roundedToOdd(static_cast<double>(v))); break;
    case CastType::bf16:
      reinterpret_cast<bfloat*>(y)[i] = from_float<bfloat>(roundedToOdd(static_cast<double>(v)));
      break;
    case CastType::f8e8m0:
      y[i] =
          static_cast<std::byte>(encodePower(static_cast<double>(v), p.saturate != 0, static_cast<CastRound>(p.round)));
      break;
    case CastType::f8e4m3fn:
    case CastType::f8e4m3fnuz:
    case CastType::f8e5m2:
    case CastType::f8e5m2fnuz:
      y[i] = static_cast<std::byte>(
          encodeSmall(smallFloat(static_cast<CastType>(p.to)), static_cast<double>(v), p.saturate != 0));
      break;
    case CastType::i16:
    case CastType::u16: reinterpret_cast<uint16_t*>(y)[i] = static_cast<uint16_t>(wrapped(v)); break;
    case CastType::i32:
    case CastType::u32: reinterpret_cast<uint32_t*>(y)[i] = static_cast<uint32_t>(wrapped(v)); break;
    case CastType::i64: reinterpret_cast<int64_t*>(y)[i] = wrapped(v); break;
    case CastType::u64: reinterpret_cast<uint64_t*>(y)[i] = wrappedUnsigned(v); break;
    case CastType::boolean: y[i] = static_cast<std::byte>(v != 0); break;
    default: y[i] = static_cast<std::byte>(wrapped(v)); break;
  }
}

// One group: `read(i)` gives element i as the wide type.
template <class Read>
__device__ __forceinline__ void writeGroup(std::byte* y, const CastParams& p, int64_t from, int count, Read read) {
  const int bits = bitsBelowByte(static_cast<CastType>(p.to));
  if (bits == 8) {
    DSNK_ROLLED
    for (int k = 0; k < count; k++) writeWhole(y, p, from + k, read(from + k));
    return;
  }
  const int each = 8 / bits;
  DSNK_ROLLED
  for (int k = 0; k < count; k += each) {
    int packed = 0;
    DSNK_ROLLED
    for (int e = 0; e < each && k + e < count; e++) {
      const auto v = read(from + k + e);
      const int code = static_cast<CastType>(p.to) == CastType::f4e2m1
                           ? encodeSmall(smallFloat(CastType::f4e2m1), static_cast<double>(v), true)
                           : static_cast<int>(wrapped(v));
      packed |= (code & ((1 << bits) - 1)) << (e * bits);
    }
    y[(from + k) / each] = static_cast<std::byte>(packed);
  }
}

DSNK_ENTRY(256, 4, cast_elements, CastParams) {
  std::byte* const y = work.at<std::byte>(0);
  const std::byte* const x = work.at<std::byte>(1);
  const auto from = static_cast<CastType>(params.from);
  for (int64_t i = firstIndex() * kGroup; i < params.count; i += indexStep() * kGroup) {
    const int count = params.count - i < kGroup ? static_cast<int>(params.count - i) : kGroup;
    if (from <= CastType::f4e2m1)
      writeGroup(y, params, i, count, [&](int64_t k) { return readReal(x, from, k); });
    else if (from == CastType::u64)
      writeGroup(y, params, i, count, [&](int64_t k) { return reinterpret_cast<const uint64_t*>(x)[k]; });
    else
      writeGroup(y, params, i, count, [&](int64_t k) { return readInteger(x, from, k); });
  }
}

// An integer as float32, or a float32 as integer: no double between them.
template <class To, class From>
__device__ __forceinline__ void castPlain(const GpuWork& work, int64_t count) {
  To* const y = work.at<To>(0);
  const From* const x = work.at<From>(1);
  for (int64_t i = firstIndex(); i < count; i += indexStep()) {
    if constexpr (std::is_same<From, float>::value)
      y[i] =
          static_cast<To>(x[i] >= -9223372036854775808.0f && x[i] < 9223372036854775808.0f ? static_cast<int64_t>(x[i])
                                                                                           : kLowest<int64_t>);
    else
      y[i] = static_cast<To>(x[i]);
  }
}

DSNK_ENTRY(256, 0, cast_plain, CastParams) {
  switch (static_cast<CastType>(params.from)) {
    case CastType::f32:
      switch (static_cast<CastType>(params.to)) {
        case CastType::i64: return castPlain<int64_t, float>(work, params.count);
        case CastType::i32: return castPlain<int32_t, float>(work, params.count);
        default: return castPlain<uint8_t, float>(work, params.count);  // i8 and u8 are the same bits
      }
    case CastType::i64:
      if (static_cast<CastType>(params.to) == CastType::f32) return castPlain<float, int64_t>(work, params.count);
      return castPlain<int32_t, int64_t>(work, params.count);
    case CastType::i32:
      if (static_cast<CastType>(params.to) == CastType::f32) return castPlain<float, int32_t>(work, params.count);
      return castPlain<int64_t, int32_t>(work, params.count);
    case CastType::i8: return castPlain<float, int8_t>(work, params.count);
    default: return castPlain<float, uint8_t>(work, params.count);
  }
}

}  // namespace dsnk
