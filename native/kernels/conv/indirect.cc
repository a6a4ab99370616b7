// The indirection of a convolution: for every block of output pixels, the list of runs of k that it sums, and for each
// run where every pixel's input row starts. Taps that fall into the padding read zeros; taps that do so for all rows of
// a block are left out of its list. No copy of the input is made, but for convolutions of few input channels (stems),
// whose short runs are gathered into one.
#include <cstring>

#include "kernels/conv/plan.h"

namespace dsnk {
namespace {

alignas(64) const float kZeros[kConvRun] = {};

struct Position {
  int64_t image;
  int64_t at[3];
};

// Convolution: output o reads input o·stride - pad + tap·dilation.
struct Forward {
  const ConvParams& p;
  Position position(int64_t pixel) const {
    Position r{};
    for (int a = 2; a >= 0; a--) {
      r.at[a] = pixel % p.outSize[a];
      pixel /= p.outSize[a];
    }
    r.image = pixel;
    return r;
  }
  // Input coordinate, or -1 in the padding.
  int64_t input(int axis, int64_t o, int64_t tap) const {
    const int64_t i = o * p.strides[axis] - p.pads[axis] + tap * p.dilations[axis];
    return i >= 0 && i < p.inSize[axis] ? i : -1;
  }
};

// Transposed convolution: output o gathers input i where i·stride - pad + tap·dilation = o. Outputs are walked phase by
// phase (equal o mod stride), because those of one phase use the same taps and share a block without zeros.
struct Transposed {
  const ConvParams& p;
  int64_t phased(int axis, int64_t t) const {
    const int64_t n = p.outSize[axis], s = p.strides[axis];
    const int64_t each = n / s, longer = n % s;
    const int64_t head = longer * (each + 1);
    if (t < head) return t % (each + 1) * s + t / (each + 1);
    return (t - head) % each * s + longer + (t - head) / each;
  }
  Position position(int64_t pixel) const {
    Position r{};
    for (int a = 2; a >= 0; a--) {
      r.at[a] = phased(a, pixel % p.outSize[a]);
      pixel /= p.outSize[a];
    }
    r.image = pixel;
    return r;
  }
  int64_t input(int axis, int64_t o, int64_t tap) const {
    const int64_t t = o + p.pads[axis] - tap * p.dilations[axis];
    if (t < 0 || t % p.strides[axis] != 0) return -1;
    const int64_t i = t / p.strides[axis];
    return i < p.inSize[axis] ? i : -1;
  }
};

inline void copyFloats(float* to, const float* from, int64_t n) {
  for (; n >= 4; n -= 4, to += 4, from += 4) std::memcpy(to, from, 16);
  for (; n > 0; n--) *to++ = *from++;
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
  Position position[kConvMaxRows] = {};

  const float* row(const Position& q, int64_t d, int64_t h, int64_t w) const {
    const int64_t pixel = ((q.image * p.inSize[0] + d) * p.inSize[1] + h) * p.inSize[2] + w;
    return x + pixel * p.channels + group * plan.inPerGroup;
  }

  // One pointer a row and run.
  int fill(int rows, int stride, ConvRun* runs, const float** pointers) {
    int count = 0;
    const int64_t length = plan.inPerGroup;
    if (length == 0) return 0;
    int64_t tap = 0;
    for (int64_t d = 0; d < p.kernel[0]; d++) {
      int64_t inD[kConvMaxRows];
      for (int i = 0; i < rows; i++) inD[i] = geometry.input(0, position[i].at[0], d);
      for (int64_t h = 0; h < p.kernel[1]; h++) {
        int64_t inH[kConvMaxRows];
        bool some = false;
        for (int i = 0; i < rows; i++) {
          inH[i] = inD[i] < 0 ? -1 : geometry.input(1, position[i].at[1], h);
          some |= inH[i] >= 0;
        }
        if (!some) {
          tap += p.kernel[2];
          continue;
        }
        for (int64_t w = 0; w < p.kernel[2]; w++, tap++) {
          const float** at = pointers + int64_t{count} * stride;
          bool any = false;
          for (int i = 0; i < rows; i++) {
            const int64_t inW = inH[i] < 0 ? -1 : geometry.input(2, position[i].at[2], w);
            at[i] = inW < 0 ? nullptr : row(position[i], inD[i], inH[i], inW);
            any |= inW >= 0;
          }
          if (!any) continue;
          for (int64_t sub = 0; sub * kConvRun < length; sub++) {
            const float** out = at + sub * stride;
            if (sub > 0)
              for (int i = 0; i < rows; i++) out[i] = at[i] == kZeros ? kZeros : at[i] + sub * kConvRun;
            else
              for (int i = 0; i < rows; i++) out[i] = at[i] == nullptr ? kZeros : at[i];
            const int64_t rest = length - sub * kConvRun;
            runs[count++] = {static_cast<int32_t>(tap * length + sub * kConvRun),
                             static_cast<int32_t>(rest < kConvRun ? rest : kConvRun)};
          }
        }
      }
    }
    return count;
  }

  // All taps of one pixel, side by side.
  void gatherRow(const Position& q, float* to) const {
    const int64_t length = plan.inPerGroup, rowLength = length * p.kernel[2];
    for (int64_t d = 0; d < p.kernel[0]; d++) {
      const int64_t inD = geometry.input(0, q.at[0], d);
      for (int64_t h = 0; h < p.kernel[1]; h++, to += rowLength) {
        const int64_t inH = inD < 0 ? -1 : geometry.input(1, q.at[1], h);
        if (inH < 0) {
          zeroFloats(to, rowLength);
          continue;
        }
        const int64_t first = geometry.input(2, q.at[2], 0), last = geometry.input(2, q.at[2], p.kernel[2] - 1);
        if (first >= 0 && last - first == p.kernel[2] - 1 && p.group == 1) {
          copyFloats(to, row(q, inD, inH, first), rowLength);  // neighbouring pixels are neighbours in memory
          continue;
        }
        for (int64_t w = 0; w < p.kernel[2]; w++) {
          const int64_t inW = geometry.input(2, q.at[2], w);
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

  ConvChunk build(int64_t chunk, std::byte* scratch) {
    const Range r = plan.chunkPixels(chunk);
    const int64_t n = r.end - r.begin;
    // Blocks of nearly equal height: 49 pixels are 5+5+5+5+5+6+6+6+6, not eight 6 and a 1.
    const int64_t blocks = ceilDiv(n, plan.rows), each = n / blocks, extra = n % blocks;
    ConvChunk out{scratch, plan.blockBytes, plan.maxRuns, plan.rows, blocks};
    std::byte* gathered = scratch + plan.blocksPerChunk * plan.blockBytes;
    int64_t pixel = r.begin;
    for (int64_t b = 0; b < blocks; b++) {
      ConvBlock& block = out.block(b);
      block.rows = static_cast<int32_t>(each + (b < extra));
      for (int i = 0; i < block.rows; i++) {
        position[i] = geometry.position(pixel++);
        const Position& q = position[i];
        block.pixel[i] = ((q.image * p.outSize[0] + q.at[0]) * p.outSize[1] + q.at[1]) * p.outSize[2] + q.at[2];
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
