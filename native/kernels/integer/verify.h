// What must hold of the parameters of an ending (ending.inl), whatever the sums come from.
#pragma once
#include <initializer_list>

#include "kernels/integer/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

inline bool isIntegerByte(int32_t x) { return x >= 0 && x <= 255; }

template <class P>
inline Size integerElementBytes(const P& p) {
  return p.output == static_cast<int32_t>(IntegerOutput::u8) ? 1 : 4;
}

// For n columns of all groups together; the rows of y are known to be sound. Operands 3 … 6 are bias, multipliers,
// residual, addend.
template <class P>
inline const char* verifyIntegerEnding(const P& p, const Check& c, int64_t columns, Size residual) {
  if (p.output < 0 || p.output >= kIntegerOutputCount) return "output must be a member of IntegerOutput";
  if ((p.perColumn | 1) != 1) return "flags must be 0 or 1";
  for (int32_t x : {p.zero, p.low, p.high, p.sumZero, p.sumLow, p.sumHigh, p.residualZero}) {
    if (!isIntegerByte(x)) return "zero points and bounds must be bytes";
  }
  if (p.low > p.high || p.sumLow > p.sumHigh) return "the lower bound must not be above the upper one";
  if (!(Size(columns) * Size(4)).fits(c.operandBytes[3])) return "bias must hold the columns";
  const auto output = static_cast<IntegerOutput>(p.output);
  if (output != IntegerOutput::i32 && !(Size(p.perColumn != 0 ? columns : 1) * Size(4)).fits(c.operandBytes[4]))
    return "multipliers must be one, or one per column";
  if (c.has(5) && output != IntegerOutput::u8) return "only bytes take a residual";
  if (c.has(5) && !residual.fits(c.operandBytes[5])) return "residual must hold its strides";
  if (c.has(6) && output != IntegerOutput::f32) return "only floats take an addend";
  if (c.has(6) && !(Size(columns) * Size(4)).fits(c.operandBytes[6])) return "addend must hold the columns";
  return nullptr;
}

}  // namespace dsnk
