// The contract of `cache_append`: operands k, v?, kScales?, vScales?, newK, newV?, lengths, pages?
// (lib/kernels/cache.ts).
#include "kernels/cache/cache.h"

namespace dsnk {

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<CacheAppendParams>();
  const CacheOperands at{0, 1, 2, 3, 6, 7};
  if (const char* why = verifyCache(k, c, p, at)) return why;
  if (!areStrides(p.strideK) || !areStrides(p.strideV)) return "strides must be in [0, 2^48]";
  if (!holdsRows(p.strideK, p.batch, p.rows, p.keyHeads, p.width, c.operandBytes[4]))
    return "newK must hold its strides";
  if (c.has(5) && !c.has(1)) return "v must be there where newV is";
  if (c.has(1) && !holdsRows(p.strideV, p.batch, p.rows, p.keyHeads, p.depth, c.operandBytes[5]))
    return "newV must hold its strides";
  // Bounds the work: new rows are not broadcast.
  const Size rows = Size(p.batch) * Size(p.rows) * Size(p.keyHeads) * Size(4);
  if (p.width == 0 || !(rows * Size(p.width)).fits(c.operandBytes[4]))
    return "newK must hold [batch, rows, keyHeads, width]";
  if (c.has(1) && !(rows * Size(p.depth)).fits(c.operandBytes[5]))
    return "newV must hold [batch, rows, keyHeads, depth]";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const CacheAppendParams*>(params);
  return tilesFor(p.batch * p.rows * p.keyHeads, p.width + p.depth, threads, 32768);
}

extern const Contract cache_append_contract{"cache_append", "mnnnroro", 0,     sizeof(CacheAppendParams),
                                            false,          verify,     tiles, nullptr};

}  // namespace dsnk
