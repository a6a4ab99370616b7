// The indirection of a convolution: for every block of output pixels, the list of runs of k that it sums, and for each
// run where every pixel's input row starts. Taps that fall into the padding read zeros; taps that do so for all rows of
// a block are left out of its list. No copy of the input is made, but for convolutions of few input channels (stems),
// whose short runs are gathered into one.
#include <cstring>
#include <type_traits>

#include "kernels/conv/plan.h"

namespace dsnk {
namespace {

alignas(64) const float kZeros[kConvRun] = {};

struct Position {
  int64_t image, d, h, w;
};

// Those of one block. Apart, because a structure written by parts and copied whole stalls on its own stores.
struct Positions {
  int64_t image[kConvMaxRows], d[kConvMaxRows], h[kConvMaxRows], w[kConvMaxRows];
  Position operator[](int i) const { return {image[i], d[i], h[i], w[i]}; }
};

// Convolution: output o reads input o·stride - pad + tap·dilation.
struct Forward {
  const ConvParams& p;
  int64_t output(int, int64_t t) const { return t; }
  int64_t start(int axis, int64_t o) const { return o * p.strides[axis] - p.pads[axis]; }
  // Input coordinate, or -1 in the padding.
  int64_t input(int axis, int64_t o, int64_t tap) const {
    const int64_t i = start(axis, o) + tap * p.dilations[axis];
    return i >= 0 && i < p.inSize[axis] ? i : -1;
  }
};

// Transposed convolution: output o gathers input i where i·stride - pad + tap·dilation = o. Outputs are walked phase by
// phase (equal o mod stride), because those of one phase use the same taps and share a block without zeros.
struct Transposed {
  const ConvParams& p;
  int64_t output(int axis, int64_t t) const {
    const int64_t n = p.outSize[axis], s = p.strides[axis];
    const int64_t each = n / s, longer = n % s;
    const int64_t head = longer * (each + 1);
    if (t < head) return t % (each + 1) * s + t / (each + 1);
    return (t - head) % each * s + longer + (t - head) / each;
  }
  int64_t input(int axis, int64_t o, int64_t tap) const {
    const int64_t t = o + p.pads[axis] - tap * p.dilations[axis];
    if (t < 0 || t % p.strides[axis] != 0) return -1;
    const int64_t i = t / p.strides[axis];
    return i < p.inSize[axis] ? i : -1;
  }
};

// The output pixels in the order of the geometry: divisions at the start, additions after it.
template <class Geometry>
struct WindowWalk {
  const Geometry& geometry;
  int64_t sizeD, sizeH, sizeW, image, d, h, w;
  WindowWalk(const Geometry& g, int64_t pixel)
      : geometry(g),
        sizeD(g.p.outSize[0]),
        sizeH(g.p.outSize[1]),
        sizeW(g.p.outSize[2]),
        image(pixel / sizeW / sizeH / sizeD),
        d(pixel / sizeW / sizeH % sizeD),
        h(pixel / sizeW % sizeH),
        w(pixel % sizeW) {}
  void advance() {
    if (++w < sizeW) return;
    w = 0;
    if (++h < sizeH) return;
    h = 0;
    if (++d < sizeD) return;
    d = 0;
    image++;
  }
};

// In pieces of four, the last of which may overlap the one before.
inline void copyFloats(float* to, const float* from, int64_t n) {
  if (n < 4) {
    for (; n > 0; n--) *to++ = *from++;
    return;
  }
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) std::memcpy(to + i, from + i, 16);
  if (i < n) std::memcpy(to + n - 4, from + n - 4, 16);
}

inline void zeroFloats(float* to, int64_t n) {
  for (; n > 0; n--) *to++ = 0.0f;
}

template <class Geometry>
struct Builder {
  const ConvParams& p;
  const ConvPlan& plan;
  const float* x;
  int64_t group;
  Geometry geometry{p};
  Positions position{};
  // Input elements that a window spans, and whether the taps of one of its rows lie side by side in memory.
  const int64_t span[3] = {int64_t{p.kernel[0] - 1} * p.dilations[0] + 1, int64_t{p.kernel[1] - 1} * p.dilations[1] + 1,
                           int64_t{p.kernel[2] - 1} * p.dilations[2] + 1};
  const bool joined = p.group == 1 && p.dilations[2] == 1;

  const float* row(const Position& q, int64_t d, int64_t h, int64_t w) const {
    const int64_t pixel = ((q.image * p.inSize[0] + d) * p.inSize[1] + h) * p.inSize[2] + w;
    return x + pixel * p.channels + group * plan.inPerGroup;
  }

  // Completes the pointers of one tap: zeros in the padding, sub-runs of long rows.
  int addRuns(int count, int64_t tap, int rows, int stride, ConvRun* runs, const float** pointers) {
    const float** at = pointers + int64_t{count} * stride;
    for (int i = 0; i < rows; i++) at[i] = at[i] == nullptr ? kZeros : at[i];
    const int64_t length = plan.inPerGroup;
    for (int64_t sub = 0; sub * kConvRun < length; sub++) {
      const float** out = at + sub * stride;
      for (int i = 0; i < rows && sub > 0; i++) out[i] = at[i] == kZeros ? kZeros : at[i] + sub * kConvRun;
      const int64_t rest = length - sub * kConvRun;
      runs[count++] = {static_cast<int32_t>(tap * length + sub * kConvRun),
                       static_cast<int32_t>(rest < kConvRun ? rest : kConvRun)};
    }
    return count;
  }

  // Where the window of a row begins: an offset into x, of a pixel that may lie outside.
  int64_t windowStart(const Position& q) const {
    const int64_t d = geometry.start(0, q.d), h = geometry.start(1, q.h), w = geometry.start(2, q.w);
    return (((q.image * p.inSize[0] + d) * p.inSize[1] + h) * p.inSize[2] + w) * p.channels + group * plan.inPerGroup;
  }
  bool inside(const Position& q) const {
    auto within = [&](int axis, int64_t o) {
      const int64_t i = geometry.start(axis, o);
      return i >= 0 && i + span[axis] <= p.inSize[axis];
    };
    return within(2, q.w) && within(1, q.h) && within(0, q.d);
  }

  // One pointer a row and run, where no window touches the padding.
  int fillInside(int rows, int stride, ConvRun* runs, const float** pointers) const {
    int64_t start[kConvMaxRows];
    for (int i = 0; i < rows; i++) start[i] = windowStart(position[i]);
    const int64_t kernelD = p.kernel[0], kernelH = p.kernel[1], kernelW = p.kernel[2], length = plan.inPerGroup;
    const int64_t stepW = int64_t{p.dilations[2]} * p.channels;
    const int64_t stepH = int64_t{p.dilations[1]} * p.inSize[2] * p.channels;
    const int64_t stepD = int64_t{p.dilations[0]} * p.inSize[1] * p.inSize[2] * p.channels;
    const float* const base = x;
    int32_t k = 0;
    int count = 0;
    for (int64_t d = 0; d < kernelD; d++) {
      for (int64_t h = 0; h < kernelH; h++) {
        for (int64_t w = 0; w < kernelW; w++) {
          const float* tap = base + (d * stepD + h * stepH + w * stepW);
          for (int64_t sub = 0; sub < length; sub += kConvRun) {
            for (int i = 0; i < rows; i++) pointers[i] = tap + sub + start[i];
            pointers += stride;
            const auto run = static_cast<int32_t>(length - sub < kConvRun ? length - sub : kConvRun);
            runs[count++] = {k, run};
            k += run;
          }
        }
      }
    }
    return count;
  }

  // One pointer a row and run.
  int fill(int rows, int stride, ConvRun* runs, const float** pointers) {
    int count = 0;
    if (plan.inPerGroup == 0) return 0;
    if constexpr (std::is_same_v<Geometry, Forward>) {
      bool all = true;
      for (int i = 0; i < rows; i++) all &= inside(position[i]);
      if (all) return fillInside(rows, stride, runs, pointers);
    }
    int64_t tap = 0;
    for (int64_t d = 0; d < p.kernel[0]; d++) {
      for (int64_t h = 0; h < p.kernel[1]; h++) {
        const float* line[kConvMaxRows];  // column 0 of the input row that this tap sees, or nullptr
        bool some = false;
        for (int i = 0; i < rows; i++) {
          const int64_t inD = geometry.input(0, position[i].d, d);
          const int64_t inH = inD < 0 ? -1 : geometry.input(1, position[i].h, h);
          line[i] = inH < 0 ? nullptr : row(position[i], inD, inH, 0);
          some |= inH >= 0;
        }
        if (!some) {
          tap += p.kernel[2];
          continue;
        }
        for (int64_t w = 0; w < p.kernel[2]; w++, tap++) {
          const float** at = pointers + int64_t{count} * stride;
          bool any = false;
          for (int i = 0; i < rows; i++) {
            const int64_t inW = line[i] == nullptr ? -1 : geometry.input(2, position[i].w, w);
            at[i] = inW < 0 ? nullptr : line[i] + inW * p.channels;
            any |= inW >= 0;
          }
          if (any) count = addRuns(count, tap, rows, stride, runs, pointers);
        }
      }
    }
    return count;
  }

  // All taps of one pixel, side by side.
  void gatherRow(const Position& q, float* to) const {
    const int64_t length = plan.inPerGroup, rowLength = length * p.kernel[2];
    if constexpr (std::is_same_v<Geometry, Forward>) {
      if (joined && inside(q)) {
        const float* from = x + windowStart(q);
        const int64_t kernelD = p.kernel[0], kernelH = p.kernel[1];
        const int64_t stepH = int64_t{p.dilations[1]} * p.inSize[2] * p.channels;
        const int64_t stepD = int64_t{p.dilations[0]} * p.inSize[1] * p.inSize[2] * p.channels;
        for (int64_t i = 0; i < kernelD; i++, from += stepD) {
          for (int64_t j = 0; j < kernelH; j++, to += rowLength) copyFloats(to, from + j * stepH, rowLength);
        }
        return;
      }
    }
    for (int64_t d = 0; d < p.kernel[0]; d++) {
      const int64_t inD = geometry.input(0, q.d, d);
      for (int64_t h = 0; h < p.kernel[1]; h++, to += rowLength) {
        const int64_t inH = inD < 0 ? -1 : geometry.input(1, q.h, h);
        if (inH < 0) {
          zeroFloats(to, rowLength);
          continue;
        }
        for (int64_t w = 0; w < p.kernel[2]; w++) {
          const int64_t inW = geometry.input(2, q.w, w);
          if (inW < 0)
            zeroFloats(to + w * length, length);
          else
            copyFloats(to + w * length, row(q, inD, inH, inW), length);
        }
      }
    }
  }

  int gather(int rows, int stride, ConvRun* runs, const float** pointers, float* to) const {
    for (int i = 0; i < rows; i++) gatherRow(position[i], to + i * plan.depth);
    int count = 0;
    for (int64_t k = 0; k < plan.depth; k += kConvRun, count++) {
      const int64_t rest = plan.depth - k;
      runs[count] = {static_cast<int32_t>(k), static_cast<int32_t>(rest < kConvRun ? rest : kConvRun)};
      for (int i = 0; i < rows; i++) pointers[count * stride + i] = to + i * plan.depth + k;
    }
    return count;
  }

  // Every output pixel reads the input pixel of the same number, and no other.
  bool pointwise() const {
    bool same = std::is_same_v<Geometry, Forward> && plan.taps == 1 && plan.inPerGroup > 0;
    for (int a = 0; a < 3; a++) same &= p.strides[a] == 1 && p.pads[a] == 0 && p.inSize[a] == p.outSize[a];
    return same;
  }
  int fillPointwise(ConvBlock& block, int rows, int64_t pixel, ConvRun* runs, const float** pointers) const {
    const int64_t channels = p.channels, length = plan.inPerGroup, stride = plan.rows;
    const float* from = x + pixel * channels + group * length;
    int32_t count = 0;
    for (int64_t k = 0; k < length; k += kConvRun, count++, pointers += stride) {
      runs[count] = {static_cast<int32_t>(k), static_cast<int32_t>(length - k < kConvRun ? length - k : kConvRun)};
      for (int i = 0; i < rows; i++) pointers[i] = from + k + i * channels;
    }
    for (int i = 0; i < rows; i++) block.pixel[i] = pixel + i;
    block.rows = rows;
    block.runs = count;
    block.cursor = 0;
    return rows;
  }

  ConvChunk build(int64_t chunk, std::byte* scratch) {
    const Range r = plan.chunkPixels(chunk);
    const int64_t n = r.end - r.begin;
    // Blocks of nearly equal height: 49 pixels are 5+5+5+5+5+6+6+6+6, not eight 6 and a 1.
    const int64_t blocks = ceilDiv(n, plan.rows), each = n / blocks, extra = n % blocks;
    ConvChunk out{scratch, plan.blockBytes, plan.maxRuns, plan.rows, blocks};
    std::byte* gathered = scratch + plan.blocksPerChunk * plan.blockBytes;
    if (pointwise()) {
      int64_t pixel = r.begin;
      for (int64_t b = 0; b < blocks; b++) {
        pixel += fillPointwise(out.block(b), static_cast<int>(each + (b < extra)), pixel, out.runs(b), out.pointers(b));
      }
      return out;
    }
    WindowWalk<Geometry> walk(geometry, r.begin);
    for (int64_t b = 0; b < blocks; b++) {
      ConvBlock& block = out.block(b);
      block.rows = static_cast<int32_t>(each + (b < extra));
      for (int i = 0; i < block.rows; i++, walk.advance()) {
        const int64_t d = geometry.output(0, walk.d), h = geometry.output(1, walk.h), w = geometry.output(2, walk.w);
        position.image[i] = walk.image, position.d[i] = d, position.h[i] = h, position.w[i] = w;
        block.pixel[i] = ((walk.image * p.outSize[0] + d) * p.outSize[1] + h) * p.outSize[2] + w;
      }
      block.runs = plan.gather ? gather(block.rows, plan.rows, out.runs(b), out.pointers(b),
                                        reinterpret_cast<float*>(gathered + b * plan.gatherBytes()))
                               : fill(block.rows, plan.rows, out.runs(b), out.pointers(b));
      block.cursor = 0;
    }
    return out;
  }
};

}  // namespace

ConvChunk indirectConv(const ConvParams& p, const ConvPlan& plan, const float* x, int64_t chunk, int64_t group,
                       std::byte* scratch) {
  return Builder<Forward>{p, plan, x, group}.build(chunk, scratch);
}

ConvChunk indirectConvTranspose(const ConvParams& p, const ConvPlan& plan, const float* x, int64_t chunk, int64_t group,
                                std::byte* scratch) {
  return Builder<Transposed>{p, plan, x, group}.build(chunk, scratch);
}

}  // namespace dsnk
