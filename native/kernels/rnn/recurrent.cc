// The contract of `recurrent`: operands y?, yh?, yc?; projections of direction 0 and 1?, packed recurrent weights,
// bias?, lengths?, h0?, c0?, peepholes?.
#include "kernels/kernel.h"
#include "kernels/rnn/cell.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<RecurrentParams>();
  if (p.kind < 0 || p.kind >= kCellCount) return "kind must be one of Cell";
  if (p.directions != 1 && p.directions != 2) return "directions must be 1 or 2";
  if ((p.layout | 1) != 1) return "layout must be 0 or 1";
  for (int32_t a : p.activation) {
    if (a < 0 || a >= kCellActivationCount) return "activation must be one of CellActivation";
  }
  if (p.steps < 0 || p.batch < 0 || p.hidden < 1) return "steps and batch must not be negative, hidden at least 1";
  if (p.hidden > int64_t{1} << 24) return "hidden must be at most 2^24";
  const Size four(4), directions(p.directions), hidden(p.hidden);
  const Size gates(cellGates(static_cast<Cell>(p.kind)));
  const Size state = directions * Size(p.batch) * hidden * four;
  const Size sequence = Size(p.steps) * Size(p.batch) * hidden * four;
  if (state.bad() || (sequence * directions * gates).bad()) return "sizes must not overflow";
  if (c.has(0) && !(sequence * directions).fits(c.operandBytes[0])) return "y must hold every step";
  for (int i = 1; i <= 2; i++) {
    if (c.has(i) && !state.fits(c.operandBytes[i])) return "final states must hold one row a sequence and direction";
  }
  if (p.steps > 0) {
    if (!(sequence * gates).fits(c.operandBytes[3])) return "projection must hold the gates of every step";
    if (p.directions == 2 && !(sequence * gates).fits(c.operandBytes[4]))
      return "second projection must hold the gates of every step";
    // With no sequence to bound them, steps would be bounded by nothing: tiles() gives none then.
  }
  const Size padded(roundUp(p.hidden, kCellPanel));
  if (!(directions * gates * padded * hidden * four).fits(c.operandBytes[5])) return "weights must hold all panels";
  if (c.has(6) && !(directions * gates * hidden * Size(8)).fits(c.operandBytes[6]))
    return "bias must hold [directions, 2·gates·hidden]";
  if (c.has(7) && !(Size(p.batch) * four).fits(c.operandBytes[7])) return "lengths must hold one a sequence";
  for (int i = 8; i <= 9; i++) {
    if (c.has(i) && !state.fits(c.operandBytes[i])) return "initial states must hold one row a sequence and direction";
  }
  if (c.has(10) && !(directions * Size(3) * hidden * four).fits(c.operandBytes[10]))
    return "peepholes must hold [directions, 3·hidden]";
  return nullptr;
}

// Directions and blocks of sequences know nothing of each other.
static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const RecurrentParams*>(params);
  const int64_t gates = cellGates(static_cast<Cell>(p.kind));
  const int64_t step = p.hidden * p.hidden * gates / 16 + p.hidden * gates;  // vector operations
  const int64_t steps = p.steps < (int64_t{1} << 20) ? p.steps : int64_t{1} << 20;
  return tilesFor(p.directions * cellBlocks(p), step < (int64_t{1} << 40) ? step * steps : int64_t{1} << 60, threads);
}

static uint64_t scratchBytes(const Kernel&, const void* params) {
  return static_cast<uint64_t>(cellScratchFloats(*static_cast<const RecurrentParams*>(params))) * 4;
}

extern const Contract recurrent_contract{"recurrent", "xxxrorooooo", 0,     sizeof(RecurrentParams),
                                         false,       verify,        tiles, scratchBytes};

}  // namespace dsnk
