// How scatters combine an update with what is there.
#pragma once
#include <type_traits>

#include "kernels/scatter/params.gen.h"
#include "kernels/strided/strided.h"

namespace dsnk {

struct Replace {
  template <class T>
  static T apply(T, T update) {
    return update;
  }
};
// Integers wrap around: computed unsigned and wide enough that no promotion to int can overflow.
template <class T>
using Wrapping = std::conditional_t<std::is_floating_point_v<T>, T, uint64_t>;
struct Add {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<Wrapping<T>>(a) + static_cast<Wrapping<T>>(b));
  }
};
struct Multiply {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<Wrapping<T>>(a) * static_cast<Wrapping<T>>(b));
  }
};
// NaN wins over numbers.
struct Largest {
  template <class T>
  static T apply(T a, T b) {
    return a < b || b != b ? b : a;
  }
};
struct Smallest {
  template <class T>
  static T apply(T a, T b) {
    return b < a || b != b ? b : a;
  }
};

inline bool isReduction(int32_t reduction, int32_t type, int32_t elementBytes) {
  constexpr int32_t sizes[] = {4, 8, 1, 1, 2, 2, 4, 4, 8, 8};  // in the order of ScatterType
  static_assert(sizeof(sizes) / sizeof(sizes[0]) == kScatterTypeCount);
  if (reduction < 0 || reduction >= kScatterReductionCount || !isElementSize(elementBytes)) return false;
  if (reduction == static_cast<int32_t>(ScatterReduction::none)) return true;
  return type >= 0 && type < kScatterTypeCount && sizes[type] == elementBytes;
}

template <class Visit>
inline void withScatterType(int32_t type, Visit&& visit) {
  switch (static_cast<ScatterType>(type)) {
    case ScatterType::f32: return visit(float{});
    case ScatterType::f64: return visit(double{});
    case ScatterType::i8: return visit(int8_t{});
    case ScatterType::u8: return visit(uint8_t{});
    case ScatterType::i16: return visit(int16_t{});
    case ScatterType::u16: return visit(uint16_t{});
    case ScatterType::i32: return visit(int32_t{});
    case ScatterType::u32: return visit(uint32_t{});
    case ScatterType::i64: return visit(int64_t{});
    case ScatterType::u64: return visit(uint64_t{});
  }
}

// Calls visit(T{}, Reduction{}) for verified parameters.
template <class Visit>
inline void withReduction(int32_t reduction, int32_t type, int32_t elementBytes, Visit&& visit) {
  switch (static_cast<ScatterReduction>(reduction)) {
    case ScatterReduction::none: return withElementType(elementBytes, [&](auto t) { visit(t, Replace{}); });
    case ScatterReduction::add: return withScatterType(type, [&](auto t) { visit(t, Add{}); });
    case ScatterReduction::mul: return withScatterType(type, [&](auto t) { visit(t, Multiply{}); });
    case ScatterReduction::max: return withScatterType(type, [&](auto t) { visit(t, Largest{}); });
    case ScatterReduction::min: return withScatterType(type, [&](auto t) { visit(t, Smallest{}); });
  }
}

}  // namespace dsnk
