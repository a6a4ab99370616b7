// What contracts of caches check, and the rows of one head for the kernels of processors.
#pragma once
#include "kernels/axis.h"
#include "kernels/cache/tokens.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

// Of all caches: tokens of one head in a row of the batch, at most, and the heads of the whole cache.
constexpr int64_t kMaxTokens = INT32_MAX;

template <class P>
Size cacheRows(const P& p) {
  return p.pages > 0 ? Size(p.pages) * Size(p.keyHeads) * Size(kCachePage)
                     : Size(p.batch) * Size(p.keyHeads) * Size(p.capacity);
}

// What must hold of the caches k and v and of what says where their tokens lie. Operands by number; v may be left out
// where its number says so.
struct CacheOperands {
  uint32_t k, v, kScales, vScales, lengths, pages;
};

template <class P>
const char* verifyCache(const Kernel& kernel, const Check& c, const P& p, const CacheOperands& at) {
  if (p.batch < 0 || p.keyHeads < 0 || p.rows < 0 || p.width < 0 || p.depth < 0)
    return "dimensions must not be negative";
  if (!isDim(p.batch) || !isDim(p.keyHeads) || !isDim(p.width) || !isDim(p.depth) || p.rows > kMaxTokens)
    return "dimensions must be at most 2^40, rows less than 2^31";
  if (p.capacity < 0 || p.capacity > kMaxTokens) return "capacity must be in [0, 2^31)";
  if (p.pages < 0 || p.pages > kMaxTokens) return "pages must be in [0, 2^31)";
  if (p.pages > 0 && p.capacity % kCachePage != 0) return "capacity must be a multiple of 64 where there are pages";
  const Size tokens = cacheRows(p), element(elementBytes(kernel.dtypes));
  if (!(tokens * Size(p.width) * element).fits(c.operandBytes[at.k])) return "k must hold the cache";
  const bool keepsV = c.has(at.v);
  if (keepsV && !(tokens * Size(p.depth) * element).fits(c.operandBytes[at.v])) return "v must hold the cache";
  if (element.value() == 1) {
    if (!c.has(at.kScales) || !(tokens * Size(4)).fits(c.operandBytes[at.kScales]))
      return "kScales must hold a float for each token";
    if (keepsV && (!c.has(at.vScales) || !(tokens * Size(4)).fits(c.operandBytes[at.vScales])))
      return "vScales must hold a float for each token";
  }
  if (!(Size(p.batch) * Size(4)).fits(c.operandBytes[at.lengths])) return "lengths must hold an int32 for each row";
  if (p.pages > 0 && !(Size(p.batch) * Size(p.capacity / kCachePage) * Size(4))
                          .fits(at.pages < c.operandCount ? c.operandBytes[at.pages] : 0))
    return "pages must hold an int32 for each 64 tokens";
  return nullptr;
}

// True where elements [0, width) of every [batch, row, head] lie in `bytes`; an empty range always does. Of rows without elements the
// addresses must: they are formed.
inline bool holdsRows(const int64_t* stride, int64_t batch, int64_t rows, int64_t heads, int64_t width,
                      uint64_t bytes) {
  if (batch == 0 || rows == 0 || heads == 0) return true;
  const Size last = Size(batch - 1) * Size(stride[0]) + Size(rows - 1) * Size(stride[1]) +
                    Size(heads - 1) * Size(stride[2]) + Size(width);
  return (last * Size(4)).fits(bytes);
}
inline bool areStrides(const int64_t* stride) {
  return isStride(stride[0]) && isStride(stride[1]) && isStride(stride[2]);
}

// The rows of one head of one row of the batch.
template <class P>
struct CacheHead {
  const P& p;
  const int32_t* pages;
  int64_t b, h;

  int64_t rowOf(int64_t t) const { return cacheRow(p, pages, b, h, t); }
};

template <class P>
CacheHead<P> cacheHead(const P& p, const int32_t* pages, int64_t b, int64_t h) {
  return {p, pages, b, h};
}

}  // namespace dsnk
