// What matrix product and convolution of bytes share on a GPU: the loop over k, the sums, and how they end.
// gemm_i8.cu and conv_i8.cu have the headers.
#pragma once
#include <cstring>

#include "kernels/integer/bytes.cuh"
#include "kernels/integer/ending.cuh"
#include "kernels/integer/product_tiles.h"

namespace dsnk {

struct LargeTile {
  static constexpr IntegerTile tile = kTileLarge;
};
struct TallTile {
  static constexpr IntegerTile tile = kTileTall;
};
struct MiddleTile {
  static constexpr IntegerTile tile = kTileMiddle;
};
struct FlatTile {
  static constexpr IntegerTile tile = kTileFlat;
};
struct DotTile {
  static constexpr IntegerTile tile = kTileDot;
};

// The rows of a matrix that a thread copies: chunk threadIdx % chunks of every so-manieth row.
template <class T>
struct MatrixRows {
  static constexpr IntegerTile tile = T::tile;
  static constexpr int step = tile.threads() / tile.chunks(), passes = tile.rows / step;
  const uint8_t* base;
  const uint8_t* row[passes];  // nullptr beyond the last
  int64_t k, at;
  int grain, place[passes];

  __device__ __forceinline__ MatrixRows(const uint8_t* a, int64_t lda, int64_t first, int64_t m, int64_t depth,
                                        int64_t k0)
      : base(a), k(depth), grain(grainOf(a, lda | depth)) {
    const int thread = static_cast<int>(threadIdx.x), chunk = thread % tile.chunks();
    at = k0 + chunk * kChunk;
#pragma unroll
    for (int i = 0; i < passes; i++) {
      const int r = thread / tile.chunks() + i * step;
      row[i] = first + r < m ? a + (first + r) * lda : nullptr;
      place[i] = placeOfA(r, chunk, tile.chunks());
    }
  }

  __device__ __forceinline__ void load(unsigned char* stage) {
#pragma unroll
    for (int i = 0; i < passes; i++) {
      unsigned char* to = stage + place[i];
      if (grain == 16) {
        const bool take = row[i] != nullptr && at < k;
        copy_async16(to, take ? row[i] + at : base, take);
      } else if (grain == 4) {
#pragma unroll 1
        for (int b = 0; b < kChunk; b += 4) {
          const bool take = row[i] != nullptr && at + b < k;
          copy_async4(to + b, take ? row[i] + at + b : base, take);
        }
      } else {
#pragma unroll 1
        for (int b = 0; b < kChunk; b += 4) {
          uint32_t word = 0;
#pragma unroll
          for (int j = 0; j < 4; j++) {
            if (row[i] != nullptr && at + b + j < k) word |= static_cast<uint32_t>(row[i][at + b + j]) << 8 * j;
          }
          storeWord(to + b, word);
        }
      }
    }
    at += tile.depth;
  }
};

// The panels of b of the columns of a tile.
template <class T>
struct Panels {
  static constexpr IntegerTile tile = T::tile;
  static constexpr int each = kGpuNr * tile.chunks(), passes = tile.columns * tile.chunks() / tile.threads();
  const std::byte* from[passes];  // nullptr beyond the last
  const std::byte* base;
  int units;  // chunks of k that are left; b, 64 bytes of it for each byte of k, is in memory, so 32 bits do

  __device__ __forceinline__ Panels(const std::byte* matrix, int64_t n, int64_t k, int64_t column, int64_t k0) {
    const int64_t kPadded = (k + kGpuKr - 1) / kGpuKr * kGpuKr, first = column / kGpuNr;
    const int64_t panelBytes = k == 0 ? 0 : kGpuHead + kPadded * kGpuNr, panels = (n + kGpuNr - 1) / kGpuNr - first;
    const std::byte* b = matrix + first * panelBytes;
    base = b;
    units = static_cast<int>(kPadded / kChunk - k0 / kChunk);
    const int thread = static_cast<int>(threadIdx.x);
#pragma unroll
    for (int i = 0; i < passes; i++) {
      const int at = thread + i * tile.threads();
      from[i] = at / each < panels ? b + at / each * panelBytes + kGpuHead + (k0 / kChunk * kGpuNr + at % each) * kChunk
                                   : nullptr;
    }
  }

  __device__ __forceinline__ void load(unsigned char* stage) {
    const int thread = static_cast<int>(threadIdx.x);
#pragma unroll
    for (int i = 0; i < passes; i++) {
      const int at = thread + i * tile.threads();
      const bool take = from[i] != nullptr && at % each / kGpuNr < units;
      copy_async16(stage + tile.aBytes() + at * kChunk, take ? from[i] : base, take);
      if (from[i] != nullptr) from[i] += kGpuNr * tile.depth;
    }
    units -= tile.chunks();
  }
};

// Sums in tensor cores. A warp has warpRows x warpColumns of them: products of 16 x 8 results and 32 bytes of k.
template <class T>
struct TensorSums {
  using Weights = Panels<T>;
  static constexpr IntegerTile tile = T::tile;
  static constexpr int high = tile.warpRows / 16, wide = tile.warpColumns / 8;
  static constexpr int quads = high * wide, rows = 2 * high, columns = 2 * wide, run = 2;
  int32_t v[quads][4];
  int firstRow, firstColumn, aPlace, aChunk, bPlace;

  __device__ __forceinline__ TensorSums() {
    const int l = lane(), w = warp(), down = tile.rows / tile.warpRows;
    firstRow = w % down * tile.warpRows;
    firstColumn = w / down * tile.warpColumns;
    // Lane l says where row l % 8 of matrix l / 8 is: of a, rows 0-7 and 8-15 of a chunk, then of the next; of b, columns
    // 0-7 of a chunk and of the next, then columns 8-15.
    const int row = firstRow + l % 16;
    aPlace = row * tile.depth;
    aChunk = placeOfA(row, l / 16, tile.chunks()) - aPlace;
    bPlace = tile.aBytes() + placeOfB(firstColumn + l / 16 * 8 + l % 8, l / 8 % 2, tile.chunks());
    firstRow += l / 4;
    firstColumn += l % 4 * 2;
#pragma unroll
    for (int q = 0; q < quads; q++) v[q][0] = v[q][1] = v[q][2] = v[q][3] = 0;
  }
  // Of the tile: of this thread's row r and column c.
  __device__ __forceinline__ int rowOf(int r) const { return firstRow + r * 8; }
  __device__ __forceinline__ int columnOf(int c) const { return firstColumn + c / 2 * 8 + c % 2; }
  __device__ __forceinline__ int32_t sum(int r, int c) const { return v[r / 2 * wide + c / 2][r % 2 * 2 + c % 2]; }

  struct Pieces {
    uint32_t a[high][4], b[wide / 2][4];
  };
  __device__ __forceinline__ void fetch(Pieces& p, const unsigned char* stage, int s) const {
#pragma unroll
    for (int i = 0; i < high; i++) {
      load_matrices4(p.a[i], stage + aPlace + i * 16 * tile.depth + (aChunk ^ s * 2 * kChunk));
    }
#pragma unroll
    for (int j = 0; j < wide / 2; j++) {
      load_matrices4(p.b[j], stage + bPlace + (s * 2 * kGpuNr + j * 16) * kChunk);
    }
  }
  __device__ __forceinline__ void multiply(const unsigned char* stage) {
    Pieces pieces[2];
    fetch(pieces[0], stage, 0);
#pragma unroll
    for (int s = 0; s < tile.depth / 32; s++) {
      if (s + 1 < tile.depth / 32) fetch(pieces[(s + 1) % 2], stage, s + 1);
      const Pieces& p = pieces[s % 2];
#pragma unroll
      for (int i = 0; i < high; i++) {
#pragma unroll
        for (int j = 0; j < wide; j++) {
          const uint32_t b[2] = {p.b[j / 2][j % 2 * 2], p.b[j / 2][j % 2 * 2 + 1]};
          mma_u8s8(v[i * wide + j], p.a[i], b);
        }
      }
    }
  }
};

// Sums of dot products of four bytes: 4 x 4 for each of 256 threads.
template <class T>
struct DotSums {
  using Weights = Panels<T>;
  static constexpr IntegerTile tile = T::tile;
  static constexpr int quads = 4, rows = 4, columns = 4, run = 1;
  static_assert(tile.threads() == 256 && tile.rows == 64 && tile.columns == 64, "threads are 16 x 16");
  int32_t v[4][4] = {};
  int aPlace, aChunk, bPlace;

  __device__ __forceinline__ DotSums() {
    const int row = rowOf(0);
    aPlace = row * tile.depth;
    aChunk = placeOfA(row, 0, tile.chunks()) - aPlace;
    bPlace = tile.aBytes() + placeOfB(columnOf(0), 0, tile.chunks());
  }
  __device__ __forceinline__ int rowOf(int r) const { return static_cast<int>(threadIdx.x) / 16 + r * 16; }
  __device__ __forceinline__ int columnOf(int c) const { return static_cast<int>(threadIdx.x) % 16 + c * 16; }
  __device__ __forceinline__ int32_t sum(int r, int c) const { return v[r][c]; }

  __device__ __forceinline__ void multiply(const unsigned char* stage) {
#pragma unroll
    for (int s = 0; s < tile.chunks(); s++) {
      u32x4 a[4], b[4];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        a[i] = load16(stage + aPlace + i * 16 * tile.depth + (aChunk ^ s * kChunk));
        b[i] = load16(stage + bPlace + (s * kGpuNr + i * 16) * kChunk);
      }
#pragma unroll
      for (int q = 0; q < 4; q++) {
#pragma unroll
        for (int i = 0; i < 16; i++) v[i / 4][i % 4] = dot4_u8s8(v[i / 4][i % 4], a[i / 4].v[q], b[i % 4].v[q]);
      }
    }
  }
};

// A tile of y: where it begins, and how much of it there is.
struct TileOfY {
  int64_t row, column;
  int rows, columns;
};

// f(row, column, bytes) for each chunk of a tile of bytes that is not empty, spread over the threads.
template <class T, class F>
__device__ __forceinline__ void eachChunk(const TileOfY& t, F f) {
  constexpr int across = T::tile.columns / kChunk;
  for (int i = static_cast<int>(threadIdx.x); i < T::tile.rows * across; i += T::tile.threads()) {
    const int row = i / across, column = i % across * kChunk, left = t.columns - column;
    if (row < t.rows && left > 0) f(row, column, left < kChunk ? left : kChunk);
  }
}

// Bytes go through shared memory, the residual in and the results out, in whole chunks where addresses allow.
template <class T, class Sums>
__device__ __forceinline__ void endBytes(const IntegerEnding& e, const Sums& sums, const TileOfY& t) {
  unsigned char* const shared = shared_memory();
  constexpr int pitch = T::tile.resultRow();
  sync_block();  // all have multiplied what stands there
  if (e.residual != nullptr) {
    const uint8_t* from = e.residual + t.row * e.residualRow + t.column;
    const bool whole = grainOf(from, e.residualRow) == 16;
    eachChunk<T>(t, [&](int row, int column, int bytes) {
      const uint8_t* source = from + row * e.residualRow + column;
      unsigned char* to = shared + row * pitch + column;
      if (whole && bytes == kChunk) {
        store16(to, load16(source));
      } else {
        for (int b = 0; b < bytes; b++) to[b] = source[b];
      }
    });
    sync_block();
  }
#pragma unroll
  for (int c = 0; c < Sums::columns; c += Sums::run) {
    int32_t bias[Sums::run];
    float m[Sums::run];
    const int column = sums.columnOf(c);
#pragma unroll
    for (int j = 0; j < Sums::run; j++) {
      const bool there = column + j < t.columns;
      bias[j] = there ? e.bias[t.column + column + j] : 0;
      m[j] = there ? e.multiplierOf(t.column + column + j) : 0.0f;
    }
#pragma unroll
    for (int r = 0; r < Sums::rows; r++) {
      unsigned char* at = shared + sums.rowOf(r) * pitch + column;
#pragma unroll
      for (int j = 0; j < Sums::run; j++) {
        const int residual = e.residual != nullptr ? at[j] : 0;
        at[j] = e.byte(IntegerEnding::biased(sums.sum(r, c + j), bias[j]), m[j], residual);
      }
    }
  }
  sync_block();
  auto* to = reinterpret_cast<uint8_t*>(e.y) + t.row * e.ldc + t.column;
  const bool whole = grainOf(to, e.ldc) == 16;
  eachChunk<T>(t, [&](int row, int column, int bytes) {
    const unsigned char* source = shared + row * pitch + column;
    uint8_t* target = to + row * e.ldc + column;
    if (whole && bytes == kChunk) {
      store16(target, load16(source));
    } else {
      for (int b = 0; b < bytes; b++) target[b] = source[b];
    }
  });
}

// Floats and integers go straight from registers: four lanes write 32 bytes in a row.
template <class Sums>
__device__ __forceinline__ void endWords(const IntegerEnding& e, const Sums& sums, const TileOfY& t) {
#pragma unroll
  for (int c = 0; c < Sums::columns; c++) {
    const int column = sums.columnOf(c);
    if (column >= t.columns) continue;
    const int64_t at = t.column + column;
    const int32_t bias = e.bias[at];
    const float m = e.multiplierOf(at), add = e.addend != nullptr ? e.addend[at] : 0.0f;
#pragma unroll
    for (int r = 0; r < Sums::rows; r++) {
      const int row = sums.rowOf(r);
      if (row >= t.rows) continue;
      reinterpret_cast<uint32_t*>(e.y)[(t.row + row) * e.ldc + at] =
          e.word(IntegerEnding::biased(sums.sum(r, c), bias), m, add);
    }
  }
}

// Σ over steps [first, last) of k; every step waits for its own copies, and asks for those of the last but one after it.
template <class T, class Sums, class Source>
__device__ __forceinline__ void multiplySteps(Sums& sums, Source& source, typename Sums::Weights& panels, int steps) {
  constexpr IntegerTile tile = T::tile;
  unsigned char* const shared = shared_memory();
  int asked = 0;
#pragma unroll
  for (int s = 0; s < tile.stages - 1; s++) {
    if (asked < steps) {
      source.load(shared + s * tile.stageBytes());
      panels.load(shared + s * tile.stageBytes());
    }
    asked++;
    commit_copies();
  }
  int here = 0, next = tile.stages - 1;
#pragma unroll 1
  for (int step = 0; step < steps; step++) {
    wait_copies<tile.stages - 2>();
    sync_block();  // all copies of this step have landed, and all threads are through with the step before
    if (asked < steps) {
      source.load(shared + next * tile.stageBytes());
      panels.load(shared + next * tile.stageBytes());
    }
    asked++;
    commit_copies();
    sums.multiply(shared + here * tile.stageBytes());
    here = here + 1 == tile.stages ? 0 : here + 1;
    next = next + 1 == tile.stages ? 0 : next + 1;
  }
  wait_copies<0>();
}

// One product of a batch: y[m, n] at column `column` of all.
struct ProductShape {
  int64_t m, n, k, column;
};

// `begin(first row, first k)` gives the rows of a; `b` are the panels of this product. The ending is made when it is needed:
// registers are scarce before.
template <class T, class Sums, class P, class Begin>
__device__ __forceinline__ void productTile(const GpuWork& w, const P& params, int64_t residualRow,
                                            const ProductShape& p, const std::byte* b, Begin begin) {
  constexpr IntegerTile tile = T::tile;
  const int64_t down = w.number[kTilesDown], across = w.number[kTilesAcross], ofPart = w.number[kStepsOfPart];
  const auto partial = static_cast<PartialSums>(w.number[kPartial]);
  const TilePlace place = tilePlace(blockIdx.x, down, across);
  const int64_t row = place.row * tile.rows, column = place.column * tile.columns;
  const int64_t kPadded = (p.k + kGpuKr - 1) / kGpuKr * kGpuKr, steps = (kPadded + tile.depth - 1) / tile.depth;
  // Sums of this tile of this product in the part of k of that number.
  const auto kept = [&](int64_t part) {
    const int64_t tiles = down * across, of = (part * gridDim.z + blockIdx.z) * tiles + blockIdx.x;
    return reinterpret_cast<int32_t*>(w.scratch) + (of * Sums::quads * tile.threads() + threadIdx.x) * 4;
  };
  Sums sums;
  if (partial == PartialSums::add) {
    for (int64_t part = 0; part * ofPart < steps; part++) {
      const int32_t* from = kept(part);
#pragma unroll
      for (int q = 0; q < Sums::quads; q++) {
        const u32x4 four = load16(from + q * tile.threads() * 4);
#pragma unroll
        for (int i = 0; i < 4; i++) {
          sums.v[q][i] = IntegerEnding::biased(sums.v[q][i], static_cast<int32_t>(four.v[i]));
        }
      }
    }
  } else {
    const int64_t first = blockIdx.y * ofPart, last = first + ofPart < steps ? first + ofPart : steps;
    auto source = begin(row, first * tile.depth);
    typename Sums::Weights from(b, p.n, p.k, column, first * tile.depth);
    multiplySteps<T>(sums, source, from, static_cast<int>(last - first));
    if (partial == PartialSums::write) {
      int32_t* to = kept(blockIdx.y);
#pragma unroll
      for (int q = 0; q < Sums::quads; q++) {
        u32x4 four;
#pragma unroll
        for (int i = 0; i < 4; i++) four.v[i] = static_cast<uint32_t>(sums.v[q][i]);
        store16(to + q * tile.threads() * 4, four);
      }
      return;
    }
  }
  const TileOfY t{row, p.column + column, static_cast<int>(p.m - row < tile.rows ? p.m - row : tile.rows),
                  static_cast<int>(p.n - column < tile.columns ? p.n - column : tile.columns)};
  const IntegerEnding e(params, w, residualRow);
  if (e.output == IntegerOutput::u8) {
    endBytes<T>(e, sums, t);
  } else {
    endWords(e, sums, t);
  }
}

}  // namespace dsnk
