#if defined(__x86_64__)
#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/table/params.gen.h"
#include "simd/avx2-begin.h"
#include "kernels/table/look-avx2.inl"
#include "simd/avx2-end.h"

namespace dsnk {
Fault byte_table_avx2(const Work& w) {
  const Range r = tileRange(w.as<ByteTableParams>().count, w.tile, w.tiles, 1024);
  avx2::lookUp(w.at<const uint8_t>(1) + r.begin, w.at<uint8_t>(0) + r.begin, w.at<const uint8_t>(2), r.end - r.begin);
  return Fault::none;
}
}  // namespace dsnk
#endif
