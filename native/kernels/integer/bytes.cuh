// Addresses and bytes for kernels that take four channels, or sixteen bytes, at a time.
#pragma once
#include "cuda/elements.cuh"

namespace dsnk {

// Bytes that can be moved at a time from base + any multiple of the strides: 16, 4 or 1.
__device__ __forceinline__ int grainOf(const void* base, int64_t strides) {
  const auto all = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(base)) | static_cast<uint64_t>(strides);
  return all % 16 == 0 ? 16 : all % 4 == 0 ? 4 : 1;
}

__device__ __forceinline__ uint32_t loadWord(const void* p) { return *static_cast<const uint32_t*>(p); }
__device__ __forceinline__ void storeWord(void* p, uint32_t v) { *static_cast<uint32_t*>(p) = v; }

// Up to four bytes; those that are not there are 0.
__device__ __forceinline__ uint32_t loadBytes(const uint8_t* p, int n, bool whole) {
  if (whole && n >= 4) return loadWord(p);
  uint32_t word = 0;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if (i < n) word |= static_cast<uint32_t>(p[i]) << 8 * i;
  }
  return word;
}
__device__ __forceinline__ void storeBytes(uint8_t* p, uint32_t word, int n, bool whole) {
  if (whole && n >= 4) return storeWord(p, word);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if (i < n) p[i] = static_cast<uint8_t>(word >> 8 * i);
  }
}

// Byte i of row[j] becomes byte j of column[i].
__device__ __forceinline__ void transposeBytes(const uint32_t (&row)[4], uint32_t (&column)[4]) {
  constexpr uint32_t even = 0x00ff00ffu;
  const uint32_t a = (row[0] & even) | (row[1] << 8 & ~even), b = (row[0] >> 8 & even) | (row[1] & ~even);
  const uint32_t c = (row[2] & even) | (row[3] << 8 & ~even), d = (row[2] >> 8 & even) | (row[3] & ~even);
  column[0] = (a & 0xffff) | c << 16;
  column[1] = (b & 0xffff) | d << 16;
  column[2] = a >> 16 | (c & 0xffff0000u);
  column[3] = b >> 16 | (d & 0xffff0000u);
}

}  // namespace dsnk
