// Sizes of a recurrent layer's call, shared by its contract and its rows.
#pragma once
#include <cstdint>

#include "kernels/rnn/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

constexpr int64_t kCellPanel = 16;  // lib/kernels/rnn.ts CELL_PANEL
constexpr int64_t kCellRows = 4;    // sequences stepped together: each panel of weights is loaded once for them

constexpr int64_t cellGates(Cell kind) { return kind == Cell::rnn ? 1 : kind == Cell::gru ? 3 : 4; }
constexpr int64_t cellPanels(int64_t hidden) { return (hidden + kCellPanel - 1) / kCellPanel; }
inline int64_t cellBlocks(const RecurrentParams& p) { return ceilDiv(p.batch, kCellRows); }

// Scratch of one tile, in floats: gates [rows][gates·padded], then h, c and one more state [rows][padded] each.
inline int64_t cellPadded(const RecurrentParams& p) { return roundUp(p.hidden, kCellPanel); }
inline int64_t cellScratchFloats(const RecurrentParams& p) {
  return kCellRows * cellPadded(p) * (cellGates(static_cast<Cell>(p.kind)) + 3);
}

// On a GPU, where a block walks all steps: h, c and one more state, and the sums of all gates or of each warp [16].
constexpr int64_t cellBlockBytes(const RecurrentParams& p, int64_t rows, int64_t warps) {
  const int64_t panels = cellPanels(p.hidden), items = cellGates(static_cast<Cell>(p.kind)) * panels;
  return rows * kCellPanel * (3 * panels + (items > warps ? items : warps)) * 4;
}
// Where it takes one panel of units through one step: a sum of 16 columns for each warp.
constexpr int32_t kCellStepThreads = 256, kCellStepSums = kCellStepThreads / 32 * kCellPanel;

}  // namespace dsnk
