// Where narrow/product_16.cuh keeps numbers of 16 bits in shared memory: for kernels, plans and tests.
#pragma once
#include <cstdint>

namespace dsnk {

// k of one step; packed weights are padded to a multiple of it (kr).
constexpr int kStep16 = 32;

// Rows of 32 numbers, 64 bytes, two of them across all banks. What a matrix instruction loads are 16 bytes of 8 rows: the
// pieces of a row are permuted by the number of its pair, so that these 8 lie in different banks.
constexpr int rowPiece16(int row, int piece) { return row * 64 + ((piece ^ (row >> 1 & 3)) << 4); }

// A panel of halves: 32 rows (k) of 32 columns. Read transposed, 16 bytes of 8 rows: as above.
constexpr int halfPiece(int panel, int k, int piece) { return panel * 2048 + rowPiece16(k, piece); }

// A panel of bfloats: 16 rows (pairs of k) of 32 words. A lane reads the word of column l/4 in row l%4: columns are
// permuted by the row, so that 32 lanes read 32 banks.
constexpr int bfloatPiece(int panel, int pair, int piece) {
  return panel * 2048 + pair * 128 + ((piece ^ (pair & 3) << 1) << 4);
}
constexpr int bfloatWord(int panel, int pair, int column) {
  return bfloatPiece(panel, pair, column >> 2) + ((column & 3) << 2);
}

// Rows × columns of a block, of a warp, and how many steps of weights are under way.
template <int inRows, int inColumns, int inWarpRows, int inWarpColumns, int inStages>
struct Tile16 {
  static constexpr int rows = inRows, columns = inColumns, warpRows = inWarpRows, warpColumns = inWarpColumns;
  static constexpr int stages = inStages, depth = kStep16;
  static constexpr int warpsAcross = columns / warpColumns, warps = rows / warpRows * warpsAcross, threads = warps * 32;
  static constexpr int high = warpRows / 16, wide = warpColumns / 8;  // fragments of a warp
  static constexpr int quadsA = rows * depth / 4 / threads;           // of activations a thread
  static constexpr int piecesB = columns * depth / 8 / threads;       // of 16 bytes of weights a thread
  static constexpr int bytesA = rows * 64, bytesB = columns * 64, stage = bytesA + bytesB;
  // Sums leave by way of the same memory, 16 rows of every warp at a time.
  static constexpr int pitchSums = columns + 8, sumBytes = rows / warpRows * 16 * pitchSums * 4;
  static constexpr int bytes = stages * stage > sumBytes ? stages* stage : sumBytes;
  static_assert(warpRows % 16 == 0 && warpColumns % 16 == 0, "pairs of fragments");
  static_assert(quadsA >= 1 && quadsA * threads * 4 == rows * depth, "whole quads a thread");
  static_assert(piecesB >= 1 && piecesB * threads * 8 == columns * depth, "whole pieces a thread");
};

using Large16 = Tile16<128, 128, 64, 32, 3>;
using Middle16 = Tile16<128, 64, 64, 32, 3>;
using Small16 = Tile16<64, 64, 32, 32, 4>;
using Narrow16 = Tile16<128, 32, 32, 32, 4>;
using Few16 = Tile16<16, 128, 16, 32, 4>;

}  // namespace dsnk
