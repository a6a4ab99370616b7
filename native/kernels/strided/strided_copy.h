// The walk of strided_copy, shared by its rows: only the transposition of one block differs between ISAs.
#pragma once
#include "kernels/kernel.h"
#include "kernels/strided/strided.h"

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

template <class T>
inline void transposeBlockPlain(const T* x, int64_t xs, T* y, int64_t ys, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) y[i * ys + j] = x[i + j * xs];
}

extern const TransposeBlocks kPlainBlocks;

Fault stridedCopy(const Work& w, const TransposeBlocks& blocks);

}  // namespace dsnk
