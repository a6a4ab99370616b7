// How scatters combine an update with what is there, and in which type: for rows of processors and of GPUs.
#pragma once
#include <cstdint>
#include <type_traits>

#include "cuda/work.h"
#include "kernels/scatter/params.gen.h"

namespace dsnk {

struct Replace {
  template <class T>
  static DSNK_ANYWHERE T apply(T, T update) {
    return update;
  }
};
// Integers wrap around: computed unsigned and wide enough that no promotion to int can overflow.
template <class T>
using Wrapping = std::conditional_t<std::is_floating_point<T>::value, T, uint64_t>;
struct Add {
  template <class T>
  static DSNK_ANYWHERE T apply(T a, T b) {
    return static_cast<T>(static_cast<Wrapping<T>>(a) + static_cast<Wrapping<T>>(b));
  }
};
struct Multiply {
  template <class T>
  static DSNK_ANYWHERE T apply(T a, T b) {
    return static_cast<T>(static_cast<Wrapping<T>>(a) * static_cast<Wrapping<T>>(b));
  }
};
// NaN wins over numbers.
struct Largest {
  template <class T>
  static DSNK_ANYWHERE T apply(T a, T b) {
    return a < b || b != b ? b : a;
  }
};
struct Smallest {
  template <class T>
  static DSNK_ANYWHERE T apply(T a, T b) {
    return b < a || b != b ? b : a;
  }
};

// Calls visit(T{}) with the type that a reduction computes in.
template <class Visit>
DSNK_ANYWHERE void withScatterType(int32_t type, Visit&& visit) {
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

}  // namespace dsnk
