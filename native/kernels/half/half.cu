// Computes  `gemm` and `conv` with weights in halves: product.inl has the formula
// Shapes    as the contracts say
// Numerics  narrow/product_16.cuh
// Tiling    narrow/tiles_cuda.h
// Packing   half_pack for nr 32, kr 32
// Source    none
#include "kernels/narrow/floats.cuh"

namespace dsnk {
DSNK_ENTRIES_16(75, HalvesOnGpu, f16)
}  // namespace dsnk
