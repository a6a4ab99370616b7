// What device code over elements and rows shares: strided loops over an index range, divisions, types that are computed in
// float, and folds of rows in one fixed order.
#pragma once
#include <cstring>
#include <type_traits>

#include "cuda/gpu.cuh"
#include "kernels/element_size.h"

#if defined(__CUDACC__)
#define DSNK_UNROLLED _Pragma("unroll")
#define DSNK_ROLLED _Pragma("unroll 1")
#else
#define DSNK_UNROLLED
#define DSNK_ROLLED
#endif

namespace dsnk {

// i / n and i mod n of numbers that are not negative. Most are below 2^32, where a division costs a fifth.
struct Quotient {
  int64_t whole, rest;
};
__device__ __forceinline__ Quotient divide(int64_t i, int64_t n) {
  if (((static_cast<uint64_t>(i) | static_cast<uint64_t>(n)) >> 32) == 0) {
    const uint32_t a = static_cast<uint32_t>(i), b = static_cast<uint32_t>(n), q = a / b;
    return {static_cast<int64_t>(q), static_cast<int64_t>(a - q * b)};
  }
  const int64_t q = i / n;
  return {q, i - q * n};
}

// The indices of one thread: the grid passes over [0, n) as often as it must.
__device__ __forceinline__ int64_t firstIndex() { return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ __forceinline__ int64_t indexStep() { return static_cast<int64_t>(gridDim.x) * blockDim.x; }

__device__ __forceinline__ bool isAligned(const void* p, uint64_t bytes) {
  return (reinterpret_cast<uint64_t>(p) & (bytes - 1)) == 0;
}

template <class To, class From>
__device__ __forceinline__ To bitsAs(From from) {
  static_assert(sizeof(To) == sizeof(From), "a cast of bits keeps the size");
  To to;
  memcpy(&to, &from, sizeof(To));
  return to;
}
__device__ __forceinline__ float infinity() { return bitsAs<float>(0x7f800000u); }

// The position on an axis that an index names, negative ones counted from the end; -1 when it lies outside.
__device__ __forceinline__ int64_t positionOf(const void* index, int64_t i, int32_t indexBytes, int64_t axis) {
  const int64_t v = indexBytes == 8 ? static_cast<const int64_t*>(index)[i] : static_cast<const int32_t*>(index)[i];
  const int64_t at = v < 0 ? v + axis : v;
  return at >= 0 && at < axis ? at : -1;
}

// Copies `blocks` of bytes, neighbouring pieces by neighbouring threads: from(block) and to(block) are pointers, nullptr
// leaves a block out. Pieces are as wide as `places` allows: the bits of all addresses and steps between blocks.
template <class To, class From>
__device__ __forceinline__ void copyBlocks(int64_t blocks, int64_t blockBytes, uint64_t places, To to, From from) {
  const auto pieces = [&](auto piece) {
    using T = decltype(piece);
    const int64_t each = blockBytes / static_cast<int64_t>(sizeof(T)), count = blocks * each;
    for (int64_t i = firstIndex(); i < count; i += indexStep()) {
      const Quotient at = divide(i, each);
      const std::byte* source = from(at.whole);
      std::byte* target = to(at.whole);
      if (source != nullptr && target != nullptr)
        reinterpret_cast<T*>(target)[at.rest] = reinterpret_cast<const T*>(source)[at.rest];
    }
  };
  const uint64_t all = places | static_cast<uint64_t>(blockBytes);
  if ((all & 15) == 0)
    pieces(u32x4{});
  else if ((all & 7) == 0)
    pieces(u32x2{});
  else if ((all & 3) == 0)
    pieces(uint32_t{});
  else if ((all & 1) == 0)
    pieces(uint16_t{});
  else
    pieces(uint8_t{});
}
__device__ __forceinline__ uint64_t bitsOf(const void* a, const void* b) {
  return reinterpret_cast<uint64_t>(a) | reinterpret_cast<uint64_t>(b);
}

// Of integers; std::numeric_limits has functions, which device code may not call.
template <class T>
constexpr T kLowest = std::is_signed<T>::value ? static_cast<T>(uint64_t{1} << (sizeof(T) * 8 - 1)) : T{0};
template <class T>
constexpr T kHighest = static_cast<T>(~kLowest<T>);
template <class T>
__device__ __forceinline__ bool isNegative(T x) {
  if constexpr (std::is_signed<T>::value) return x < T{0};
  return (void)x, false;
}

// An element as float and back; the same for floats.
__device__ __forceinline__ float widened(float x) { return x; }
__device__ __forceinline__ float widened(half x) { return to_float(x); }
__device__ __forceinline__ float widened(bfloat x) { return to_float(x); }
template <class T>
struct Narrow {
  static __device__ __forceinline__ T of(float x) { return from_float<T>(x); }
};
template <>
struct Narrow<float> {
  static __device__ __forceinline__ float of(float x) { return x; }
};

}  // namespace dsnk
