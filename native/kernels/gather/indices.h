// Index tensors: 32 or 64 bits, negative values counting from the end of their axis.
#pragma once
#include <cstdint>

namespace dsnk {

// Calls visit(I{}) with the type of that size; the size has been verified.
template <class Visit>
inline auto withIndexType(int32_t indexBytes, Visit&& visit) {
  return indexBytes == 4 ? visit(int32_t{}) : visit(int64_t{});
}

inline bool isIndexSize(int32_t bytes) { return bytes == 4 || bytes == 8; }

// The position on an axis, or -1 when the index lies outside.
inline int64_t positionOf(int64_t index, int64_t axis) {
  const int64_t at = index < 0 ? index + axis : index;  // cannot overflow: axis is not negative
  return at >= 0 && at < axis ? at : -1;
}

}  // namespace dsnk
