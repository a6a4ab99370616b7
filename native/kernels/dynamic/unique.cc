// Computes  the different slices x[:,k,:], their first k, the slice that each k became, and how often each one came
// Shapes    y: T [outer, count, inner] at the beginning of as much as x; count: i64 [1]; first, counts: i64 [count] at
//           the beginning of [length]; inverse: i64 [length]; x: T [outer, length, inner]
// Numerics  bit-equal; slices compare element by element; NaNs are equal and above all numbers, -0 equals 0
// Tiling    one: a sort
// Packing   none
// Source    the ONNX operator definition
#include <algorithm>
#include <cstring>

#include "kernels/dynamic/params.gen.h"
#include "kernels/element.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

// From the first digit of a type's name; `bool` has none.
static int64_t elementBytes(const char* dtypes) {
  while (*dtypes != '\0' && (*dtypes < '0' || *dtypes > '9')) dtypes++;
  return *dtypes == '6' ? 8 : *dtypes == '3' ? 4 : *dtypes == '1' ? 2 : 1;
}

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<UniqueParams>();
  if (p.sorted != 0 && p.sorted != 1) return "sorted must be 0 or 1";
  const Size slice = Size(p.outer) * Size(p.inner) * elementBytes(k.dtypes);
  if (!(slice * Size(p.length)).fits(c.operandBytes[0])) return "output must hold as much as the input";
  if (!c.holds(1, 8)) return "count must hold one number";
  for (uint32_t i = 2; i < 5; i++) {
    if (c.has(i) && !(Size(p.length) * 8).fits(c.operandBytes[i]))
      return "indices and counts must hold `length` numbers";
  }
  if (!(slice * Size(p.length)).fits(c.operandBytes[5])) return "input must hold its shape";
  // A slice of nothing would let `length` be anything.
  if (p.outer == 0 || p.inner == 0 || slice.bad()) return "slices must hold elements";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void*, uint32_t) { return 1; }

// Two lists of positions.
static uint64_t scratchBytes(const Kernel&, const void* params) {
  return static_cast<uint64_t>(static_cast<const UniqueParams*>(params)->length) * 16;
}

extern const Contract unique_contract{"unique", "wwxxxr", 0, sizeof(UniqueParams), false, verify, tiles, scratchBytes};

template <class T>
static int compareElements(T a, T b) {
  const auto x = Element<T>::load(a), y = Element<T>::load(b);
  if (x < y) return -1;
  if (y < x) return 1;
  const bool nanX = x != x, nanY = y != y;
  return static_cast<int>(nanX) - static_cast<int>(nanY);
}

template <class T>
static Fault unique(const Work& w) {
  const auto& p = w.as<UniqueParams>();
  const T* const x = w.at<const T>(5);
  const int64_t n = p.length;
  auto compare = [&](int64_t a, int64_t b) {
    for (int64_t o = 0; o < p.outer; o++) {
      const T* const row = x + o * n * p.inner;
      for (int64_t i = 0; i < p.inner; i++) {
        if (const int c = compareElements(row[a * p.inner + i], row[b * p.inner + i])) return c;
      }
    }
    return 0;
  };
  int64_t* const order = reinterpret_cast<int64_t*>(w.scratch);  // positions, equal slices side by side
  int64_t* const group = order + n;                              // where in `order` each group of equals begins
  for (int64_t k = 0; k < n; k++) order[k] = k;
  std::sort(order, order + n, [&](int64_t a, int64_t b) {
    const int c = compare(a, b);
    return c != 0 ? c < 0 : a < b;
  });
  int64_t count = 0;
  for (int64_t k = 0; k < n; k++) {
    if (k == 0 || compare(order[k - 1], order[k]) != 0) group[count++] = k;
  }
  *w.at<int64_t>(1) = count;

  int64_t* const first = w.at<int64_t>(2);
  int64_t* const inverse = w.at<int64_t>(3);
  int64_t* const counts = w.at<int64_t>(4);
  // A group lasts until its slice changes; that is all later loops need once groups change places.
  if (!p.sorted) std::sort(group, group + count, [&](int64_t a, int64_t b) { return order[a] < order[b]; });
  T* const y = w.at<T>(0);
  for (int64_t g = 0; g < count; g++) {
    const int64_t from = order[group[g]];
    for (int64_t o = 0; o < p.outer; o++) {
      std::memcpy(y + (o * count + g) * p.inner, x + (o * n + from) * p.inner,
                  static_cast<size_t>(p.inner) * sizeof(T));
    }
    int64_t k = group[g];
    do {
      if (inverse) inverse[order[k]] = g;
      k++;
    } while (k < n && compare(order[k], from) == 0);
    if (first) first[g] = from;
    if (counts) counts[g] = k - group[g];
  }
  std::memset(static_cast<void*>(y + p.outer * count * p.inner), 0,
              static_cast<size_t>(p.outer * (n - count) * p.inner) * sizeof(T));
  const size_t rest = static_cast<size_t>(n - count) * 8;
  if (first) std::memset(first + count, 0, rest);
  if (counts) std::memset(counts + count, 0, rest);
  return Fault::none;
}

Fault unique_f32_scalar(const Work& w) { return unique<float>(w); }
Fault unique_f64_scalar(const Work& w) { return unique<double>(w); }
Fault unique_f16_scalar(const Work& w) { return unique<F16>(w); }
Fault unique_bf16_scalar(const Work& w) { return unique<BF16>(w); }
Fault unique_i8_scalar(const Work& w) { return unique<int8_t>(w); }
Fault unique_u8_scalar(const Work& w) { return unique<uint8_t>(w); }
Fault unique_bool_scalar(const Work& w) { return unique<uint8_t>(w); }
Fault unique_i16_scalar(const Work& w) { return unique<int16_t>(w); }
Fault unique_u16_scalar(const Work& w) { return unique<uint16_t>(w); }
Fault unique_i32_scalar(const Work& w) { return unique<int32_t>(w); }
Fault unique_u32_scalar(const Work& w) { return unique<uint32_t>(w); }
Fault unique_i64_scalar(const Work& w) { return unique<int64_t>(w); }
Fault unique_u64_scalar(const Work& w) { return unique<uint64_t>(w); }

}  // namespace dsnk
