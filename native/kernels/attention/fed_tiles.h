// Where attention_fed.cu keeps keys and values of 16 bits in scratch: for kernels and plans.
#pragma once
#include "cuda/work.h"
#include "kernels/attention/params.gen.h"

namespace dsnk {

// Whether keys or values move over outer dimension d: where they do not, its indices share heads.
DSNK_BOTH inline bool fedMoves(const AttentionParams& p, int d) { return p.strideK[d] != 0 || p.strideV[d] != 0; }

// Heads of keys [heads, keys, rowK], then of values [heads, keys, rowV] from number `values` on. The plan (cuda.cc) has bounded
// heads·keys by the sizes of the operands: nothing overflows.
struct FedLayout {
  int64_t heads, rowK, rowV, values, all;
};
DSNK_BOTH inline FedLayout fedLayout(const AttentionParams& p) {
  FedLayout l{1, (p.width + 7) / 8 * 8, (p.depth + 7) / 8 * 8, 0, 0};
  for (int d = 0; d < 4; d++) {
    if (fedMoves(p, d)) l.heads *= p.batch[d];
  }
  l.values = l.heads * p.keys * l.rowK;
  l.all = l.values + l.heads * p.keys * l.rowV;
  return l;
}

}  // namespace dsnk
