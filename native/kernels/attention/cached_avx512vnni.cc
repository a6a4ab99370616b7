// cached.inl for caches of bytes with AVX-512 VNNI.
#if defined(__x86_64__)
#include "kernels/attention/cached.h"
#include "kernels/epilogue/params.gen.h"
#include "kernels/kernel.h"
#include "simd/avx512vnni-begin.h"
//
#include "kernels/epilogue/activation.inl"
#include "kernels/gemm/micro.inl"
//
#include "kernels/attention/cached-block.inl"
#include "kernels/attention/soften.inl"
//
#include "kernels/attention/cached-bytes-avx512vnni.inl"
#include "kernels/attention/cached.inl"
#include "simd/avx512vnni-end.h"

namespace dsnk {
Fault attention_cached_i8_avx512(const Work& w);

// Many queries are multiplied as floats; sums of products of wider rows would leave an int32.
Fault attention_cached_i8_avx512vnni(const Work& w) {
  const auto& p = w.as<CachedAttentionParams>();
  return cachedPacks(p) || p.width > 512 ? attention_cached_i8_avx512(w)
                                         : avx512vnni::cachedFew(w, avx512vnni::kByteLoops);
}
}  // namespace dsnk
#endif
