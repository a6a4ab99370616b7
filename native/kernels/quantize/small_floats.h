// The small floats among the types of quantization, for rows of processors and of GPUs.
#pragma once
#include "kernels/cast/small_float.h"
#include "kernels/quantize/params.gen.h"

namespace dsnk {

DSNK_ANYWHERE bool isSmallFloat(QuantType t) { return t >= QuantType::f8e4m3fn; }
DSNK_ANYWHERE SmallFloat smallFloatOf(QuantType t) {
  switch (t) {
    case QuantType::f8e4m3fn: return smallFloat(CastType::f8e4m3fn);
    case QuantType::f8e4m3fnuz: return smallFloat(CastType::f8e4m3fnuz);
    case QuantType::f8e5m2: return smallFloat(CastType::f8e5m2);
    case QuantType::f8e5m2fnuz: return smallFloat(CastType::f8e5m2fnuz);
    default: return smallFloat(CastType::f4e2m1);
  }
}

}  // namespace dsnk
