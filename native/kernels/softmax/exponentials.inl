// The curve of softmax_bytes.inl, by x where the largest is 255: other peaks read it from a later place on.
struct Curve {
  alignas(64) int32_t at[256 + F32::lanes];
  explicit Curve(const int32_t* t) {
    for (int d = 0; d < 256; d++) at[255 - d] = t[d];
    for (int i = 256; i < 256 + F32::lanes; i++) at[i] = 0;
  }
  // Σ at[first + x]
  uint64_t sum(int first, const uint8_t* x, int64_t n) const {
    const int32_t* numbers = at + first;
    uint64_t total = 0;
    while (n > 0) {
      const int64_t part = n < 256 ? n : 256;  // 2^8 numbers of at most 2^23
      uint32_t four[4] = {};
      int64_t i = 0;
      for (; i + 4 <= part; i += 4) {
        for (int j = 0; j < 4; j++) four[j] += static_cast<uint32_t>(numbers[x[i + j]]);
      }
      for (; i < part; i++) four[0] += static_cast<uint32_t>(numbers[x[i]]);
      total += uint64_t{four[0]} + four[1] + four[2] + four[3];
      x += part;
      n -= part;
    }
    return total;
  }
};
