// Computes  y[i,j] = ending(Σ_k a[i,k]·b[k,j] + bias[j]): product.inl on Hopper's warpgroup instructions
// Shapes    as product.inl has them
// Numerics  the bits of every other row (gemm_i8.cu)
// Tiling    gemm/product_sm90.cuh. A stage is 128 of k: 16 of them of 64 columns are one piece of weights. nvcc 13, sm_90a,
//           registers: 168 (then 224 a thread that multiplies, 56 one that copies), rows 30; none spilled. Compiled and
//           emulated; not yet run on a GPU
// Packing   integer_pack with nr 64, kr 16, as gemm_i8.cu reads it: 8 columns of sixteen bytes are a core matrix
// Source    as gemm/product_sm90.cuh
#include "kernels/gemm/product_sm90.cuh"
#include "kernels/integer/bytes.cuh"
#include "kernels/integer/ending.cuh"
#include "kernels/integer/product_tiles.h"

#if DSNK_SM90
namespace dsnk {

struct HopperKindBytes {
  using Sum = int32_t;
  static constexpr int advance = 2 * HopperTile::columns * 16;  // from 32 of k to the next
  __device__ __forceinline__ static uint64_t columns(const void* b) {
    return matrix_at(b, HopperTile::columns * 16, 8 * 16);
  }
  __device__ __forceinline__ static void multiply(int32_t (&d)[128], uint64_t a, uint64_t b) { multiply_u8s8(d, a, b); }
};

// 16 x 32 sums in shared memory, of which `rows` x `columns` are there, from (row, column) of y on: a lane has four columns.
__device__ __forceinline__ void endSums(const IntegerEnding& e, int64_t row, int64_t column, const int32_t* sums,
                                        int rows, int columns) {
  constexpr int kQuads = HopperTile::part / 4;
  const int first = lane() % kQuads * 4, there = min(columns - first, 4);
  if (there <= 0) return;
  column += first;
  int32_t bias[4];
  float m[4], add[4];
#pragma unroll
  for (int j = 0; j < 4; j++) {
    bias[j] = j < there ? e.bias[column + j] : 0;
    m[j] = j < there ? e.multiplierOf(column + j) : 0.0f;
    add[j] = j < there && e.addend != nullptr ? e.addend[column + j] : 0.0f;
  }
  const bool bytes = e.output == IntegerOutput::u8;
  const bool whole = grainOf(e.y + (bytes ? column : 4 * column), bytes ? e.ldc : 4 * e.ldc) >= (bytes ? 4 : 16);
  const bool wholeResidual = bytes && e.residual != nullptr && grainOf(e.residual + column, e.residualRow) >= 4;
#pragma unroll 1
  for (int r = lane() / kQuads; r < rows; r += kWarp / kQuads) {
    const u32x4 four = load16(sums + r * HopperTile::pitch + first);
    const int64_t at = (row + r) * e.ldc + column;
    if (bytes) {
      uint32_t residual = 0, packed = 0;
      if (e.residual != nullptr)
        residual = loadBytes(e.residual + (row + r) * e.residualRow + column, there, wholeResidual);
#pragma unroll
      for (int j = 0; j < 4; j++) {
        const int32_t sum = IntegerEnding::biased(static_cast<int32_t>(four.v[j]), bias[j]);
        packed |= static_cast<uint32_t>(e.byte(sum, m[j], static_cast<int>(residual >> 8 * j & 255))) << 8 * j;
      }
      storeBytes(reinterpret_cast<uint8_t*>(e.y) + at, packed, there, whole);
    } else {
      auto* y = reinterpret_cast<uint32_t*>(e.y) + at;
      u32x4 words;
#pragma unroll
      for (int j = 0; j < 4; j++)
        words.v[j] = e.word(IntegerEnding::biased(static_cast<int32_t>(four.v[j]), bias[j]), m[j], add[j]);
      if (whole && there == 4) {
        store16(y, words);
      } else {
#pragma unroll
        for (int j = 0; j < 4; j++) {
          if (j < there) y[j] = words.v[j];
        }
      }
    }
  }
}

DSNK_ENTRY(256, 0, gemm_i8_sm90_rows, IntegerGemmParams) {
  const int grain = grainOf(work.at<const uint8_t>(1), params.lda);
  product_rows(work, [&](int64_t, int64_t row) {
    const uint8_t* first = work.at<const uint8_t>(1) + row * params.lda;
    const int64_t depth = row < params.m ? params.k : 0;
    return [first, depth, grain](int64_t k) {
      const int64_t left = depth - k;
      if (grain == 16 && left >= kChunk) return load16(first + k);
      u32x4 bytes;
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const auto there = static_cast<int>(clamp<int64_t>(left - 4 * i, 0, 4));
        bytes.v[i] = loadBytes(first + k + 4 * i, there, grain >= 4);
      }
      return bytes;
    };
  });
}

DSNK_ENTRY(384, 1, gemm_i8_sm90_128x256, IntegerGemmParams) {
  using T = HopperTile;
  // Sixteens of k of 64 columns, eight of them a stage: piece 8 p + c is sixteen c of panel p.
  struct Pieces {
    const std::byte* from;
    int64_t sixteens;  // from its own on
    bool whole;
    int place;
    __device__ __forceinline__ const std::byte* at(int64_t step) const {
      return from == nullptr || step * T::chunks >= sixteens ? nullptr : from + step * (T::chunks * T::piece);
    }
  };
  hopper_product<HopperKindBytes>(
      work,
      [&](const GpuTile& tile, int piece) {
        const int64_t panels = (params.n + kGpuNr - 1) / kGpuNr, sixteens = (params.k + kGpuKr - 1) / kGpuKr;
        const int chunk = piece % T::chunks, ofTile = piece / T::chunks;
        const int64_t panel = tile.n * (T::columns / kGpuNr) + ofTile;
        const std::byte* b = work.at<const std::byte>(2) + panel * (kGpuHead + sixteens * T::piece) + kGpuHead;
        return Pieces{piece >= 0 && panel < panels ? b + chunk * T::piece : nullptr, sixteens - chunk, true,
                      hopperPlaceBytes(ofTile, chunk)};
      },
      [&](const GpuTile&) {
        return [&params, e = IntegerEnding(params, work, params.residualRow)](int64_t row, int64_t column,
                                                                              const int32_t* sums) {
          const int64_t rows = min<int64_t>(params.m - row, 16), columns = min<int64_t>(params.n - column, T::part);
          if (rows > 0) endSums(e, row, column, sums, static_cast<int>(rows), static_cast<int>(columns));
        };
      });
}

}  // namespace dsnk
#endif
