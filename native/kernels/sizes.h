// Overflow-safe size arithmetic for Contract::verify, and the splitting of a range into tiles.
#pragma once
#include <cstdint>

namespace dsnk {

// A byte or element count that remembers an overflow or a negative factor: every comparison with it then fails.
class Size {
 public:
  constexpr Size(int64_t v) : value_(v < 0 ? 0 : static_cast<uint64_t>(v)), bad_(v < 0) {}
  constexpr Size operator*(Size o) const {
    Size r(0);
    r.bad_ = bad_ || o.bad_ || __builtin_mul_overflow(value_, o.value_, &r.value_) || r.value_ > kMax;
    return r;
  }
  constexpr Size operator+(Size o) const {
    Size r(0);
    r.bad_ = bad_ || o.bad_ || __builtin_add_overflow(value_, o.value_, &r.value_) || r.value_ > kMax;
    return r;
  }
  // True when this size is sound and no more than `have`.
  constexpr bool fits(uint64_t have) const { return !bad_ && value_ <= have; }
  constexpr bool bad() const { return bad_; }
  constexpr uint64_t value() const { return value_; }

 private:
  static constexpr uint64_t kMax = uint64_t{1} << 62;
  uint64_t value_;
  bool bad_;
};

// Bounds of what is multiplied by small numbers or rounded up before a Size compares it, in elements: no such product
// overflows, and no address space has more.
constexpr int64_t kMaxStride = int64_t{1} << 48;
constexpr int64_t kMaxDim = int64_t{1} << 40;
constexpr bool isStride(int64_t stride) { return stride >= 0 && stride <= kMaxStride; }
constexpr bool isDim(int64_t dim) { return dim >= 0 && dim <= kMaxDim; }

struct Range {
  int64_t begin, end;
};

// Part `tile` of `tiles` nearly equal parts of [0, n), cut at multiples of `grain`.
inline Range tileRange(int64_t n, uint32_t tile, uint32_t tiles, int64_t grain = 1) {
  const int64_t units = (n + grain - 1) / grain;
  const int64_t each = units / tiles, extra = units % tiles;
  const int64_t t = tile;
  const int64_t begin = t * each + (t < extra ? t : extra);
  const int64_t end = begin + each + (t < extra ? 1 : 0);
  const int64_t b = begin * grain, e = end * grain;
  return {b < n ? b : n, e < n ? e : n};
}

// Tiles for `units` pieces of work of `unitCost` elementary operations each: enough for the team, never so many
// that a tile is too small to pay for handing it out.
inline uint32_t tilesFor(int64_t units, int64_t unitCost, uint32_t threads, int64_t minCost = 16384) {
  if (units <= 0) return 0;
  if (threads <= 1) return 1;
  const int64_t most = static_cast<int64_t>(threads) * 4;
  const int64_t cost = unitCost < 1 ? 1 : unitCost;
  int64_t minUnits = (minCost + cost - 1) / cost;
  if (minUnits < 1) minUnits = 1;
  int64_t t = units / minUnits;
  if (t > most) t = most;
  if (t > units) t = units;
  return t < 1 ? 1 : static_cast<uint32_t>(t);
}

inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t roundUp(int64_t a, int64_t b) { return ceilDiv(a, b) * b; }

}  // namespace dsnk
