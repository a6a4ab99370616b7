// How a 3x3 convolution by tiles of 4x4 or 2x2 outputs is cut. See winograd.inl.
#pragma once
#include "kernels/conv/plan.h"

namespace dsnk {

// The transformed input of one chunk of tiles stays below this, so that it lies in L2 while all panels pass over it.
constexpr int64_t kWinogradBytes = 640 * 1024;
constexpr int64_t kWinogradTiles = 48;
constexpr int64_t kWinogradUnits = 8;
constexpr int64_t kWinogradFew = 8;
// A tile of that many outputs a side has so many points: as many as inputs that it reads.
constexpr int winogradPoints(int side) { return (side + 2) * (side + 2); }

struct WinogradPlan {
  int side, points;
  int64_t channels, tilesH, tilesW, tiles, chunks, chunkTiles;
  Panels panels;
  int64_t inputStride, sumStride;  // floats between two points; a line apart from a power of two

  WinogradPlan(const ConvParams& p, int lanes, int vectors, int sideOfTile)
      : side(sideOfTile),
        points(winogradPoints(sideOfTile)),
        channels(p.channels),
        tilesH(ceilDiv(p.outSize[1], sideOfTile)),
        tilesW(ceilDiv(p.outSize[2], sideOfTile)),
        tiles(int64_t{p.batch} * tilesH * tilesW),
        panels(p.outChannels, lanes, vectors) {
    int64_t most = kWinogradBytes / (points * 4 * (channels > 0 ? channels : 1));
    most = most < 1 ? 1 : most > kWinogradTiles ? kWinogradTiles : most;
    chunks = ceilDiv(tiles, most);
    // Where panels are few there are as many chunks as give a team of two to four even shares, of at least kWinogradFew
    // tiles. More panels are shares enough, and each chunk reads all filters: 14x14x256 in two chunks takes 1.15 times
    // as long on one thread.
    const int64_t wanted = panels.count > 0 && panels.count < 4 ? ceilDiv(kWinogradUnits, panels.count) : 0;
    const int64_t few = tiles / kWinogradFew;
    const int64_t shares = wanted < few ? wanted : few;
    if (chunks < shares) chunks = shares;
    chunkTiles = chunks > 0 ? ceilDiv(tiles, chunks) : 0;
    const int64_t width = panels.count > 0 ? int64_t{panels.width(0)} * lanes : 0;
    inputStride = roundUp(chunkTiles * channels, 16) + 16;
    sumStride = chunkTiles * width + 16;
  }
  int64_t units() const { return panels.count == 0 ? 0 : chunks * panels.count; }
  int64_t scratchBytes() const { return points * (inputStride + sumStride) * 4; }
  Range chunkRange(int64_t chunk) const {
    const int64_t each = tiles / chunks, extra = tiles % chunks;
    const int64_t begin = chunk * each + (chunk < extra ? chunk : extra);
    return {begin, begin + each + (chunk < extra)};
  }
};

}  // namespace dsnk
