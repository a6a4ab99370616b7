#include "kernels/epilogue/params.gen.h"
#include "kernels/stem/stem.h"

#include "simd/scalar-begin.h"
#include "kernels/stem/stem.inl"
#include "simd/scalar-end.h"

namespace dsnk {

Fault stem_f32_scalar(const Work& w) { return scalar::runStem(w); }

}  // namespace dsnk
