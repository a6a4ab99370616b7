// The walk of strided_copy, shared by its rows: only the transposition of one block differs between ISAs.
#pragma once
#include "kernels/kernel.h"
#include "kernels/strided/strided.h"

// For loops over registers: an array stays in registers only where every index is a constant. GCC does not unroll them
// by itself at -O2.
#define DSNK_UNROLL _Pragma("GCC unroll 16")

namespace dsnk {

// y[i·ys + j] = x[i + j·xs] for i < rows, j < columns.
template <class T>
using TransposeBlock = void (*)(const T* x, int64_t xs, T* y, int64_t ys, int64_t rows, int64_t columns);

struct TransposeBlocks {
  TransposeBlock<uint8_t> bytes1;
  TransposeBlock<uint16_t> bytes2;
  TransposeBlock<uint32_t> bytes4;
  TransposeBlock<uint64_t> bytes8;
  TransposeBlock<Bytes16> bytes16;
};

// In squares of 8: with rows a power of two apart, more lines than that would push each other out of the cache.
template <class T>
inline void transposeBlockPlain(const T* x, int64_t xs, T* y, int64_t ys, int64_t rows, int64_t columns) {
  for (int64_t j0 = 0; j0 < columns; j0 += 8) {
    const int64_t j1 = columns - j0 < 8 ? columns : j0 + 8;
    for (int64_t i0 = 0; i0 < rows; i0 += 8) {
      const int64_t i1 = rows - i0 < 8 ? rows : i0 + 8;
      for (int64_t i = i0; i < i1; i++)
        for (int64_t j = j0; j < j1; j++) y[i * ys + j] = x[i + j * xs];
    }
  }
}

extern const TransposeBlocks kPlainBlocks;

Fault stridedCopy(const Work& w, const TransposeBlocks& blocks);

}  // namespace dsnk
