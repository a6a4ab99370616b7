// Computes  y[i] = program(x0[i'], x1[i'], …), see pointwise.cc
// Shapes    as there
// Numerics  those of the scalar rows' operators; elementary functions are CUDA's (float: 1 to 4 ulp)
// Tiling    a thread takes four neighbouring elements through all steps. Registers of the program lie in shared memory,
//           16 bytes (of floats) a thread side by side, for an index that is not constant would put them into local
//           memory; the result of the step before stays in real registers as well. Inputs that have all dimensions, or
//           none, need no coordinates; for others the four elements are one run of an innermost row where that has a
//           multiple of four, else each is found by itself
// Packing   none
// Source    own design
#include "kernels/pointwise/steps.cuh"

namespace dsnk {

// The parameters and the most words that may follow them: 16 inputs, 64 immediates, 64 steps of four.
struct PointwiseProgram : PointwiseParams {
  uint32_t tail[16 + 64 + 4 * 64];
};

constexpr int kRun = 4;

// Aligned so that it is one or two vectors of memory.
template <class T>
struct alignas(sizeof(T) * kRun < 16 ? sizeof(T) * kRun : 16) Run {
  T v[kRun];
};

// Four elements of another type than the row's, or one of them.
template <class T>
__device__ __forceinline__ T elementOf(PointwiseType type, const std::byte* x, int64_t at, T) {
  if (type == PointwiseType::own) return reinterpret_cast<const T*>(x)[at];
  return static_cast<T>(static_cast<uint8_t>(x[at]) != 0);
}
__device__ __forceinline__ float elementOf(PointwiseType type, const std::byte* x, int64_t at, float) {
  switch (type) {
    case PointwiseType::own: return reinterpret_cast<const float*>(x)[at];
    case PointwiseType::boolean: return static_cast<uint8_t>(x[at]) != 0 ? 1.0f : 0.0f;
    case PointwiseType::half: return to_float(reinterpret_cast<const half*>(x)[at]);
    case PointwiseType::bfloat: return to_float(reinterpret_cast<const bfloat*>(x)[at]);
    case PointwiseType::byte: return static_cast<float>(static_cast<uint8_t>(x[at]));
    default: return static_cast<float>(reinterpret_cast<const int8_t*>(x)[at]);
  }
}

template <class T>
__device__ __forceinline__ Run<T> runOf(PointwiseType type, const std::byte* x, int64_t at) {
  Run<T> r;
  if (type == PointwiseType::own) {
    const T* from = reinterpret_cast<const T*>(x) + at;
    if (isAligned(from, alignof(Run<T>))) {
      return *reinterpret_cast<const Run<T>*>(from);
    }
  }
  DSNK_UNROLLED
  for (int k = 0; k < kRun; k++) r.v[k] = elementOf(type, x, at + k, T{});
  return r;
}

template <class T>
__device__ __forceinline__ void store(PointwiseType type, std::byte* y, int64_t at, T v) {
  if (type == PointwiseType::own)
    reinterpret_cast<T*>(y)[at] = v;
  else
    y[at] = static_cast<std::byte>(v != 0);
}
__device__ __forceinline__ void store(PointwiseType type, std::byte* y, int64_t at, float v) {
  switch (type) {
    case PointwiseType::own: reinterpret_cast<float*>(y)[at] = v; break;
    case PointwiseType::boolean: y[at] = static_cast<std::byte>(v != 0); break;
    case PointwiseType::half: reinterpret_cast<half*>(y)[at] = from_float<half>(v); break;
    case PointwiseType::bfloat: reinterpret_cast<bfloat*>(y)[at] = from_float<bfloat>(v); break;
    // NaN and what is too small become the least, as vectors pack them
    default: {
      const float low = type == PointwiseType::byte ? 0.0f : -128.0f, high = low + 255.0f;
      y[at] = static_cast<std::byte>(static_cast<int32_t>(v > high ? high : v > low ? v : low));
      break;
    }
  }
}

// The offset in an input of the element with linear index i of the output.
__device__ __forceinline__ int64_t offsetOf(const PointwiseProgram& p, uint32_t mask, int64_t i) {
  int64_t offset = 0, stride = 1;
  for (int32_t d = p.rank - 1; d >= 0; d--) {
    const Quotient at = divide(i, p.dims[d]);
    i = at.whole;
    if (mask >> d & 1) {
      offset += at.rest * stride;
      stride *= p.dims[d];
    }
  }
  return offset;
}

template <class T>
__device__ __forceinline__ Run<T> fetch(const GpuWork& work, const PointwiseProgram& p, uint32_t input, int64_t i,
                                        int count) {
  const uint32_t word = p.tail[input], mask = word & 0xff;
  const auto type = static_cast<PointwiseType>(word >> 8);
  const std::byte* x = work.at<std::byte>(input + 1);
  const uint32_t last = 1u << (p.rank - 1), all = last | (last - 1);
  Run<T> r;
  if (mask == 0 || (mask & last) == 0) {
    if (mask == 0 || p.dims[p.rank - 1] % kRun == 0) {
      const T v = elementOf(type, x, mask == 0 ? 0 : offsetOf(p, mask, i), T{});
      DSNK_UNROLLED
      for (int k = 0; k < kRun; k++) r.v[k] = v;
      return r;
    }
  } else if (count == kRun && (mask == all || p.dims[p.rank - 1] % kRun == 0)) {
    return runOf<T>(type, x, mask == all ? i : offsetOf(p, mask, i));
  }
  DSNK_UNROLLED
  for (int k = 0; k < kRun; k++) {
    r.v[k] = T{};
    if (k < count) r.v[k] = elementOf(type, x, mask == all ? i + k : offsetOf(p, mask, i + k), T{});
  }
  return r;
}

template <class T>
__device__ __forceinline__ void interpret(const GpuWork& work, const PointwiseProgram& p) {
  auto* const mine = reinterpret_cast<Run<T>*>(shared_memory()) + threadIdx.x;  // [register][thread]
  int64_t n = 1;
  for (int32_t d = 0; d < p.rank; d++) n *= p.dims[d];
  const auto outputType = static_cast<PointwiseType>(p.outputType);
  for (int64_t i = firstIndex() * kRun; i < n; i += indexStep() * kRun) {
    const int count = n - i < kRun ? static_cast<int>(n - i) : kRun;
    Run<T> result{};
    uint32_t held = ~0u;  // the register whose value is in `result`
    const auto operand = [&](uint32_t source) {
      const uint32_t index = source & 0xffffff;
      switch (static_cast<PointwiseSource>(source >> 24)) {
        case PointwiseSource::register_: return index == held ? result : mine[index * blockDim.x];
        case PointwiseSource::input: return fetch<T>(work, p, index, i, count);
        case PointwiseSource::immediate: {
          const T v = immediateOf(bitsAs<float>(p.tail[static_cast<uint32_t>(p.inputs) + index]), T{});
          Run<T> r;
          DSNK_UNROLLED
          for (int k = 0; k < kRun; k++) r.v[k] = v;
          return r;
        }
        default: return Run<T>{};
      }
    };
    DSNK_ROLLED
    for (int32_t s = 0; s < p.steps; s++) {
      const uint32_t* step = p.tail + p.inputs + p.immediates + 4 * s;
      const auto op = static_cast<PointwiseOp>(step[0] & 0xffff);
      const Run<T> a = operand(step[1]), b = operand(step[2]), c = operand(step[3]);
      Run<T> r;
      if (isRareOf<T>(op)) {
        const Run<T> from[3] = {a, b, c};
        DSNK_ROLLED
        for (int k = 0; k < count; k++) {
          if (divides<T>(op) && from[1].v[k] == T{0}) fault(work, Fault::divisionByZero);
          r.v[k] = rareStep(op, from[0].v[k], from[1].v[k], from[2].v[k]);
        }
      } else {
        withStep(op, T{}, [&](auto f) {
          DSNK_UNROLLED
          for (int k = 0; k < kRun; k++) r.v[k] = f(a.v[k], b.v[k], c.v[k]);
        });
      }
      result = r;
      held = step[0] >> 16;
      if (s + 1 < p.steps) mine[held * blockDim.x] = r;
    }
    std::byte* const y = work.at<std::byte>(0);
    T* const to = reinterpret_cast<T*>(y) + i;
    if (outputType == PointwiseType::own && count == kRun && isAligned(to, alignof(Run<T>))) {
      *reinterpret_cast<Run<T>*>(to) = result;
    } else {
      DSNK_UNROLLED
      for (int k = 0; k < kRun; k++)
        if (k < count) store(outputType, y, i + k, result.v[k]);
    }
  }
}

DSNK_ENTRY(256, 2, pointwise_f32, PointwiseProgram) { interpret<float>(work, params); }
DSNK_ENTRY(256, 2, pointwise_i32, PointwiseProgram) { interpret<int32_t>(work, params); }
DSNK_ENTRY(256, 2, pointwise_i64, PointwiseProgram) { interpret<int64_t>(work, params); }
DSNK_ENTRY(256, 2, pointwise_u8, PointwiseProgram) { interpret<uint8_t>(work, params); }

}  // namespace dsnk
