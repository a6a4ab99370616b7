// Computes  k[b, h, lengths[b] + i, :] = newK[b, i, h, :], and the same of v, in the type of the cache
// Shapes    lib/kernels/cache.ts: contiguous or in pages of 64 tokens
// Numerics  f16 and bf16 round to nearest even; i8: scale = largest |x| of the row / r, x/scale rounded to nearest even.
//           r is 127, or of 127 - 1/4, 127 - 1/2, … the one with the least squares of what rounding takes away, in 1/256
//           of a scale: 64 are tried in rows of up to 16, 1024/n in rows of up to 64, none beyond. Of the squares of normal
//           rows 0.47 are left with 8 elements, 0.64 with 16, 0.78 with 32, 0.87 with 64; with 128, 0.94 were not worth
//           3 us a token and layer. A row with NaN or infinity gets the scale NaN, one below 1e-30 the scale 0. Bit-equal
//           on every ISA: squares are whole numbers and their sums exact. A token that there is no room for is a fault
// Tiling    ranges of [batch, row, head]
// Packing   none
// Source    none

// One row of floats, narrowed to elements of a cache.
struct KeepFloat {
  using Stored = float;
  static void put(const float* x, int64_t n, float* to, float*) { std::memcpy(to, x, static_cast<size_t>(n) * 4); }
};

// Whole vectors, then the rest through a vector of our own.
template <class T, class Narrow>
DSNK_INLINE void narrowRow(const float* x, int64_t n, T* to, Narrow narrow) {
  int64_t i = 0;
  for (; i + F32::lanes <= n; i += F32::lanes) narrow(F32::load(x + i), to + i);
  if (F32::lanes == 1 || i == n) return;
  T rest[F32::lanes];
  narrow(F32::loadFirst(x + i, static_cast<int>(n - i)), rest);
  std::memcpy(to + i, rest, static_cast<size_t>(n - i) * sizeof(T));
}

struct KeepHalf {
  using Stored = uint16_t;
  static void put(const float* x, int64_t n, uint16_t* to, float*) {
    narrowRow(x, n, to, [](F32 v, uint16_t* p) __attribute__((always_inline)) { storeHalf(v, p); });
  }
};
struct KeepBfloat {
  using Stored = uint16_t;
  static void put(const float* x, int64_t n, uint16_t* to, float*) {
    narrowRow(x, n, to, [](F32 v, uint16_t* p) __attribute__((always_inline)) { storeBfloat(v, p); });
  }
};
struct KeepByte {
  using Stored = int8_t;
  // The code of the largest element that loses least.
  static float bestRange(const float* x, int64_t n, float largestSize) {
    const int64_t tries = n > 64 ? 0 : n > 16 ? 1024 / n : 64;
    float best = 127.0f, least = 0;
    for (int64_t t = 0; t < tries; t++) {
      const float range = 127.0f - 0.25f * static_cast<float>(t);
      const F32 inverse = F32::set(range / largestSize);
      F32 squares = F32::zero();
      for (int64_t i = 0; i < n; i += F32::lanes) {
        const F32 v =
            (n - i >= F32::lanes ? F32::load(x + i) : F32::loadFirst(x + i, static_cast<int>(n - i))) * inverse;
        const F32 left = roundEven((v - roundEven(v)) * F32::set(256.0f));
        squares = squares + left * left;  // below 2^24
      }
      const float loss = sum(squares) / (range * range);
      if (t == 0 || loss < least) {
        best = range;
        least = loss;
      }
    }
    return best;
  }
  static void put(const float* x, int64_t n, int8_t* to, float* scale) {
    F32 top = F32::zero(), odd = F32::zero();
    for (int64_t i = 0; i < n; i += F32::lanes) {
      const F32 v = n - i >= F32::lanes ? F32::load(x + i) : F32::loadFirst(x + i, static_cast<int>(n - i));
      top = max(abs(v), top);  // NaN is passed over
      odd = odd + (v - v);     // and found here
    }
    const float largestSize = largest(top), bad = sum(odd);
    const bool tiny = largestSize < 1e-30f;
    const float range = tiny || bad != 0.0f ? 127.0f : bestRange(x, n, largestSize);
    *scale = (tiny ? 0.0f : largestSize / range) + bad;
    const F32 inverse = F32::set(tiny ? 0.0f : range / largestSize);
    narrowRow(x, n, to,
              [&](F32 v, int8_t* p) __attribute__((always_inline)) { storeSignedByte(roundEven(v * inverse), p); });
  }
};

template <class Keep>
static Fault appendRun(const Work& w) {
  using T = typename Keep::Stored;
  const auto& p = w.as<CacheAppendParams>();
  const int32_t* lengths = w.at<const int32_t>(6);
  const int32_t* pages = p.pages > 0 ? w.at<const int32_t>(7) : nullptr;
  T *const k = w.at<T>(0), *const v = w.at<T>(1);
  float *const kScales = w.at<float>(2), *const vScales = w.at<float>(3);
  const Range units = tileRange(p.batch * p.rows * p.keyHeads, w.tile, w.tiles);
  for (int64_t u = units.begin; u < units.end; u++) {
    const int64_t h = u % p.keyHeads, i = u / p.keyHeads % p.rows, b = u / p.keyHeads / p.rows;
    const int64_t tokens = tokensOf(lengths, b, p.rows, p.capacity);
    if (tokens < 0) return Fault::indexOutOfRange;
    const int64_t row = cacheHead(p, pages, b, h).rowOf(tokens - p.rows + i);
    if (row < 0) return Fault::indexOutOfRange;
    const auto from = [&](const int64_t* stride) { return b * stride[0] + i * stride[1] + h * stride[2]; };
    Keep::put(w.at<const float>(4) + from(p.strideK), p.width, k + row * p.width,
              kScales == nullptr ? nullptr : kScales + row);
    if (v == nullptr) continue;
    Keep::put(w.at<const float>(5) + from(p.strideV), p.depth, v + row * p.depth,
              vScales == nullptr ? nullptr : vScales + row);
  }
  return Fault::none;
}
