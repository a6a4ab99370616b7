// Elements that are moved and not computed with: types by their size, for rows of processors and of GPUs.
#pragma once
#include <cstdint>

#include "cuda/work.h"

namespace dsnk {

// Two machine words, so that 16-byte elements need no more than the 8-byte alignment of operands.
struct Bytes16 {
  uint64_t low, high;
};

// Calls visit(T{}) with the unsigned type of that size; the size has been verified.
template <class Visit>
DSNK_ANYWHERE void withElementType(int32_t elementBytes, Visit&& visit) {
  switch (elementBytes) {
    case 1: return visit(uint8_t{});
    case 2: return visit(uint16_t{});
    case 4: return visit(uint32_t{});
    case 8: return visit(uint64_t{});
    default: return visit(Bytes16{});
  }
}

}  // namespace dsnk
