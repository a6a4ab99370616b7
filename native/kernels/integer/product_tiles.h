// Where the bytes of a tile of an integer product lie on a GPU: for its kernels, its plan and the tests.
#pragma once
#include <cstdint>

#include "kernels/sparse/fragments.h"

namespace dsnk {

// What integer_pack writes for these rows: panels of 64 columns, sixteens of k, 16 bytes in front of each.
constexpr int kGpuNr = 64, kGpuKr = 16, kGpuHead = 16;
constexpr int kChunk = 16;  // bytes of k that are moved at a time

// A block of threads computes rows x columns of y, `depth` bytes of k at a time, of which `stages` are on their way.
struct IntegerTile {
  int rows, columns, depth, warpRows, warpColumns, stages;
  bool sparse = false;  // of b are two of every four k: sparse/fragments.h

  constexpr int threads() const { return rows / warpRows * (columns / warpColumns) * 32; }
  constexpr int chunks() const { return depth / kChunk; }  // of a row
  constexpr int aBytes() const { return rows * depth; }
  constexpr int bBytes() const {
    constexpr int unit = kFragmentColumns * kFragmentDepth;
    return sparse ? columns * depth / unit * fragmentUnitBytes(1) : columns * depth;
  }
  constexpr int stageBytes() const { return aBytes() + bBytes(); }
  constexpr int sharedBytes() const { return stageBytes() * stages; }
  // Bytes of results from row to row: so much more than the columns that eight rows begin in different banks.
  constexpr int resultRow() const { return columns + 16; }
};

// Where a chunk of k of a row of a stands: rows one after the other, their chunks turned about, so that neither eight rows
// of one chunk, which one phase of ldmatrix reads, nor eight consecutive chunks, which one phase of copies writes, meet in a
// bank.
constexpr int placeOfA(int row, int chunk, int chunks) {
  return (row * chunks + (chunk ^ (row * chunks / 8 % chunks))) * kChunk;
}
// And of a column of b, as in a panel: eight columns of one chunk are 128 bytes in a row.
constexpr int placeOfB(int column, int chunk, int chunks) {
  return ((column / kGpuNr * chunks + chunk) * kGpuNr + column % kGpuNr) * kChunk;
}

constexpr IntegerTile kTileLarge{128, 128, 64, 64, 32, 3};
constexpr IntegerTile kTileTall{128, 64, 64, 32, 32, 3};
constexpr IntegerTile kTileMiddle{64, 64, 64, 32, 32, 4};
constexpr IntegerTile kTileFlat{16, 64, 128, 16, 16, 4};
// For dot products of four bytes: each of 256 threads has 4 x 4 results.
constexpr IntegerTile kTileDot{64, 64, 64, 16, 32, 3};
// Of sparse ones a warp has 64 x 64 results: with half the products a step, fragments of 64 x 32 would be read for longer
// than they are multiplied.
constexpr IntegerTile kSparseLarge{128, 128, 64, 64, 64, 3, true};
constexpr IntegerTile kSparseMiddle{64, 64, 64, 32, 32, 4, true};
constexpr IntegerTile kSparseFlat{16, 64, 128, 16, 16, 4, true};

struct TilePlace {
  int64_t row, column;
};

// The order of tiles: eight rows of them at a time, column by column, so that tiles which run together share what they read.
constexpr int64_t kTileRows = 8;
constexpr TilePlace tilePlace(int64_t tile, int64_t rows, int64_t columns) {
  const int64_t first = tile / (kTileRows * columns) * kTileRows, rest = tile - first * columns;
  const int64_t high = rows - first < kTileRows ? rows - first : kTileRows;
  return {first + rest % high, rest / high};
}

// What a launch is told besides the parameters.
enum ProductNumber { kTilesDown, kTilesAcross, kStepsOfPart, kPartial };
// What it does with its sums: ends them; leaves those of a part of k in scratch; adds up all parts and ends them.
enum class PartialSums { none, write, add };

}  // namespace dsnk
