// How an integer sum becomes a quantized result.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>

namespace dsnk {

// clip(round(sum · scale) + zero), half to even.
template <class T>
inline T requantize(int32_t sum, float scale, T zero) {
  const float v = std::nearbyint(static_cast<float>(sum) * scale) + static_cast<float>(zero);
  if (v != v) return zero;
  constexpr auto low = static_cast<float>(std::numeric_limits<T>::min());
  constexpr auto high = static_cast<float>(std::numeric_limits<T>::max());
  return v <= low ? std::numeric_limits<T>::min() : v >= high ? std::numeric_limits<T>::max() : static_cast<T>(v);
}

}  // namespace dsnk
