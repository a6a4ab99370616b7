// The contracts of `pool` and `pool_indices`, and the kernels that are no float vectors: max pooling of bytes, and max
// pooling that returns positions.
//
// Computes  y[n,o,c] = max over the taps inside x; indices[n,o,c] = where the first of the largest stood in [N,C,D,H,W]
// Shapes    y [N,OD,OH,OW,C], pixels ldc apart; indices dense, and y beside them; x [N,D,H,W,C]
// Numerics  bit-equal; an empty window gives the lowest value and index -1; NaN is never larger
// Tiling    one output pixel times 64 channels is one unit
// Packing   none
// Source    none
#include "kernels/pool/pool.h"

namespace dsnk {
namespace {

int64_t bytesOf(const char* dtypes) { return dtypes[0] == 'f' ? 4 : 1; }

const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<PoolParams>();
  if (p.kind < 0 || p.kind >= kPoolKindCount) return "kind must be known";
  if (k.dtypes[0] != 'f' && p.kind != static_cast<int32_t>(PoolKind::max)) return "integers must be pooled by max";
  if (p.kind == static_cast<int32_t>(PoolKind::lp) && p.p < 1) return "p must be positive";
  return verifyPool(p, c, 1, bytesOf(k.dtypes));
}

const char* verifyIndices(const Kernel& k, const Check& c) {
  const auto& p = c.as<PoolIndicesParams>();
  if (const char* why = verifyPool(p, c, 2, bytesOf(k.dtypes))) return why;
  const Size out = Size(p.batch) * p.outSize[0] * p.outSize[1] * p.outSize[2] * p.channels * 8;
  if (!out.fits(c.operandBytes[1])) return "indices must hold the output";
  return nullptr;
}

uint32_t tiles(const Kernel& k, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const PoolParams*>(params);
  if (k.dtypes[0] != 'f') return tilesOfPool(p, threads);
  const PoolRows rows(p);
  const int64_t channels = p.channels < rows.partChannels ? p.channels : rows.partChannels;
  return tilesFor(rows.units, p.outSize[2] * (tapsOfPool(p) + 4) * channels / 4, threads);
}
uint32_t tilesIndices(const Kernel&, const void* params, uint32_t threads) {
  return tilesOfPool(*static_cast<const PoolIndicesParams*>(params), threads);
}

template <class T>
constexpr T lowest() {
  if constexpr (static_cast<T>(0.5f) != T{0})
    return static_cast<T>(-__builtin_inff());
  else
    return static_cast<T>(static_cast<T>(-1) < T{0} ? 1 << (sizeof(T) * 8 - 1) : 0);
}

// Calls see(offset of the tap's pixel in x, d, h, w) for every tap of the unit's window inside the input, in order.
template <class Params, class See>
void forTaps(const Params& p, const PoolUnit& u, See see) {
  const Window d = windowOf(p, 0, u.at[0]), h = windowOf(p, 1, u.at[1]), w = windowOf(p, 2, u.at[2]);
  for (int64_t kd = d.begin; kd < d.end; kd++) {
    const int64_t id = d.start + kd * p.dilations[0];
    for (int64_t kh = h.begin; kh < h.end; kh++) {
      const int64_t ih = h.start + kh * p.dilations[1];
      for (int64_t kw = w.begin; kw < w.end; kw++) {
        const int64_t iw = w.start + kw * p.dilations[2];
        see((((u.image * p.inSize[0] + id) * p.inSize[1] + ih) * p.inSize[2] + iw) * p.channels + u.channel, id, ih,
            iw);
      }
    }
  }
}

template <class T>
Fault maxPool(const Work& w) {
  const auto& p = w.as<PoolParams>();
  const Range units = tileRange(poolUnits(p), w.tile, w.tiles);
  for (int64_t i = units.begin; i < units.end; i++) {
    const PoolUnit u = poolUnit(p, i);
    T* y = w.at<T>(0) + u.pixel * p.ldc + u.channel;
    for (int64_t c = 0; c < u.channels; c++) y[c] = lowest<T>();
    forTaps(p, u, [&](int64_t at, int64_t, int64_t, int64_t) {
      const T* x = w.at<const T>(1) + at;
      for (int64_t c = 0; c < u.channels; c++) y[c] = x[c] > y[c] ? x[c] : y[c];
    });
  }
  return Fault::none;
}

template <class T>
Fault maxPoolIndices(const Work& w) {
  const auto& p = w.as<PoolIndicesParams>();
  const int64_t D = p.inSize[0], H = p.inSize[1], W = p.inSize[2];
  const Range units = tileRange(poolUnits(p), w.tile, w.tiles);
  for (int64_t i = units.begin; i < units.end; i++) {
    const PoolUnit u = poolUnit(p, i);
    T* y = w.at<T>(0) + u.pixel * p.channels + u.channel;
    int64_t* indices = w.at<int64_t>(1) + u.pixel * p.channels + u.channel;
    for (int64_t c = 0; c < u.channels; c++) y[c] = lowest<T>(), indices[c] = -1;
    forTaps(p, u, [&](int64_t at, int64_t d, int64_t h, int64_t iw) {
      const T* x = w.at<const T>(2) + at;
      const int64_t inside = p.columnMajor ? (iw * H + h) * D + d : (d * H + h) * W + iw;
      for (int64_t c = 0; c < u.channels; c++) {
        if (!(x[c] > y[c]) && indices[c] >= 0) continue;
        y[c] = x[c];
        indices[c] = (u.image * p.channels + u.channel + c) * D * H * W + inside;
      }
    });
  }
  return Fault::none;
}

}  // namespace

extern const Contract pool_contract{"pool", "wr", 0, sizeof(PoolParams), false, verify, tiles, nullptr};
extern const Contract pool_indices_contract{"pool_indices", "wwr",        0,      sizeof(PoolIndicesParams), false,
                                            verifyIndices,  tilesIndices, nullptr};

Fault pool_u8_scalar(const Work& w) { return maxPool<uint8_t>(w); }
Fault pool_i8_scalar(const Work& w) { return maxPool<int8_t>(w); }
Fault pool_indices_f32_scalar(const Work& w) { return maxPoolIndices<float>(w); }
Fault pool_indices_u8_scalar(const Work& w) { return maxPoolIndices<uint8_t>(w); }
Fault pool_indices_i8_scalar(const Work& w) { return maxPoolIndices<int8_t>(w); }

}  // namespace dsnk
