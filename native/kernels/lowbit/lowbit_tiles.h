// How products with weights of few bits are cut on a GPU: for their kernels and their plan.
#pragma once
#include <cstdint>

namespace dsnk {

constexpr int kLowBitGpuNr = 32;  // columns of a panel
// Groups whose terms wait in shared memory to be added in order.
constexpr int kLowBitRound = 32;
// Where tensor cores multiply: a warp has a panel and so many rows, a block of four has four panels.
constexpr int kLowBitWarpRows = 32, kLowBitWarpsAcross = 4, kLowBitWarpsDown = 1;

// Of a block's place in the grid: rows go by first, so that what reads one panel runs together.
enum LowBitNumber { kLowBitDown };

}  // namespace dsnk
