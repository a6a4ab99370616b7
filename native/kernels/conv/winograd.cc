// The contracts of `conv_winograd`, `conv_winograd2` and of what packs their filters, and the packing.
//
// Computes  packed[point][panel][c][column] = (G w(m,c) Gᵀ)[point], 0 in columns past the last output channel
// Shapes    packed: f32 points · C · ⌈M/lanes⌉·lanes with 36 or 16 points; w [M,C,3,3]
// Numerics  float64, rounded once
// Tiling    one panel is one unit
// Packing   panels as in pack.cc, one set of them for each point
// Source    see winograd.inl
#include "kernels/conv/winograd.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/pixels.h"

namespace dsnk {
namespace {

template <int side>
const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<ConvParams>();
  if (p.batch < 0 || p.channels < 0 || p.outChannels < 0) return "sizes must not be negative";
  if (p.group != 1) return "group must be 1";
  for (int a = 0; a < 3; a++) {
    if (p.inSize[a] < 0 || p.outSize[a] < 0) return "sizes must not be negative";
    if (p.kernel[a] != (a == 0 ? 1 : 3)) return "kernel must be 1x3x3";
    if (p.strides[a] != 1 || p.dilations[a] != 1) return "strides and dilations must be 1";
  }
  if (p.inSize[0] != 1 || p.outSize[0] != 1 || p.pads[0] != 0) return "there must be two spatial dimensions";
  if (p.activation < 0 || p.activation >= kActivationCount) return "activation must be known";
  for (int a = 1; a < 3; a++) {
    if (p.pads[a] < 0 || p.pads[a] > 2) return "pads must be 0 … 2";
    if (p.outSize[a] > int64_t{p.inSize[a]} + 4) return "output must lie inside the padded input";
  }
  const Size in = Size(p.batch) * p.inSize[1] * p.inSize[2], out = Size(p.batch) * p.outSize[1] * p.outSize[2];
  if (!(in * p.channels * 4).fits(c.operandBytes[1])) return "x must hold batch·size·channels";
  if (const char* wrong = verifyPixels(out, p.outChannels, p.ldc, 4, c.operandBytes[0])) return wrong;
  if (p.channels > 1 << 20) return "channels must be at most 2^20";
  if (!(Size(winogradPoints(side)) * p.channels * roundUp(p.outChannels, k.kr) * 4).fits(c.operandBytes[2])) {
    return "weights must be packed";
  }
  if (c.has(3) && !(Size(p.outChannels) * 4).fits(c.operandBytes[3])) return "bias must hold the output channels";
  if (c.has(4) && !(out * p.outChannels * 4).fits(c.operandBytes[4])) return "residual must hold the output";
  return nullptr;
}

template <int side>
WinogradPlan planOf(const Kernel& k, const void* params) {
  return {*static_cast<const ConvParams*>(params), k.kr, k.nr / k.kr, side};
}

template <int side>
uint32_t tiles(const Kernel& k, const void* params, uint32_t threads) {
  const WinogradPlan plan = planOf<side>(k, params);
  if (plan.tiles == 0 || plan.panels.count == 0) return 0;
  const int64_t cost = plan.points * plan.chunkTiles * plan.panels.width(0) * (plan.channels + 1);
  return tilesFor(plan.units(), cost, threads);
}

template <int side>
uint64_t scratchBytes(const Kernel& k, const void* params) {
  return static_cast<uint64_t>(planOf<side>(k, params).scratchBytes());
}

template <int side>
const char* verifyPack(const Kernel&, const Check& c) {
  const auto& p = c.as<ConvPackParams>();
  if (p.group != 1 || p.taps != 9 || p.transposed != 0) return "weights must be 3x3 in one group";
  if (p.outPerGroup < 0 || p.inPerGroup < 0) return "sizes must not be negative";
  if (p.lanes < 1 || p.vectors < 1) return "lanes and vectors must be positive";
  if (!(Size(p.outPerGroup) * p.inPerGroup * 9 * 4).fits(c.operandBytes[1])) return "weights must hold out·in·9";
  if (!(Size(winogradPoints(side)) * p.inPerGroup * roundUp(p.outPerGroup, p.lanes) * 4).fits(c.operandBytes[0])) {
    return "packed must hold whole panels";
  }
  return nullptr;
}

template <int side>
uint32_t tilesPack(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ConvPackParams*>(params);
  if (p.outPerGroup == 0 || p.inPerGroup == 0) return 0;
  const Panels panels(p.outPerGroup, p.lanes, p.vectors);
  return tilesFor(panels.count, int64_t{winogradPoints(side)} * p.inPerGroup * panels.width(0) * p.lanes, threads);
}

// The rows of G by point, p^k / Π(p - other points): of 0, ±√½, ±√2, ∞ for tiles of 4, of 0, ±1, ∞ for tiles of 2.
template <int side>
struct Filter;
template <>
struct Filter<4> {
  static constexpr double a = 0.70710678118654752440, b = 1.41421356237309504880;
  static constexpr double G[6][3] = {{1, 0, 0},
                                     {-2.0 / 3, -2.0 / 3 * a, -1.0 / 3},
                                     {-2.0 / 3, 2.0 / 3 * a, -1.0 / 3},
                                     {1.0 / 6, b / 6, 1.0 / 3},
                                     {1.0 / 6, -b / 6, 1.0 / 3},
                                     {0, 0, 1}};
};
template <>
struct Filter<2> {
  static constexpr double G[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
};

// G w Gᵀ
template <int side>
void transformFilter(const float* w, double (&u)[side + 2][side + 2]) {
  constexpr auto& G = Filter<side>::G;
  double half[side + 2][3];
  for (int i = 0; i < side + 2; i++) {
    for (int j = 0; j < 3; j++) half[i][j] = G[i][0] * w[j] + G[i][1] * w[3 + j] + G[i][2] * w[6 + j];
  }
  for (int i = 0; i < side + 2; i++) {
    for (int j = 0; j < side + 2; j++) u[i][j] = half[i][0] * G[j][0] + half[i][1] * G[j][1] + half[i][2] * G[j][2];
  }
}

template <int side>
Fault pack(const Work& w) {
  const auto& p = w.as<ConvPackParams>();
  const Panels panels(p.outPerGroup, p.lanes, p.vectors);
  const int64_t in = p.inPerGroup, out = p.outPerGroup, pointStride = panels.vectors * p.lanes * in;
  const Range units = tileRange(panels.count, w.tile, w.tiles);
  for (int64_t panel = units.begin; panel < units.end; panel++) {
    const int64_t first = panels.startVector(panel) * p.lanes, width = int64_t{panels.width(panel)} * p.lanes;
    float* to = w.at<float>(0) + first * in;
    for (int64_t c = 0; c < in; c++) {
      for (int64_t j = 0; j < width; j++) {
        double u[side + 2][side + 2] = {};
        if (first + j < out) transformFilter<side>(w.at<const float>(1) + ((first + j) * in + c) * 9, u);
        for (int i = 0; i < winogradPoints(side); i++)
          to[i * pointStride + c * width + j] = static_cast<float>(u[i / (side + 2)][i % (side + 2)]);
      }
    }
  }
  return Fault::none;
}

}  // namespace

extern const Contract conv_winograd_contract{"conv_winograd", "wrroo",   0,        sizeof(ConvParams),
                                             false,           verify<4>, tiles<4>, scratchBytes<4>};
extern const Contract conv_winograd2_contract{"conv_winograd2", "wrroo",        0, sizeof(ConvParams), false, verify<2>,
                                              tiles<2>,         scratchBytes<2>};
extern const Contract conv_winograd_pack_contract{
    "conv_winograd_pack", "wr", 0, sizeof(ConvPackParams), false, verifyPack<4>, tilesPack<4>, nullptr};
extern const Contract conv_winograd2_pack_contract{
    "conv_winograd2_pack", "wr", 0, sizeof(ConvPackParams), false, verifyPack<2>, tilesPack<2>, nullptr};

Fault conv_winograd_pack_scalar(const Work& w) { return pack<4>(w); }
Fault conv_winograd2_pack_scalar(const Work& w) { return pack<2>(w); }

}  // namespace dsnk
