// acc += a·b over quads of signed bytes.
DSNK_INLINE void accumulateBytes(F32& acc, F32 a, F32 b) {
  const int8x16_t x = vreinterpretq_s8_f32(a.v), w = vreinterpretq_s8_f32(b.v);
#ifdef DSNK_SPARSE_DOT
  asm("sdot %0.4s, %1.16b, %2.16b" : "+w"(acc.v) : "w"(x), "w"(w));
#else
  const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(x), vget_low_s8(w)));
  const int32x4_t high = vpaddlq_s16(vmull_high_s8(x, w));
  acc = {vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(acc.v), vpaddq_s32(low, high)))};
#endif
}
