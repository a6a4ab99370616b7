// Values of a row by positions, in plain C++: the definition.
using Positions = I32;
DSNK_INLINE I32 positionsOf(I32 words) { return words; }

struct Four {
  const float* v;
  static Four load(const float* p) { return {p}; }
  F32 pick(I32 at) const { return {v[at.v & 3]}; }
};

DSNK_INLINE I32 quadPositions(I32 words) { return {(words.v & 0x03030303) | 0x04040000}; }

struct Eight {
  const uint8_t* v;
  static Eight load(const uint8_t* p) { return {p}; }
  F32 pick(I32 at) const {
    uint32_t quad = 0;
    for (int i = 0; i < 32; i += 8) quad |= uint32_t{v[at.v >> i & 7]} << i;
    return fromBits({static_cast<int32_t>(quad)});
  }
};
constexpr unsigned kSparseFlip = 0;
