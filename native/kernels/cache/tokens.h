// Where the tokens of a cache lie: for contracts, kernels and plans of append and attention, on processors and GPUs.
#pragma once
#include "cuda/work.h"
#include "kernels/cache/params.gen.h"

namespace dsnk {

// Tokens of a page and of a block of scores, and of a part whose sums are merged with those of others.
constexpr int64_t kCachePage = 64, kCacheSplit = 512;

// Which row of a cache holds token t of a head; the tokens of its page follow. -1 where the table names no page: page
// numbers come from memory and are not to be trusted.
template <class P>
DSNK_BOTH inline int64_t cacheRow(const P& p, const int32_t* pages, int64_t b, int64_t h, int64_t t) {
  if (p.pages == 0) return (b * p.keyHeads + h) * p.capacity + t;
  const int64_t page = pages[b * (p.capacity / kCachePage) + t / kCachePage];
  return page < 0 || page >= p.pages ? -1 : (page * p.keyHeads + h) * kCachePage + t % kCachePage;
}

// Tokens of row b with the `fresh` last ones, -1 where they would not be in [0, capacity].
DSNK_BOTH inline int64_t tokensOf(const int32_t* lengths, int64_t b, int64_t fresh, int64_t capacity) {
  const int64_t length = lengths[b];
  return length < 0 || length + fresh > capacity ? -1 : length + fresh;
}

}  // namespace dsnk
