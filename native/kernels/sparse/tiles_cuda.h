// The tiles of sparse_16.cu: for its kernels, its plan and the tests.
#pragma once
#include "kernels/sparse/fragments.h"

namespace dsnk {

// Rows × columns of a block and of a warp, and how many steps of weights are under way. A step is 64 k.
template <int inRows, int inColumns, int inWarpRows, int inWarpColumns, int inStages>
struct SparseTile16 {
  static constexpr int rows = inRows, columns = inColumns, warpRows = inWarpRows, warpColumns = inWarpColumns;
  static constexpr int stages = inStages, depth = kFragmentDepth, unit = fragmentUnitBytes(2);
  static constexpr int warpsAcross = columns / warpColumns, warps = rows / warpRows * warpsAcross, threads = warps * 32;
  static constexpr int high = warpRows / 8, wide = warpColumns / 16;  // fragments of a warp
  static constexpr int quadsA = rows * depth / 4 / threads;           // of activations a thread
  static constexpr int pieces = columns / kFragmentColumns * unit / 16;
  static constexpr int bytesA = rows * depth * 2, stage = bytesA + pieces * 16;
  // Sums leave by way of the same memory, 16 rows of every warp at a time; of 32 lanes no two write one bank.
  static constexpr int pitchSums = columns + 4, sumBytes = rows / warpRows * 16 * pitchSums * 4;
  static constexpr int bytes = stages * stage > sumBytes ? stages* stage : sumBytes;
  static_assert(warpRows % 16 == 0 && kFragmentColumns % warpColumns == 0, "parts of 16 rows, warps within panels");
  static_assert(quadsA >= 1 && quadsA * threads * 4 == rows * depth, "whole quads a thread");
};

using SparseLarge16 = SparseTile16<128, 128, 32, 64, 3>;
using SparseSmall16 = SparseTile16<64, 64, 32, 32, 3>;
using SparseFew16 = SparseTile16<16, 64, 16, 16, 4>;

}  // namespace dsnk
