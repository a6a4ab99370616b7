// Computes  y[t, b, :] = x[lengths[b] - 1 - t, b, :] for t < lengths[b], else x[t, b, :]
// Shapes    y, x: time x batch blocks, or batch x time blocks (batchMajor); lengths: batch, int64. A block is
//           blockBytes
// Numerics  bit-equal; a length outside [0, time] is a fault
// Tiling    ranges of blocks
// Packing   none
// Source    none
#include <cstring>

#include "kernels/fill/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

namespace {

const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<ReverseSequenceParams>();
  const Size time(p.time), batch(p.batch), block(p.blockBytes);
  if (time.bad() || batch.bad() || block.bad() || block.value() == 0)
    return "dimensions must not be negative and blocks not empty";
  for (int32_t i = 0; i < 2; i++)
    if (!(time * batch * block).fits(c.operandBytes[i])) return "input and output must hold time x batch blocks";
  if (!(batch * Size(8)).fits(c.operandBytes[2])) return "lengths must hold batch";
  return nullptr;
}

uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const ReverseSequenceParams*>(params);
  return tilesFor(p.time * p.batch, p.blockBytes, threads, 64 * 1024);
}

}  // namespace

extern const Contract reverse_sequence_contract{
    "reverse_sequence", "wrr", 0, sizeof(ReverseSequenceParams), false, verify, tiles, nullptr};

Fault reverse_sequence_scalar(const Work& w) {
  const auto& p = w.as<ReverseSequenceParams>();
  const Range r = tileRange(p.time * p.batch, w.tile, w.tiles);
  const int64_t* lengths = w.at<const int64_t>(2);
  const int64_t timeStride = p.batchMajor != 0 ? 1 : p.batch;
  for (int64_t k = r.begin; k < r.end; k++) {
    const int64_t b = p.batchMajor != 0 ? k / p.time : k % p.batch;
    const int64_t t = p.batchMajor != 0 ? k % p.time : k / p.batch;
    const int64_t length = lengths[b];
    if (length < 0 || length > p.time) return Fault::invalidValue;
    const int64_t from = t < length ? k + (length - 1 - 2 * t) * timeStride : k;
    std::memcpy(w.at<std::byte>(0) + k * p.blockBytes, w.at<const std::byte>(1) + from * p.blockBytes,
                static_cast<size_t>(p.blockBytes));
  }
  return Fault::none;
}

}  // namespace dsnk
