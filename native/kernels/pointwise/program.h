// The decoded view of a pointwise call: parameters and tail. See lib/kernels/pointwise.ts for the words.
#pragma once
#include "kernels/kernel.h"
#include "kernels/pointwise/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

constexpr int kPointwiseInputs = 16, kPointwiseRegisters = 12, kPointwiseSteps = 64, kPointwiseRank = 8;

// Elements of a block. 1024 floats: one register is 4 KB, so a chain with six live values stays inside a 32 KB L1
// beside its input and output, and the dispatch of a step (~3 ns) is spread over 64 AVX-512 vectors.
constexpr int64_t kPointwiseBlock = 1024;
// Room behind each block for a whole vector stored past its end.
constexpr int64_t kPointwisePad = 16;

struct PointwiseInput {
  uint32_t word;
  uint32_t mask() const { return word & 0xff; }
  PointwiseType type() const { return static_cast<PointwiseType>(word >> 8); }
};

struct PointwiseStep {
  uint32_t head, source[3];
  PointwiseOp op() const { return static_cast<PointwiseOp>(head & 0xffff); }
  uint32_t target() const { return head >> 16; }
};

inline PointwiseSource sourceKind(uint32_t s) { return static_cast<PointwiseSource>(s >> 24); }
inline uint32_t sourceIndex(uint32_t s) { return s & 0xffffff; }

struct PointwiseProgram {
  const PointwiseParams& params;
  const PointwiseInput* inputs;
  const float* immediates;
  const PointwiseStep* steps;

  explicit PointwiseProgram(const PointwiseParams& p) : params(p) {
    const auto* tail = reinterpret_cast<const uint32_t*>(&p + 1);
    inputs = reinterpret_cast<const PointwiseInput*>(tail);
    immediates = reinterpret_cast<const float*>(tail + p.inputs);
    steps = reinterpret_cast<const PointwiseStep*>(tail + p.inputs + p.immediates);
  }
};

// How the output is walked: blocks of whole rows while a row is short, else pieces of one row.
struct PointwiseWalk {
  int64_t rows, inner;
  int64_t rowsPerBlock;  // > 1 only when a row is shorter than a block
  int64_t piece;         // elements of a row in one block
  int64_t pieces;        // blocks per row
  int64_t units;

  explicit PointwiseWalk(const PointwiseParams& p) : rows(1), inner(p.dims[p.rank - 1]) {
    for (int32_t d = 0; d + 1 < p.rank; d++) rows *= p.dims[d];
    if (rows == 0 || inner == 0) {
      rowsPerBlock = piece = pieces = 1;
      units = 0;
      return;
    }
    pieces = ceilDiv(inner, kPointwiseBlock);
    piece = inner < kPointwiseBlock ? inner : kPointwiseBlock;
    rowsPerBlock = pieces > 1 ? 1 : kPointwiseBlock / inner;
    if (rowsPerBlock > rows) rowsPerBlock = rows;
    units = ceilDiv(rows, rowsPerBlock) * pieces;
  }
};

}  // namespace dsnk
