// The contracts of the probes: what a machine can do at most, measured with the same clock and threads as a kernel.
#include "kernels/kernel.h"
#include "kernels/probe/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

// Most tiles, and most work of a tile: a probe's time is not bounded by operand sizes, so it is bounded here.
constexpr int64_t kMostTiles = 256, kMostWork = 10'000'000;

static const char* verifyFma(const Kernel&, const Check& c) {
  const auto& p = c.as<ProbeFmaParams>();
  if (p.tiles < 0 || p.tiles > kMostTiles) return "tiles must be 0 … 256";
  if (p.iterations < 0 || p.iterations > kMostWork || p.iterations * p.tiles > kMostWork)
    return "iterations × tiles must be at most 10^7";
  if (!Size(p.tiles * 64).fits(c.operandBytes[0])) return "output must hold 64 bytes a tile";
  return nullptr;
}

static uint32_t tilesFma(const Kernel&, const void* params, uint32_t) {
  return static_cast<uint32_t>(static_cast<const ProbeFmaParams*>(params)->tiles);
}

static const char* verifyRead(const Kernel&, const Check& c) {
  const auto& p = c.as<ProbeReadParams>();
  if (p.tiles < 0 || p.tiles > kMostTiles) return "tiles must be 0 … 256";
  if (!Size(p.tiles * 64).fits(c.operandBytes[0])) return "output must hold 64 bytes a tile";
  if (!Size(p.bytes).fits(c.operandBytes[1])) return "input must hold `bytes`";
  if (p.rounds < 0 || p.rounds > kMostWork || !(Size(p.rounds) * Size(p.bytes + 64)).fits(uint64_t{64} * kMostWork))
    return "rounds × bytes must be at most 6.4·10^8";
  return nullptr;
}

static uint32_t tilesRead(const Kernel&, const void* params, uint32_t) {
  return static_cast<uint32_t>(static_cast<const ProbeReadParams*>(params)->tiles);
}

extern const Contract probe_fma_contract{"probe_fma", "w",       0,        sizeof(ProbeFmaParams),
                                         false,       verifyFma, tilesFma, nullptr};
extern const Contract probe_read_contract{"probe_read", "wr",       0,         sizeof(ProbeReadParams),
                                          false,        verifyRead, tilesRead, nullptr};

}  // namespace dsnk
