constexpr int kVectorRegisters = 16;

struct Mask {
  bool m;
};
DSNK_INLINE Mask operator&(Mask a, Mask b) { return {a.m && b.m}; }
DSNK_INLINE Mask operator|(Mask a, Mask b) { return {a.m || b.m}; }
DSNK_INLINE Mask operator!(Mask a) { return {!a.m}; }

struct F32 {
  static constexpr int lanes = 1;
  float v;
  static inline F32 zero() { return {0.0f}; }
  static inline F32 set(float x) { return {x}; }
  static inline F32 load(const float* p) { return {*p}; }
  static inline F32 loadFirst(const float* p, int n) { return {n > 0 ? *p : 0.0f}; }
  inline void store(float* p) const { *p = v; }
  inline void storeFirst(float* p, int n) const {
    if (n > 0) *p = v;
  }
};

struct I32 {
  static constexpr int lanes = 1;
  int32_t v;
  static inline I32 set(int32_t x) { return {x}; }
  static inline I32 load(const int32_t* p) { return {*p}; }
  static inline I32 loadFirst(const int32_t* p, int n) { return {n > 0 ? *p : 0}; }
  inline void store(int32_t* p) const { *p = v; }
  inline void storeFirst(int32_t* p, int n) const {
    if (n > 0) *p = v;
  }
};

DSNK_INLINE F32 operator+(F32 a, F32 b) { return {a.v + b.v}; }
DSNK_INLINE F32 operator-(F32 a, F32 b) { return {a.v - b.v}; }
DSNK_INLINE F32 operator*(F32 a, F32 b) { return {a.v * b.v}; }
DSNK_INLINE F32 operator/(F32 a, F32 b) { return {a.v / b.v}; }
DSNK_INLINE F32 fma(F32 a, F32 b, F32 c) { return {a.v * b.v + c.v}; }
DSNK_INLINE F32 fmaLow(F32 a, F32 b, F32 c) { return fma(a, b, c); }  // half as wide costs the same here
DSNK_INLINE F32 min(F32 a, F32 b) { return {a.v < b.v ? a.v : b.v}; }
DSNK_INLINE F32 max(F32 a, F32 b) { return {a.v > b.v ? a.v : b.v}; }
DSNK_INLINE F32 abs(F32 a) { return {std::fabs(a.v)}; }
DSNK_INLINE F32 neg(F32 a) { return {-a.v}; }
DSNK_INLINE F32 floor(F32 a) { return {std::floor(a.v)}; }
DSNK_INLINE F32 ceil(F32 a) { return {std::ceil(a.v)}; }
DSNK_INLINE F32 trunc(F32 a) { return {std::trunc(a.v)}; }
DSNK_INLINE F32 roundEven(F32 a) { return {std::nearbyint(a.v)}; }
DSNK_INLINE F32 sqrt(F32 a) { return {std::sqrt(a.v)}; }
DSNK_INLINE Mask less(F32 a, F32 b) { return {a.v < b.v}; }
DSNK_INLINE Mask lessEqual(F32 a, F32 b) { return {a.v <= b.v}; }
DSNK_INLINE Mask equal(F32 a, F32 b) { return {a.v == b.v}; }
DSNK_INLINE Mask isNan(F32 a) { return {a.v != a.v}; }
DSNK_INLINE F32 select(Mask m, F32 a, F32 b) { return m.m ? a : b; }
DSNK_INLINE I32 toI32(F32 a) {
  // out of range gives INT32_MIN, as cvttps does
  return {a.v >= -2147483648.0f && a.v < 2147483648.0f ? static_cast<int32_t>(a.v) : INT32_MIN};
}
DSNK_INLINE I32 roundToI32(F32 a) { return toI32(roundEven(a)); }
DSNK_INLINE F32 toF32(I32 a) { return {static_cast<float>(a.v)}; }
DSNK_INLINE I32 bitsOf(F32 a) {
  I32 r;
  std::memcpy(&r.v, &a.v, 4);
  return r;
}
DSNK_INLINE F32 fromBits(I32 a) {
  F32 r;
  std::memcpy(&r.v, &a.v, 4);
  return r;
}
DSNK_INLINE I32 operator+(I32 a, I32 b) {
  return {static_cast<int32_t>(static_cast<uint32_t>(a.v) + static_cast<uint32_t>(b.v))};
}
DSNK_INLINE I32 operator-(I32 a, I32 b) {
  return {static_cast<int32_t>(static_cast<uint32_t>(a.v) - static_cast<uint32_t>(b.v))};
}
DSNK_INLINE I32 operator&(I32 a, I32 b) { return {a.v & b.v}; }
DSNK_INLINE I32 operator|(I32 a, I32 b) { return {a.v | b.v}; }
DSNK_INLINE I32 operator^(I32 a, I32 b) { return {a.v ^ b.v}; }
template <int n>
DSNK_INLINE I32 shiftLeft(I32 a) {
  return {static_cast<int32_t>(static_cast<uint32_t>(a.v) << n)};
}
template <int n>
DSNK_INLINE I32 shiftRight(I32 a) {  // arithmetic
  return {a.v >> n};
}
DSNK_INLINE float sum(F32 a) { return a.v; }
DSNK_INLINE float largest(F32 a) { return a.v; }
DSNK_INLINE float smallest(F32 a) { return a.v; }
// a·2^n for integral n.
DSNK_INLINE F32 scale2(F32 a, F32 n) { return {std::ldexp(a.v, toI32(n).v)}; }
// Narrow elements widened to float, and back. Bytes are truth values (0, 1); halves round to nearest even.
DSNK_INLINE F32 loadTruth(const uint8_t* p) { return {*p ? 1.0f : 0.0f}; }
DSNK_INLINE void storeTruth(F32 a, uint8_t* p) { *p = a.v != 0; }
DSNK_INLINE F32 loadHalf(const uint16_t* p) { return {halfToFloat(*p)}; }
DSNK_INLINE void storeHalf(F32 a, uint16_t* p) { *p = floatToHalf(a.v); }
DSNK_INLINE F32 loadBfloat(const uint16_t* p) { return {bfloatToFloat(*p)}; }
DSNK_INLINE void storeBfloat(F32 a, uint16_t* p) { *p = floatToBfloat(a.v); }
// Quantized numbers. What is stored is whole; what no byte holds saturates, NaN at the low end.
DSNK_INLINE F32 loadByte(const uint8_t* p) { return {static_cast<float>(*p)}; }
DSNK_INLINE F32 loadSignedByte(const int8_t* p) { return {static_cast<float>(*p)}; }
DSNK_INLINE void storeByte(F32 a, uint8_t* p) {
  *p = a.v >= 0.0f ? static_cast<uint8_t>(a.v <= 255.0f ? a.v : 255.0f) : uint8_t{0};
}
DSNK_INLINE void storeSignedByte(F32 a, int8_t* p) {
  *p = a.v >= -128.0f ? static_cast<int8_t>(a.v <= 127.0f ? a.v : 127.0f) : int8_t{-128};
}
