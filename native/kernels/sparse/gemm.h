// What contracts and rows of products with compressed weights share.
#pragma once
#include "kernels/sparse/layout.h"

namespace dsnk {

// Rows that pass a panel together.
constexpr int64_t kSparseRows = 8;

// Elements of a copied row of a: whole blocks, that positions may point anywhere in.
inline int64_t sparseRow(int64_t k) { return sparseBlocks(k) * kSparseBlock; }

}  // namespace dsnk
