// Computes  `gemm` with weights of 16 bits on Hopper's warpgroup instructions: product.inl has the formula
// Shapes    as the contracts say
// Numerics  operands as the type rounds them (half_pack, bfloat_pack); gemm/product_sm90.cuh
// Tiling    gemm/product_sm90.cuh. A stage is 64 of k: 8 columns of it are one piece of weights. nvcc 13, sm_90a, registers:
//           168 (then 224 a thread that multiplies, 56 one that copies), rows 32; none spilled. Compiled and emulated; not yet
//           run on a GPU
// Packing   half_pack and bfloat_pack for nr 8, kr 64: 8 columns of every k, which are 16 bytes and so the rows of a core
//           matrix in which columns run along the row
// Source    as gemm/product_sm90.cuh
#include "kernels/gemm/product_sm90.cuh"
#include "kernels/narrow/product_16.cuh"

#if DSNK_SM90
namespace dsnk {

constexpr int kHopperNr = 8, kHopperKr = 64;  // of the packing

template <class Type>
struct HopperKind16 {
  using Sum = float;
  static constexpr int advance = 16 * 16;  // from 16 of k to the next
  __device__ __forceinline__ static uint64_t columns(const void* b) {
    return matrix_at(b, 8 * 16, kHopperKr * kHopperNr * 2);
  }
  __device__ __forceinline__ static void multiply(float (&d)[128], uint64_t a, uint64_t b);
};
template <>
__device__ __forceinline__ void HopperKind16<HalvesOnGpu>::multiply(float (&d)[128], uint64_t a, uint64_t b) {
  multiply_f16(d, a, b);
}
template <>
__device__ __forceinline__ void HopperKind16<BfloatsOnGpu>::multiply(float (&d)[128], uint64_t a, uint64_t b) {
  multiply_bf16(d, a, b);
}

// Panels of one matrix, of 8 columns; halves have the scales of these in front.
template <class Type>
struct HopperPanels16 {
  static constexpr int64_t head = Type::head == 0 ? 0 : kHopperNr * 4;  // bytes
  const std::byte* packed;
  int64_t panels, stride;

  __device__ __forceinline__ HopperPanels16(const GpuWork& work, const GemmParams& p, int64_t batch)
      : packed(work.at<const std::byte>(2) + 2 * batch_offset(p, p.strideB, batch)),
        panels((p.n + kHopperNr - 1) / kHopperNr),
        stride(head + (p.k + kHopperKr - 1) / kHopperKr * kHopperKr * kHopperNr * 2) {}
  __device__ __forceinline__ float scale(int64_t column) const {
    return reinterpret_cast<const float*>(packed + column / kHopperNr * stride)[column % kHopperNr];
  }
};

template <class Type>
__device__ __forceinline__ void rows_16(const GpuWork& work, const GemmParams& p) {
  const int64_t strideRow = p.transA != 0 ? 1 : p.lda, strideK = p.transA != 0 ? p.lda : 1;
  product_rows(work, [&](int64_t batch, int64_t row) {
    const float* first = work.at<const float>(1) + batch_offset(p, p.strideA, batch) + row * strideRow;
    const int64_t k = row < p.m ? p.k : 0;
    return [first, k, strideK](int64_t kByte) {
      const float* a = first + kByte / 2 * strideK;
      const int64_t left = k - kByte / 2;
      Quad q[2] = {};
      if (strideK == 1 && left >= 8 && aligned16(a)) {
        q[0] = load_quad(a);
        q[1] = load_quad(a + 4);
      } else {
#pragma unroll
        for (int i = 0; i < 8; i++) {
          if (i < left) q[i / 4].v[i % 4] = a[i * strideK];
        }
      }
      const u32x2 low = Type::rounded(q[0]), high = Type::rounded(q[1]);
      return u32x4{{low.v[0], low.v[1], high.v[0], high.v[1]}};
    };
  });
}

template <class Type>
__device__ __forceinline__ void gemm_16_sm90(const GpuWork& work, const GemmParams& p) {
  using T = HopperTile;
  struct Pieces {
    const std::byte* from;
    bool whole;
    int place;
    __device__ __forceinline__ const std::byte* at(int64_t step) const {
      return from == nullptr ? nullptr : from + step * T::piece;
    }
  };
  hopper_product<HopperKind16<Type>>(
      work,
      [&](const GpuTile& tile, int piece) {
        const HopperPanels16<Type> b(work, p, tile.batch);
        const int64_t panel = tile.n * (T::columns / kHopperNr) + piece;
        const bool there = piece >= 0 && panel < b.panels;
        return Pieces{there ? b.packed + panel * b.stride + b.head : nullptr, aligned16(b.packed),
                      hopperPlace16(piece)};
      },
      [&](const GpuTile& tile) {
        return [&p, b = HopperPanels16<Type>(work, p, tile.batch), e = matrix_ending(work, p, tile.batch)](
                   int64_t row, int64_t column, float* sums) {
          const int64_t rows = min<int64_t>(p.m - row, 16), columns = min<int64_t>(p.n - column, T::part);
          if (rows <= 0 || columns <= 0) return;
          if (b.head != 0 && p.k > 0) {
            const float scale = lane() < columns ? b.scale(column + lane()) : 1.0f;
#pragma unroll
            for (int i = 0; i < 16; i++) sums[i * T::pitch + lane()] *= scale;
            sync_warp();
          }
          finish_rows<kWarp, T::part>(sums, T::pitch, static_cast<int>(rows), static_cast<int>(columns),
                                      e.at(row, column), lane());
        };
      });
}

DSNK_ENTRY(256, 0, gemm_f16_sm90_rows, GemmParams) { rows_16<HalvesOnGpu>(work, params); }
DSNK_ENTRY(256, 0, gemm_bf16_sm90_rows, GemmParams) { rows_16<BfloatsOnGpu>(work, params); }
DSNK_ENTRY(384, 1, gemm_f16_sm90_128x256, GemmParams) { gemm_16_sm90<HalvesOnGpu>(work, params); }
DSNK_ENTRY(384, 1, gemm_bf16_sm90_128x256, GemmParams) { gemm_16_sm90<BfloatsOnGpu>(work, params); }

}  // namespace dsnk
#endif
