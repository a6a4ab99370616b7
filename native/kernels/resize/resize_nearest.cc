// Computes  y[o,j,l,:] = x[o, startH[j], startW[l], :], or `fill` where a start is -1
// Shapes    y: [outer, outH, outW] runs of innerBytes; x: [outer, inH, inW] runs; start: i32 [out]; fill: one run
// Numerics  bit-equal
// Tiling    one output row a unit; a row that repeats the one before it is copied whole
// Packing   none
// Source    the ONNX operator definition
#include <cstring>

#include "kernels/kernel.h"
#include "kernels/resize/resize.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<ResizeNearestParams>();
  if (p.inH < 1 || p.inW < 1 || p.inH > INT32_MAX || p.inW > INT32_MAX) return "input lengths must be in [1, 2^31)";
  const Size run = p.innerBytes, outer = p.outer;
  if (!(outer * Size(p.outH) * Size(p.outW) * run).fits(c.operandBytes[0])) return "output must hold its shape";
  if (!(outer * Size(p.inH) * Size(p.inW) * run).fits(c.operandBytes[1])) return "input must hold its shape";
  if ((outer * Size(p.outH)).bad() || (Size(p.inH) * Size(p.inW) * run).bad() || (Size(p.outW) * run).bad()) {
    return "shape must have a sound size";
  }
  if (c.has(2) ? !(Size(p.outH) * 4).fits(c.operandBytes[2]) : p.inH != p.outH)
    return "startH must hold one number per row";
  if (c.has(3) ? !(Size(p.outW) * 4).fits(c.operandBytes[3]) : p.inW != p.outW)
    return "startW must hold one number per column";
  if (c.has(4) && !run.fits(c.operandBytes[4])) return "fill must hold innerBytes";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ResizeNearestParams*>(params);
  if (p.outW == 0 || p.innerBytes == 0) return 0;
  return tilesFor(p.outer * p.outH, p.outW * p.innerBytes, threads, 128 * 1024);
}

extern const Contract resize_nearest_contract{"resize_nearest", "wrooo", 0,      sizeof(ResizeNearestParams), false,
                                              verify,           tiles,   nullptr};

// A run of fixed size becomes one move.
template <class T>
static void gatherRuns(std::byte* y, const std::byte* x, const int32_t* start, int64_t n) {
  for (int64_t l = 0; l < n; l++) {
    T v;
    std::memcpy(&v, x + start[l] * static_cast<int64_t>(sizeof(T)), sizeof(T));
    std::memcpy(y + l * static_cast<int64_t>(sizeof(T)), &v, sizeof(T));
  }
}

Fault resize_nearest_scalar(const Work& work) {
  const auto& p = work.as<ResizeNearestParams>();
  const int32_t* const startH = work.at<const int32_t>(2);
  const int32_t* const startW = work.at<const int32_t>(3);
  const std::byte* const fill = work.at<const std::byte>(4);
  const bool extrapolate = fill != nullptr;
  bool outside = false;
  if (startW) {
    if (!startsInside(startW, 0, p.outW, p.inW - 1, extrapolate)) return Fault::indexOutOfRange;
    for (int64_t l = 0; extrapolate && l < p.outW; l++) outside |= startW[l] < 0;
  }
  const int64_t rowBytes = p.outW * p.innerBytes;
  const auto size = static_cast<size_t>(p.innerBytes);
  const std::byte* before = nullptr;  // the input row that the previous output row came from
  const Range rows = tileRange(p.outer * p.outH, work.tile, work.tiles);
  for (int64_t r = rows.begin; r < rows.end; r++) {
    const int64_t o = r / p.outH, j = r % p.outH;
    if (startH && !startsInside(startH, j, j + 1, p.inH - 1, extrapolate)) return Fault::indexOutOfRange;
    const int64_t row = startH ? startH[j] : j;
    std::byte* const y = work.at<std::byte>(0) + r * rowBytes;
    if (row < 0) {
      for (int64_t l = 0; l < p.outW; l++) std::memcpy(y + l * p.innerBytes, fill, size);
      before = nullptr;
      continue;
    }
    const std::byte* const x = work.at<const std::byte>(1) + (o * p.inH + row) * p.inW * p.innerBytes;
    if (x == before) {
      std::memcpy(y, y - rowBytes, static_cast<size_t>(rowBytes));
      continue;
    }
    before = x;
    if (!startW) {
      std::memcpy(y, x, static_cast<size_t>(rowBytes));
      continue;
    }
    if (outside) {
      for (int64_t l = 0; l < p.outW; l++) {
        std::memcpy(y + l * p.innerBytes, startW[l] < 0 ? fill : x + startW[l] * p.innerBytes, size);
      }
      continue;
    }
    switch (p.innerBytes) {
      case 1: gatherRuns<uint8_t>(y, x, startW, p.outW); break;
      case 2: gatherRuns<uint16_t>(y, x, startW, p.outW); break;
      case 4: gatherRuns<uint32_t>(y, x, startW, p.outW); break;
      case 8: gatherRuns<uint64_t>(y, x, startW, p.outW); break;
      default:
        for (int64_t l = 0; l < p.outW; l++) std::memcpy(y + l * p.innerBytes, x + startW[l] * p.innerBytes, size);
    }
  }
  return Fault::none;
}

}  // namespace dsnk
