#pragma once
#include <cstdint>

namespace dsnk {
// Columns scanned together: rows of 2 KB, long enough for the prefetcher, and 4 KB of running values beside them in L1.
constexpr int64_t kScanStrip = 512;
}  // namespace dsnk
