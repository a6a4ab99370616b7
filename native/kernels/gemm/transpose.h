// to[c][r] = from[r][c] for 32-bit words, four by four in 128-bit registers: every baseline has those.
#pragma once
#include <cstdint>
#include <cstring>

namespace dsnk {

using Words4 = uint32_t __attribute__((vector_size(16)));

#if defined(__clang__)
#define DSNK_SHUFFLE4(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define DSNK_SHUFFLE4(a, b, i, j, k, l) __builtin_shuffle(a, b, Words4{i, j, k, l})
#endif

inline Words4 loadWords4(const uint32_t* p) {
  Words4 v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline void transposeWords4x4(const uint32_t* from, int64_t fromStride, uint32_t* to, int64_t toStride) {
  const Words4 a = loadWords4(from), b = loadWords4(from + fromStride);
  const Words4 c = loadWords4(from + 2 * fromStride), d = loadWords4(from + 3 * fromStride);
  const Words4 ab = DSNK_SHUFFLE4(a, b, 0, 4, 1, 5), cd = DSNK_SHUFFLE4(c, d, 0, 4, 1, 5);
  const Words4 AB = DSNK_SHUFFLE4(a, b, 2, 6, 3, 7), CD = DSNK_SHUFFLE4(c, d, 2, 6, 3, 7);
  const Words4 lines[4] = {DSNK_SHUFFLE4(ab, cd, 0, 1, 4, 5), DSNK_SHUFFLE4(ab, cd, 2, 3, 6, 7),
                           DSNK_SHUFFLE4(AB, CD, 0, 1, 4, 5), DSNK_SHUFFLE4(AB, CD, 2, 3, 6, 7)};
  std::memcpy(to, &lines[0], 16);
  std::memcpy(to + toStride, &lines[1], 16);
  std::memcpy(to + 2 * toStride, &lines[2], 16);
  std::memcpy(to + 3 * toStride, &lines[3], 16);
}

// Sixteen columns at a time, a cache line of every row of `from`, so that all of it is used while it is in L1.
inline void transposeWords(const uint32_t* from, int64_t fromStride, int64_t rows, int64_t columns, uint32_t* to,
                           int64_t toStride) {
  const int64_t rows4 = rows / 4 * 4;
  for (int64_t c0 = 0; c0 < columns; c0 += 16) {
    const int64_t end = columns - c0 < 16 ? columns : c0 + 16, end4 = c0 + (end - c0) / 4 * 4;
    for (int64_t r = 0; r < rows4; r += 4) {
      for (int64_t c = c0; c < end4; c += 4) {
        transposeWords4x4(from + r * fromStride + c, fromStride, to + c * toStride + r, toStride);
      }
      for (int64_t c = end4; c < end; c++) {
        for (int64_t i = r; i < r + 4; i++) to[c * toStride + i] = from[i * fromStride + c];
      }
    }
    for (int64_t r = rows4; r < rows; r++) {
      for (int64_t c = c0; c < end; c++) to[c * toStride + r] = from[r * fromStride + c];
    }
  }
}

}  // namespace dsnk
