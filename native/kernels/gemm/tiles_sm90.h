// How Hopper's products are cut: what plans, kernels and tests share.
#pragma once
#include "kernels/gemm/split.h"

namespace dsnk {

// A block computes 128 x 256 results, 128 bytes of k at a time, of which `stages` are on their way: one warpgroup asks for
// copies, two multiply 64 rows each. Sums leave by way of 16 x 32 floats for each of their warps, eight words further from
// row to row than the columns, so that four rows begin in different banks.
struct HopperTile {
  static constexpr int rows = 128, columns = 256, depthBytes = 128, stages = 4, threads = 384, consumers = 8;
  static constexpr int chunks = depthBytes / 16, piece = 1024, pieces = columns * depthBytes / piece;
  static constexpr int bytesA = rows * depthBytes, bytesB = columns * depthBytes, stage = bytesA + bytesB;
  static constexpr int part = 32, pitch = part + 8, slab = 16 * pitch * 4;
  static constexpr int bytes = stages * stage + consumers * slab;
};
// A block of sm_90 may have 227 KB, 1 KB of which we leave to the barriers.
static_assert(HopperTile::bytes <= 226 * 1024);

// In a stage, and in scratch, where the rows of a lie stage after stage: 16 bytes of k of all rows, then the next 16.
constexpr int hopperPlaceA(int row, int chunk) { return (chunk * HopperTile::rows + row) * 16; }

// In the part of b, piece `i`: 64 of k of 8 columns in 16 bits, or 16 of k of 64 columns in bytes, panel after panel.
constexpr int hopperPlace16(int i) { return i * HopperTile::piece; }
constexpr int hopperPlaceBytes(int panel, int chunk) { return (chunk * HopperTile::columns + panel * 64) * 16; }

// Whether every 16 bytes of a, and every piece of b, have their place.
constexpr bool hopperCovers() {
  bool seen[HopperTile::bytesA / 16] = {};
  for (int row = 0; row < HopperTile::rows; row++) {
    for (int chunk = 0; chunk < HopperTile::chunks; chunk++) {
      const int at = hopperPlaceA(row, chunk) / 16;
      if (at >= HopperTile::bytesA / 16 || seen[at]) return false;
      seen[at] = true;
    }
  }
  bool words[HopperTile::pieces] = {}, bytes[HopperTile::pieces] = {};
  for (int i = 0; i < HopperTile::pieces; i++) {
    bool &word = words[hopperPlace16(i) / HopperTile::piece],
         &byte = bytes[hopperPlaceBytes(i / HopperTile::chunks, i % HopperTile::chunks) / HopperTile::piece];
    if (word || byte) return false;
    word = byte = true;
  }
  return true;
}
static_assert(hopperCovers());

// Numbers of a launch: those of GpuCut, then steps of k.
constexpr int kHopperSteps = 5;

constexpr int64_t hopperSteps(int64_t kBytes) { return (kBytes + HopperTile::depthBytes - 1) / HopperTile::depthBytes; }

}  // namespace dsnk
