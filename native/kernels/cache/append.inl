// Computes  k[b, h, lengths[b] + i, :] = newK[b, i, h, :], and the same of v, in the type of the cache
// Shapes    lib/kernels/cache.ts: contiguous or in pages of 64 tokens
// Numerics  f16 and bf16 round to nearest even; i8: scale = largest |x| of the row / 127, x/scale rounded to nearest
//           even, so that each element is off by half a scale at most; a row with NaN or infinity gets the scale NaN, a
//           row below 1e-30 the scale 0. Bit-equal on every ISA. A token that the cache has no room for is a fault
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
  static void put(const float* x, int64_t n, int8_t* to, float* scale) {
    F32 top = F32::zero(), odd = F32::zero();
    for (int64_t i = 0; i < n; i += F32::lanes) {
      const F32 v = n - i >= F32::lanes ? F32::load(x + i) : F32::loadFirst(x + i, static_cast<int>(n - i));
      top = max(abs(v), top);  // NaN is passed over
      odd = odd + (v - v);     // and found here
    }
    const float largestSize = largest(top);
    const bool tiny = largestSize < 1e-30f;
    *scale = (tiny ? 0.0f : largestSize / 127.0f) + sum(odd);
    const F32 inverse = F32::set(tiny ? 0.0f : 127.0f / largestSize);
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
