// The contracts of `moments` and `channel_norm`: statistics of, and a normalisation by, the channels of
// [outer, channels, inner].
#include "kernels/kernel.h"
#include "kernels/norm/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verifyMoments(const Kernel&, const Check& c) {
  const auto& p = c.as<MomentsParams>();
  const Size four(4);
  if (p.outer < 1 || p.inner < 1) return "outer and inner must be at least 1";
  const Size channels = Size(p.channels) * four;
  for (int i = 0; i < 4; i++) {
    if ((i < 2 || c.has(i)) && !channels.fits(c.operandBytes[i])) return "outputs must hold one float a channel";
  }
  if (!(Size(p.outer) * channels * Size(p.inner)).fits(c.operandBytes[4]))
    return "input must hold [outer, channels, inner]";
  if (c.has(2) != c.has(5) || c.has(3) != c.has(6)) return "a running statistic needs its old value";
  for (int i = 5; i <= 6; i++) {
    if (c.has(i) && !channels.fits(c.operandBytes[i])) return "old statistics must hold one float a channel";
  }
  return nullptr;
}

// Where inner is 1 a tile is strips of 64 channels, else whole channels.
static uint32_t momentTiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const MomentsParams*>(params);
  if (p.inner == 1) return tilesFor(ceilDiv(p.channels, 64), p.outer * 128, threads);
  return tilesFor(p.channels, p.outer * p.inner * 2, threads);
}

extern const Contract moments_contract{"moments", "wwxxroo",     0,           sizeof(MomentsParams),
                                       false,     verifyMoments, momentTiles, nullptr};

static const char* verifyChannelNorm(const Kernel&, const Check& c) {
  const auto& p = c.as<ChannelNormParams>();
  if (p.kind < 0 || p.kind >= kChannelNormCount) return "kind must be one of ChannelNorm";
  const Size four(4);
  const Size channels = Size(p.channels) * four;
  const Size all = Size(p.outer) * channels * Size(p.inner);
  if (!all.fits(c.operandBytes[0])) return "output must hold [outer, channels, inner]";
  if (!all.fits(c.operandBytes[1])) return "input must hold [outer, channels, inner]";
  for (int i = 2; i <= 5; i++) {
    if ((i < 4 || c.has(i)) && !channels.fits(c.operandBytes[i]))
      return "mean, variance, scale and bias must hold one float a channel";
  }
  return nullptr;
}

static uint32_t channelTiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ChannelNormParams*>(params);
  if (p.outer == 0 || p.channels == 0 || p.inner == 0) return 0;
  if (p.inner == 1) return tilesFor(p.outer, p.channels * 2, threads);
  return tilesFor(p.outer * p.channels, p.inner, threads);
}

// The factor of every channel; only where all channels lie in each row.
static uint64_t channelScratch(const Kernel&, const void* params) {
  const auto& p = *static_cast<const ChannelNormParams*>(params);
  return p.inner == 1 ? static_cast<uint64_t>(p.channels) * 4 : 0;
}

extern const Contract channel_norm_contract{"channel_norm", "wrrroo",          1u << 1,      sizeof(ChannelNormParams),
                                            false,          verifyChannelNorm, channelTiles, channelScratch};

}  // namespace dsnk
