// Where product_f32.cuh reads matrices: rows of a, columns of b, quads at a time. What lies outside is zero.
#pragma once
#include "kernels/gemm/params.gen.h"
#include "kernels/gemm/product_f32.cuh"

namespace dsnk {

__device__ __forceinline__ bool aligned16(const void* p) { return (reinterpret_cast<uintptr_t>(p) & 15) == 0; }

// Rows of a matrix, in quads along k: element (row, k) stands at row·strideRow + k·strideK.
struct MatrixRows {
  const float* a;
  int64_t strideRow, strideK, m;
  bool wide;
  int rowsLeft = 0;  // from this thread's first row

  __device__ __forceinline__ MatrixRows(const float* matrix, int64_t rowStride, int64_t kStride, int64_t rows)
      : a(matrix),
        strideRow(rowStride),
        strideK(kStride),
        m(rows),
        wide(kStride == 1 && (rowStride & 3) == 0 && aligned16(matrix)) {}
  // For `rows` rows of a tile from row0, `depth` k at a time from k0.
  template <int rows, int depth>
  __device__ __forceinline__ void start(int64_t row0, int64_t k0) {
    constexpr int kQuads = depth / 4;
    const int first = static_cast<int>(threadIdx.x) / kQuads, k = static_cast<int>(threadIdx.x) % kQuads * 4;
    rowsLeft = static_cast<int>(m - row0 < rows ? m - row0 : rows) - first;
    a += (row0 + first) * strideRow + (k0 + k) * strideK;
  }
  template <int depth, int step, int count>
  __device__ __forceinline__ void quads(Quad (&q)[count], int left) const {
    const int k = static_cast<int>(threadIdx.x) % (depth / 4) * 4;
    // Addresses go from one to the next: multiples of the strides would be kept in registers over the whole product.
    const float* row = a;
#pragma unroll
    for (int i = 0; i < count; i++, row += step * strideRow) {
      q[i] = Quad{};
      if (i * step >= rowsLeft) continue;
      if (wide && k + 4 <= left) {
        q[i] = load_quad(row);
      } else {
        const float* at = row;
#pragma unroll
        for (int j = 0; j < 4; j++, at += strideK) {
          if (k + j < left) q[i].v[j] = *at;
        }
      }
    }
  }
  template <int depth>
  __device__ __forceinline__ void move() {
    a += depth * strideK;
  }
  // As product_f32.cuh asks.
  template <class T>
  __device__ __forceinline__ void begin(int64_t row0, int64_t k0) {
    start<T::rows, T::depth>(row0, k0);
  }
  template <class T>
  __device__ __forceinline__ void advance() {
    move<T::depth>();
  }
  template <class T>
  __device__ __forceinline__ void load(Quad (&q)[T::quadsA], int left) const {
    quads<T::depth, T::threads / (T::depth / 4)>(q, left);
  }
};

// Columns that lie side by side for every k: of packed panels, or of a matrix [k, n] as it stands.
struct ColumnsByRow {
  const float* b;
  int64_t strideK, strideBlock;  // from panel to panel
  int64_t n;
  bool packed, wide;
  int valid = 0;  // columns of this thread's quad

  __device__ __forceinline__ static ColumnsByRow panels(const float* b, int64_t k, int64_t n) {
    return {b, kGpuPanel, k * kGpuPanel, n, true, aligned16(b)};
  }
  __device__ __forceinline__ static ColumnsByRow matrix(const float* b, int64_t ldb, int64_t n) {
    return {b, ldb, 0, n, false, aligned16(b) && (ldb & 3) == 0};
  }
  template <class T>
  __device__ __forceinline__ void begin(int64_t column0, int64_t k0) {
    constexpr int kQuads = T::columns / 4;
    const int64_t column = column0 + static_cast<int>(threadIdx.x) % kQuads * 4;
    // A panel is whole, with zeros past the last column.
    const int64_t left = packed && column < (n + kGpuPanel - 1) / kGpuPanel * kGpuPanel ? 4 : n - column;
    valid = left < 0 ? 0 : left < 4 ? static_cast<int>(left) : 4;
    b += (packed ? column / kGpuPanel * strideBlock + column % kGpuPanel : column) +
         (k0 + static_cast<int>(threadIdx.x) / kQuads) * strideK;
    wide = wide && valid == 4;
  }
  template <class T>
  __device__ __forceinline__ void advance() {
    b += T::depth * strideK;
  }
  template <class T>
  __device__ __forceinline__ void load(Quad (&q)[T::quadsB], int left) const {
    constexpr int kStep = T::threads / (T::columns / 4);
    const int k = static_cast<int>(threadIdx.x) / (T::columns / 4);
    const float* from = b;
#pragma unroll
    for (int i = 0; i < T::quadsB; i++, from += kStep * strideK) {
      q[i] = Quad{};
      if (k + i * kStep >= left) continue;
      if (wide) {
        q[i] = load_quad(from);
      } else {
#pragma unroll
        for (int j = 0; j < 4; j++) {
          if (j < valid) q[i].v[j] = from[j];
        }
      }
    }
  }
  template <class T>
  __device__ __forceinline__ void put(float* to, const Quad (&q)[T::quadsB]) const {
    constexpr int kQuads = T::columns / 4, kStep = T::threads / kQuads;
    const int column = static_cast<int>(threadIdx.x) % kQuads * 4, row = static_cast<int>(threadIdx.x) / kQuads;
#pragma unroll
    for (int i = 0; i < T::quadsB; i++) store_quad(to + (row + i * kStep) * T::pitchB + column, q[i]);
  }
};

// Columns of a matrix [n, k]: as rows, quads along k.
struct ColumnsByColumn {
  MatrixRows columns;
  __device__ __forceinline__ ColumnsByColumn(const float* b, int64_t ldb, int64_t n) : columns(b, ldb, 1, n) {}
  template <class T>
  __device__ __forceinline__ void begin(int64_t column0, int64_t k0) {
    columns.start<T::columns, T::depth>(column0, k0);
  }
  template <class T>
  __device__ __forceinline__ void advance() {
    columns.advance<T>();
  }
  template <class T>
  __device__ __forceinline__ void load(Quad (&q)[T::quadsB], int left) const {
    columns.quads<T::depth, T::threads / (T::depth / 4)>(q, left);
  }
  template <class T>
  __device__ __forceinline__ void put(float* to, const Quad (&q)[T::quadsB]) const {
    constexpr int kQuads = T::depth / 4;
    const int t = static_cast<int>(threadIdx.x);
    store_across<T::quadsB, T::pitchB>(to, q, t % kQuads * 4, t / kQuads, T::threads / kQuads);
  }
};

// Offset of matrix `i` of the flattened batch.
template <class P>
__device__ __forceinline__ int64_t batch_offset(const P& p, const int64_t (&stride)[4], int64_t i) {
  int64_t offset = 0;
  for (int d = 3; d >= 0; d--) {
    offset += i % p.batch[d] * stride[d];
    i /= p.batch[d];
  }
  return offset;
}

// The end of matrix `i`. Works for the parameters of `gemm` and of `gemm_direct`, whatever their weights are.
template <class P>
__device__ __forceinline__ Ending matrix_ending(const GpuWork& work, const P& p, int64_t i) {
  const float* residual = work.at<const float>(4);
  return {work.at<float>(0) + batch_offset(p, p.strideC, i),
          p.ldc,
          work.at<const float>(3),
          p.biasRow,
          p.biasColumn,
          residual == nullptr ? nullptr : residual + batch_offset(p, p.strideResidual, i),
          p.residualRow,
          p.scale,
          p.addScale,
          p.activation,
          p.alpha,
          p.beta};
}

// The cut that the plan made.
__device__ __forceinline__ GpuCut cut_of(const GpuWork& work) {
  return {work.number[0], work.number[1], work.number[2], work.number[3], work.number[4]};
}

// A launch has as many blocks as a grid can have; number 5 is the first tile of this one.
__device__ __forceinline__ GpuTile tile_of(const GpuWork& work, const GpuCut& cut) {
  return cut.tile(work.number[5] + blockIdx.x);
}

// Where a split leaves its sums: [split][batch][m][n] in scratch. Nothing happens to them there.
__device__ __forceinline__ Ending partial_ending(const GpuWork& work, const GpuCut& cut, const GpuTile& tile, int64_t m,
                                                 int64_t n) {
  Ending e = {};
  e.y = reinterpret_cast<float*>(work.scratch) + (tile.split * cut.batch + tile.batch) * m * n;
  e.ldc = n;
  e.scale = 1.0f;
  return e;
}

// Adds the splits' sums in their order and ends them.
template <class EndingOf>
__device__ __forceinline__ void finish_splits(const GpuWork& work, int64_t m, int64_t n, const EndingOf& endingOf) {
  const int64_t batch = work.number[2], splits = work.number[3], matrix = m * n, all = batch * matrix;
  const auto* partial = reinterpret_cast<const float*>(work.scratch);
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < all; i += int64_t{gridDim.x} * blockDim.x) {
    float sum = partial[i];
    for (int64_t s = 1; s < splits; s++) sum = sum + partial[s * all + i];
    const int64_t inMatrix = i % matrix;
    endingOf(i / matrix).finish(sum, inMatrix / n, inMatrix % n);
  }
}

}  // namespace dsnk
