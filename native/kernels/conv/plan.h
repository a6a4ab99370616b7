// How a convolution is cut: output pixels into chunks and blocks of rows, output channels into panels, k into runs.
// Everything here depends on the parameters and the kernel row only, so results do not depend on the team.
#pragma once
#include "kernels/conv/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

// Longest run of k that one row pointer serves; also the length of the row of zeros that padding taps read.
constexpr int kConvRun = 512;
// k that a panel goes through before the next block of rows: 1536·64 columns·4 bytes = 384 KB stay in a 1 MB L2
// beside the input rows. Partial sums beyond that pass through y.
constexpr int kConvDepth = 1536;
// Input channels per group below which rows are gathered: pointers to runs that short cost more than the copy.
constexpr int kConvGatherBelow = 16;
constexpr int64_t kConvGatherDepth = 1024;
// Units below which a convolution is cut more finely.
constexpr int64_t kConvUnits = 12;

// Columns of one group cut into panels of nearly equal width: 10 vectors in panels of at most 4 are 4, 3, 3.
struct Panels {
  int64_t vectors, count;
  int lanes;
  Panels(int64_t columns, int lanesOfRow, int most)
      : vectors(ceilDiv(columns, lanesOfRow)), count(ceilDiv(vectors, most)), lanes(lanesOfRow) {}
  int64_t startVector(int64_t p) const {
    const int64_t extra = vectors % count;
    return p * (vectors / count) + (p < extra ? p : extra);
  }
  int width(int64_t p) const { return static_cast<int>(vectors / count + (p < vectors % count)); }  // in vectors
};

// NEON has 32 registers and 31 for pointers on AArch64, 16 and 13 on ARMv7. Rows that issue in order hold more of what
// comes next in them.
constexpr int kNeonRows = sizeof(void*) == 8 ? 8 : 6, kInOrderRows = 6;

// Rows of the register tile for panels of that many vectors.
constexpr int convRows(int lanes, int vectors, bool inOrder) {
  if (lanes == 1) return 4;
  if (lanes == 4) return inOrder ? kInOrderRows : kNeonRows;
  if (lanes == 8) return vectors == 1 ? 12 : 6;
  return vectors <= 2 ? 12 : vectors == 3 ? 8 : 6;
}
constexpr int kConvMaxRows = 12;

// A stretch of k with one pointer a row.
struct ConvRun {
  int32_t k, length;
};

// One block of rows: which output pixels, and where their inputs stand. Lies in scratch, followed by the pointers.
struct ConvBlock {
  int32_t rows, runs, cursor, unused;
  int64_t pixel[kConvMaxRows];
  // then ConvRun[maxRuns], then const float*[maxRuns][rows of the tile]
};

struct ConvPlan {
  int64_t inPerGroup, outPerGroup, taps, depth;  // depth = taps·inPerGroup, the k of the product
  int64_t pixels;                                // output pixels of the whole batch
  Panels panels;
  int rows;     // of the register tile
  bool gather;  // rows are copied to scratch, one run of `depth`
  int64_t runsPerTap, maxRuns;
  int64_t blockBytes, blocksPerChunk, chunks;
  int64_t units;               // chunks · groups · panels
  bool panelsOutside = false;  // all chunks pass by a panel, which stays in L2, instead of all panels by a chunk

  ConvPlan(const ConvParams& p, int lanes, int vectors, bool inOrder)
      : inPerGroup(p.channels / p.group),
        outPerGroup(p.outChannels / p.group),
        taps(int64_t{p.kernel[0]} * p.kernel[1] * p.kernel[2]),
        depth(taps * inPerGroup),
        pixels(int64_t{p.batch} * p.outSize[0] * p.outSize[1] * p.outSize[2]),
        panels(outPerGroup, lanes, vectors) {
    rows = convRows(lanes, panels.count ? panels.width(0) : 1, inOrder);
    gather = taps > 1 && inPerGroup > 0 && inPerGroup < kConvGatherBelow && depth <= kConvGatherDepth;
    runsPerTap = ceilDiv(inPerGroup, kConvRun);
    maxRuns = gather ? ceilDiv(depth, kConvRun) : taps * runsPerTap;
    blockBytes = roundUp(static_cast<int64_t>(sizeof(ConvBlock)) + maxRuns * 8 + maxRuns * rows * 8, 64);
    // A chunk is as many blocks as keep its pointers and gathered rows in 128 KB, at most 16: its input rows then
    // stay in L2 while all panels pass over them.
    const int64_t bytesOfBlock = blockBytes + gatherBytes();
    blocksPerChunk = bytesOfBlock > 128 * 1024 / 16 ? 128 * 1024 / bytesOfBlock : 16;
    if (blocksPerChunk < 1) blocksPerChunk = 1;
    chunks = ceilDiv(pixels, blocksPerChunk * rows);
    // Few pixels and few panels: every block is a chunk, so that a team can share them evenly.
    panelsOutside = chunks * p.group * panels.count < kConvUnits;
    if (panelsOutside) chunks = ceilDiv(pixels, rows);
    units = panels.count == 0 ? 0 : chunks * p.group * panels.count;
  }
  // The chunk and group, as chunk · groups + group, and the panel of a unit.
  int64_t outer(int64_t unit) const { return panelsOutside ? unit % (units / panels.count) : unit / panels.count; }
  int64_t panel(int64_t unit) const { return panelsOutside ? unit / (units / panels.count) : unit % panels.count; }
  int64_t gatherBytes() const { return gather ? roundUp(rows * depth * 4, 64) : 0; }
  int64_t scratchBytes() const { return blocksPerChunk * (blockBytes + gatherBytes()); }
  // Packed weights of one group.
  int64_t groupStride() const { return depth * panels.vectors * panels.lanes; }
  Range chunkPixels(int64_t chunk) const {
    const int64_t each = pixels / chunks, extra = pixels % chunks;
    const int64_t begin = chunk * each + (chunk < extra ? chunk : extra);
    return {begin, begin + each + (chunk < extra ? 1 : 0)};
  }
};

// The blocks of one chunk, in scratch.
struct ConvChunk {
  std::byte* memory;
  int64_t blockBytes, maxRuns;
  int rows;
  int64_t blocks;
  ConvBlock& block(int64_t b) const { return *reinterpret_cast<ConvBlock*>(memory + b * blockBytes); }
  ConvRun* runs(int64_t b) const { return reinterpret_cast<ConvRun*>(memory + b * blockBytes + sizeof(ConvBlock)); }
  const float** pointers(int64_t b) const {
    return reinterpret_cast<const float**>(memory + b * blockBytes + sizeof(ConvBlock) + maxRuns * 8);
  }
};

// What must hold of everything but the weights, whatever kernel convolves.
const char* convVerifyShape(const ConvParams&, const Check&);

// Fills scratch with the blocks of `chunk` for `group`. Compiled once, for the baseline.
ConvChunk indirectConv(const ConvParams&, const ConvPlan&, const float* x, int64_t chunk, int64_t group,
                       std::byte* scratch);
ConvChunk indirectConvTranspose(const ConvParams&, const ConvPlan&, const float* x, int64_t chunk, int64_t group,
                                std::byte* scratch);

}  // namespace dsnk
