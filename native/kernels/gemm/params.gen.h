// Generated from lib/kernels/gemm.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

struct GemmDirectParams {
  int64_t m;
  int64_t n;
  int64_t k;
  int64_t lda;
  int64_t ldb;
  int64_t ldc;
  int64_t residualRow;
  int64_t biasRow;
  int64_t batch[4];
  int64_t strideA[4];
  int64_t strideB[4];
  int64_t strideC[4];
  int64_t strideResidual[4];
  int32_t biasColumn;
  int32_t transB;
  float scale;
  float addScale;
  int32_t activation;
  float alpha;
  float beta;
  int32_t reserved;
};
static_assert(sizeof(GemmDirectParams) == 256);
static_assert(offsetof(GemmDirectParams, m) == 0);
static_assert(offsetof(GemmDirectParams, n) == 8);
static_assert(offsetof(GemmDirectParams, k) == 16);
static_assert(offsetof(GemmDirectParams, lda) == 24);
static_assert(offsetof(GemmDirectParams, ldb) == 32);
static_assert(offsetof(GemmDirectParams, ldc) == 40);
static_assert(offsetof(GemmDirectParams, residualRow) == 48);
static_assert(offsetof(GemmDirectParams, biasRow) == 56);
static_assert(offsetof(GemmDirectParams, batch) == 64);
static_assert(offsetof(GemmDirectParams, strideA) == 96);
static_assert(offsetof(GemmDirectParams, strideB) == 128);
static_assert(offsetof(GemmDirectParams, strideC) == 160);
static_assert(offsetof(GemmDirectParams, strideResidual) == 192);
static_assert(offsetof(GemmDirectParams, biasColumn) == 224);
static_assert(offsetof(GemmDirectParams, transB) == 228);
static_assert(offsetof(GemmDirectParams, scale) == 232);
static_assert(offsetof(GemmDirectParams, addScale) == 236);
static_assert(offsetof(GemmDirectParams, activation) == 240);
static_assert(offsetof(GemmDirectParams, alpha) == 244);
static_assert(offsetof(GemmDirectParams, beta) == 248);
static_assert(offsetof(GemmDirectParams, reserved) == 252);

struct GemmPackBParams {
  int64_t count;
  int64_t k;
  int64_t n;
  int64_t ldb;
  int64_t stride;
  int32_t transB;
  int32_t nr;
};
static_assert(sizeof(GemmPackBParams) == 48);
static_assert(offsetof(GemmPackBParams, count) == 0);
static_assert(offsetof(GemmPackBParams, k) == 8);
static_assert(offsetof(GemmPackBParams, n) == 16);
static_assert(offsetof(GemmPackBParams, ldb) == 24);
static_assert(offsetof(GemmPackBParams, stride) == 32);
static_assert(offsetof(GemmPackBParams, transB) == 40);
static_assert(offsetof(GemmPackBParams, nr) == 44);

struct GemmParams {
  int64_t m;
  int64_t n;
  int64_t k;
  int64_t lda;
  int64_t ldc;
  int64_t residualRow;
  int64_t biasRow;
  int64_t batch[4];
  int64_t strideA[4];
  int64_t strideB[4];
  int64_t strideC[4];
  int64_t strideResidual[4];
  int32_t biasColumn;
  int32_t transA;
  float scale;
  float addScale;
  int32_t activation;
  float alpha;
  float beta;
  int32_t reserved;
};
static_assert(sizeof(GemmParams) == 248);
static_assert(offsetof(GemmParams, m) == 0);
static_assert(offsetof(GemmParams, n) == 8);
static_assert(offsetof(GemmParams, k) == 16);
static_assert(offsetof(GemmParams, lda) == 24);
static_assert(offsetof(GemmParams, ldc) == 32);
static_assert(offsetof(GemmParams, residualRow) == 40);
static_assert(offsetof(GemmParams, biasRow) == 48);
static_assert(offsetof(GemmParams, batch) == 56);
static_assert(offsetof(GemmParams, strideA) == 88);
static_assert(offsetof(GemmParams, strideB) == 120);
static_assert(offsetof(GemmParams, strideC) == 152);
static_assert(offsetof(GemmParams, strideResidual) == 184);
static_assert(offsetof(GemmParams, biasColumn) == 216);
static_assert(offsetof(GemmParams, transA) == 220);
static_assert(offsetof(GemmParams, scale) == 224);
static_assert(offsetof(GemmParams, addScale) == 228);
static_assert(offsetof(GemmParams, activation) == 232);
static_assert(offsetof(GemmParams, alpha) == 236);
static_assert(offsetof(GemmParams, beta) == 240);
static_assert(offsetof(GemmParams, reserved) == 244);

struct MatmulGenericParams {
  int64_t m;
  int64_t n;
  int64_t k;
  int64_t lda;
  int64_t ldb;
  int64_t biasRow;
  int64_t batch[4];
  int64_t strideA[4];
  int64_t strideB[4];
  int32_t biasColumn;
  int32_t transA;
  int32_t transB;
  float scale;
  float addScale;
  int32_t reserved;
};
static_assert(sizeof(MatmulGenericParams) == 168);
static_assert(offsetof(MatmulGenericParams, m) == 0);
static_assert(offsetof(MatmulGenericParams, n) == 8);
static_assert(offsetof(MatmulGenericParams, k) == 16);
static_assert(offsetof(MatmulGenericParams, lda) == 24);
static_assert(offsetof(MatmulGenericParams, ldb) == 32);
static_assert(offsetof(MatmulGenericParams, biasRow) == 40);
static_assert(offsetof(MatmulGenericParams, batch) == 48);
static_assert(offsetof(MatmulGenericParams, strideA) == 80);
static_assert(offsetof(MatmulGenericParams, strideB) == 112);
static_assert(offsetof(MatmulGenericParams, biasColumn) == 144);
static_assert(offsetof(MatmulGenericParams, transA) == 148);
static_assert(offsetof(MatmulGenericParams, transB) == 152);
static_assert(offsetof(MatmulGenericParams, scale) == 156);
static_assert(offsetof(MatmulGenericParams, addScale) == 160);
static_assert(offsetof(MatmulGenericParams, reserved) == 164);

}  // namespace dsnk
