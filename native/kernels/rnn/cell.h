// Sizes of a recurrent layer's call, shared by its contract and its rows.
#pragma once
#include <cstdint>

#include "kernels/rnn/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

constexpr int64_t kCellPanel = 16;  // lib/kernels/rnn.ts CELL_PANEL
constexpr int64_t kCellRows = 4;    // sequences stepped together: each panel of weights is loaded once for them

inline int64_t cellGates(Cell kind) { return kind == Cell::rnn ? 1 : kind == Cell::gru ? 3 : 4; }
inline int64_t cellBlocks(const RecurrentParams& p) { return ceilDiv(p.batch, kCellRows); }

// Scratch of one tile, in floats: gates [rows][gates·padded], then h, c and one more state [rows][padded] each.
inline int64_t cellPadded(const RecurrentParams& p) { return roundUp(p.hidden, kCellPanel); }
inline int64_t cellScratchFloats(const RecurrentParams& p) {
  return kCellRows * cellPadded(p) * (cellGates(static_cast<Cell>(p.kind)) + 3);
}

}  // namespace dsnk
