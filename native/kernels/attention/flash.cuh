// Computes  y[i, :] = Σ_t w[i, t]·v[t, :], w = softmax_t of the scores of queries i over keys t: one block's queries, keys and
//           values of 16 bits, on the matrix units
// Shapes    FlashTile: 128 queries (64 of heads wider than 128) of heads of up to 64, 96, 128 or 256 numbers, 64 keys a step;
//           what lies outside is zero. Queries come from anywhere (Rows::query), so that heads that share keys share a block
// Numerics  queries times scale·log2(e) are rounded to the type of the keys, halves after a power of two that brings the largest
//           of a row to 2^14 … 2^15: nothing overflows, nothing becomes denormal that matters. Weights 2^(s - m) by ex2.approx
//           (2^-22), their sum before they are rounded, halves times 2^15; sums of 16 products in the matrix unit added in
//           float32. So a score is off by u·Σ|q·k|·scale and a weight by u more, u = 2^-11 of halves, 2^-8 of bfloats. NaN and
//           infinities of a query stay in its row; those of a value reach all queries of the block
// Tiling    a warp has all keys of a step for its 16 or 32 queries, so that softmax crosses four lanes only and weights go from
//           sums to operands in registers. Of shared memory: 32 queries a warp read a step's 32 KB once for 256 products of
//           2048, 256 cycles of it for 400 of the matrix units of an H100 (16 queries: 256 for 200). Keys of the next step
//           are copied while values are multiplied, values while keys are; two blocks a multiprocessor fill the gaps. Steps
//           that no query of the block sees are skipped, only those that some do not see are masked. Sums are multiplied
//           anew only where a maximum rose. Heavy blocks first. Compiled and emulated; not yet run on a GPU
// Packing   none
// Source    Dao, FlashAttention-2: Faster attention with better parallelism and work partitioning (2023), §3; PTX ISA,
//           fragments of mma.m16n8k16
#pragma once
#include "cuda/elements.cuh"
#include "kernels/attention/flash_tiles.h"
#include "kernels/attention/params.gen.h"

namespace dsnk {

struct FlashHalves {
  static constexpr float lift = 15.0f;  // weights are kept times 2^lift
  __device__ __forceinline__ static uint32_t pair(float low, float high) { return pack_halves(low, high); }
  __device__ __forceinline__ static void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    mma_f16(d, a, b);
  }
  // 2^(14 - e) where 2^e is the size of the largest number of a row, and its inverse.
  __device__ __forceinline__ static float factor(float largest, float& inverse) {
    const int e = max(static_cast<int>(bits_of_float(largest) >> 23), 15);
    inverse = float_of_bits(static_cast<uint32_t>(e - 14) << 23);
    return float_of_bits(static_cast<uint32_t>(268 - e) << 23);
  }
};
struct FlashBfloats {
  static constexpr float lift = 0.0f;
  __device__ __forceinline__ static uint32_t pair(float low, float high) { return pack_bfloats(low, high); }
  __device__ __forceinline__ static void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    mma_bf16(d, a, b);
  }
  __device__ __forceinline__ static float factor(float, float& inverse) {
    inverse = 1.0f;
    return 1.0f;
  }
};

constexpr float kLog2E = 1.4426950408889634f;

// What a block works on. It stands in shared memory: sums and scores take most registers that there are.
struct FlashBlock {
  const uint16_t *k, *v;
  int32_t rowK, rowV;  // numbers from row to row; what is beyond width and depth is zero, if anything
  int64_t step[2];     // where steps begin in them, by turns; -1: nowhere
  int32_t width, depth;
  int32_t begin, end;  // keys that any query sees
  int32_t count;       // queries
  float scale;         // of scores, times log2(e)
  bool wideK, wideV;   // pieces of 16 bytes begin at multiples of 16

  __device__ __forceinline__ void align() {
    wideK = rowK % 8 == 0 && isAligned(k, 16);
    wideV = rowV % 8 == 0 && isAligned(v, 16);
  }
};

// Rows [low, high) of a step into shared memory; the others, and what is beyond the width, become zeros.
template <class T>
__device__ __forceinline__ void copyStep(unsigned char* to, const uint16_t* from, int width, int low, int high,
                                         bool wide) {
  const int thread = static_cast<int>(threadIdx.x), first = thread / T::pieces, piece = thread % T::pieces;
  if (first >= T::rowsAtOnce) return;
  if (wide) {
    if (piece * 8 >= width) high = 0;
    // Addresses go from one to the next: multiples of the width would be kept in registers over the whole block.
    const uint16_t* at = from + first * width + piece * 8;
#pragma unroll
    for (int i = 0; i < kFlashKeys; i += T::rowsAtOnce, at += T::rowsAtOnce * width)
      copy_async16(to + T::place(first + i, piece), at, first + i >= low && first + i < high);
    return;
  }
  DSNK_ROLLED
  for (int row = first; row < kFlashKeys; row += T::rowsAtOnce) {
    u32x4 words{};
    if (row >= low && row < high) {
      DSNK_UNROLLED
      for (int i = 0; i < 8; i++) {
        const int d = piece * 8 + i;
        if (d < width) words.v[i / 2] |= static_cast<uint32_t>(from[row * width + d]) << i % 2 * 16;
      }
    }
    store16(to + T::place(row, piece), words);
  }
}

// The same of its rows.
template <class T>
struct FlashRows {
  float inverse[T::rows];                // what makes scores of sums
  int32_t begin[T::rows], end[T::rows];  // keys that it sees
};

// Queries of the block, times scale and rounded: a warp a row at a time.
template <class Type, class T, class Rows>
__device__ __forceinline__ void loadQueries(unsigned char* shared, FlashRows<T>& own, const FlashBlock& block,
                                            const Rows& rows) {
  constexpr int kEach = (T::width + 63) / 64 * 2;  // numbers a lane, two side by side
  DSNK_ROLLED
  for (int r = warp(); r < T::rows; r += T::warps) {
    const float* q = rows.query(r);  // nullptr: past the last
    float x[kEach], largest = 0.0f;
    DSNK_UNROLLED
    for (int i = 0; i < kEach; i++) {
      const int d = i / 2 * 64 + lane() * 2 + i % 2;
      x[i] = q != nullptr && d < block.width ? q[d] * block.scale : 0.0f;
      const float size = fabsf(x[i]);
      largest = size < infinity() && size > largest ? size : largest;
    }
    float inverse;
    const float factor = Type::factor(warp_max(largest), inverse);
    DSNK_UNROLLED
    for (int i = 0; i < kEach; i += 2) {
      const int d = i * 32 + lane() * 2;
      if (d < T::width)
        *reinterpret_cast<uint32_t*>(shared + T::place(r, d / 8) + d % 8 * 2) =
            Type::pair(x[i] * factor, x[i + 1] * factor);
    }
    if (lane() == 0) own.inverse[r] = inverse;
  }
  for (int r = static_cast<int>(threadIdx.x); r < T::rows; r += T::threads) rows.seen(r, own.begin[r], own.end[r]);
}

// One block, whose queries Rows has: query(r); seen(r, begin, end): keys that it sees, which never begin or end before those of
// the query before; step(t0): the row of block.k and block.v where 64 keys from t0 begin, -1 for none; score(r, t, s): changes a
// score in units of log2(e), where kScores says so; ending(r, peak, total): what puts sums, still without their divisor, where
// they belong.
template <class Type, class T, bool kScores, class Rows>
__device__ __forceinline__ void flash(FlashBlock& block, const Rows& rows) {
  __shared__ FlashRows<T> own;
  unsigned char *const queries = shared_memory(), *const k = queries + T::bytesQ, *const v = k + T::bytesStep;
  const auto copy = [&](unsigned char* to, const uint16_t* from, int width, bool wide, int t0) {
    const int64_t row = block.step[t0 / kFlashKeys % 2];
    copyStep<T>(to, from + (row < 0 ? 0 : row * width), width, block.begin - t0, row < 0 ? 0 : block.end - t0, wide);
    commit_copies();
  };
  const int first = block.begin / kFlashKeys * kFlashKeys;
  if (threadIdx.x == 0 && first < block.end) block.step[first / kFlashKeys % 2] = rows.step(first);
  sync_block();
  if (first < block.end) copy(k, block.k, block.rowK, block.wideK, first);
  loadQueries<Type, T>(queries, own, block, rows);

  constexpr int kSteps = T::width / 16, kWide = T::width / 8;
  const int warpRow = warp() * 16 * T::high, group = lane() / 4, column = lane() % 4 * 2;
  // What this lane loads of the first 16 rows: 16 rows on, pieces are permuted in the same way.
  const int placeQ = T::place(warpRow + lane() % 16, lane() / 16), placeV = T::place(lane() % 16, lane() / 16);
  const int placeK = T::place(lane() / 16 * 8 + lane() % 8, lane() / 8 % 2);
  float sums[T::high][kWide][4] = {}, peak[T::high][2], total[T::high][2] = {};
#pragma unroll
  for (int i = 0; i < T::high; i++) peak[i][0] = peak[i][1] = -infinity();
#pragma unroll 1
  for (int t0 = first; t0 < block.end; t0 += kFlashKeys) {
    const bool more = block.end - t0 > kFlashKeys;
    wait_copies<0>();
    sync_block();  // keys are there; the values before have been used
    if (threadIdx.x == 0 && more) block.step[(t0 / kFlashKeys + 1) % 2] = rows.step(t0 + kFlashKeys);
    copy(v, block.v, block.rowV, block.wideV, t0);
    float s[T::high][kFlashKeys / 8][4] = {};
#pragma unroll
    for (int step = 0; step < kSteps; step++) {
      uint32_t a[T::high][4];
#pragma unroll
      for (int i = 0; i < T::high; i++)
        load_matrices4(a[i], queries + T::moved(placeQ, step * 2) + i * 16 * T::width * 2);
#pragma unroll
      for (int j = 0; j < kFlashKeys / 16; j++) {
        uint32_t r[4];
        load_matrices4(r, k + T::moved(placeK, step * 2) + j * 16 * T::width * 2);
        const uint32_t low[2] = {r[0], r[1]}, high[2] = {r[2], r[3]};
#pragma unroll
        for (int i = 0; i < T::high; i++) {
          Type::multiply(s[i][j * 2], a[i], low);
          Type::multiply(s[i][j * 2 + 1], a[i], high);
        }
      }
    }
    const bool masked = t0 < own.begin[block.count - 1] || own.end[0] - t0 < kFlashKeys;
#pragma unroll
    for (int i = 0; i < T::high; i++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const int r = warpRow + i * 16 + half * 8 + group;
        float inverse = own.inverse[r];
        if constexpr (kScores) {
#pragma unroll
          for (int j = 0; j < kFlashKeys / 8; j++) {
#pragma unroll
            for (int c = 0; c < 2; c++) {
              float& x = s[i][j][half * 2 + c];
              x = rows.score(r, t0 + j * 8 + column + c, x * inverse);
            }
          }
          inverse = 1.0f;
        }
        if (masked) {
          const int begin = own.begin[r] - t0, end = own.end[r] - t0;
#pragma unroll
          for (int j = 0; j < kFlashKeys / 8; j++) {
#pragma unroll
            for (int c = 0; c < 2; c++) {
              const int t = j * 8 + column + c;
              if (t < begin || t >= end) s[i][j][half * 2 + c] = -infinity();
            }
          }
        }
        float top = -infinity();
#pragma unroll
        for (int j = 0; j < kFlashKeys / 8; j++) top = fmaxf(top, fmaxf(s[i][j][half * 2], s[i][j][half * 2 + 1]));
        top = fmaxf(top, shuffle_xor(top, 1));
        top = fmaxf(peak[i][half], fmaxf(top, shuffle_xor(top, 2)) * inverse);
        const float shift = top == -infinity() ? 0.0f : top;  // nothing but -∞ so far: all weights are zero
        const float keep = exp2_near(peak[i][half] - shift);
        if (ballot(top != peak[i][half]) != 0) {
#pragma unroll
          for (int j = 0; j < kWide; j++) {
#pragma unroll
            for (int c = 0; c < 2; c++) sums[i][j][half * 2 + c] = sums[i][j][half * 2 + c] * keep;
          }
        }
        peak[i][half] = top;
        float sum = 0.0f;
#pragma unroll
        for (int j = 0; j < kFlashKeys / 8; j++) {
#pragma unroll
          for (int c = 0; c < 2; c++) {
            float& x = s[i][j][half * 2 + c];
            // In two steps: a lift beside a large shift could be rounded up, and weights above 2^lift be infinite as halves.
            x = exp2_near(fmaf(x, inverse, -shift) + Type::lift);
            sum = sum + x;
          }
        }
        total[i][half] = total[i][half] * keep + sum;
      }
    }
    wait_copies<0>();
    sync_block();  // values are there; keys have been used
    if (more) copy(k, block.k, block.rowK, block.wideK, t0 + kFlashKeys);
#pragma unroll
    for (int step = 0; step < kFlashKeys / 16; step++) {
      uint32_t a[T::high][4];
#pragma unroll
      for (int i = 0; i < T::high; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
          const float (&from)[4] = s[i][step * 2 + j / 2];
          a[i][j] = Type::pair(from[j % 2 * 2], from[j % 2 * 2 + 1]);
        }
      }
#pragma unroll
      for (int j = 0; j < kWide / 2; j++) {
        uint32_t r[4];
        load_matrices4_transposed(r, v + T::moved(placeV, j * 2) + step * 16 * T::width * 2);
        const uint32_t low[2] = {r[0], r[1]}, high[2] = {r[2], r[3]};
#pragma unroll
        for (int i = 0; i < T::high; i++) {
          Type::multiply(sums[i][j * 2], a[i], low);
          Type::multiply(sums[i][j * 2 + 1], a[i], high);
        }
      }
    }
  }
#pragma unroll
  for (int i = 0; i < T::high; i++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float all = total[i][half];
      all = all + shuffle_xor(all, 1);
      all = all + shuffle_xor(all, 2);
      const int r = warpRow + i * 16 + half * 8 + group;
      const auto ending = rows.ending(r, peak[i][half], all);
#pragma unroll
      for (int j = 0; j < kWide; j++) {
#pragma unroll
        for (int c = 0; c < 2; c++) {
          const int d = j * 8 + column + c;
          if (r < block.count && d < block.depth) ending.put(d, sums[i][j][half * 2 + c]);
        }
      }
    }
  }
}

}  // namespace dsnk
