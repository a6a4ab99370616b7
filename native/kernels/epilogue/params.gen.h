// Generated from lib/kernels/epilogue.ts by scripts/generate-params.mjs; do not edit.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

enum class Activation : int32_t {
  none = 0,
  relu = 1,
  clip = 2,
  leakyRelu = 3,
  elu = 4,
  sigmoid = 5,
  hardSigmoid = 6,
  silu = 7,
  hardSwish = 8,
  tanh = 9,
  gelu = 10,
  geluTanh = 11,
  softplus = 12,
  mish = 13,
};
constexpr int32_t kActivationCount = 14;

}  // namespace dsnk
