// Computes  nothing of use: 12 independent chains of products of bytes (or of what they are widened to), added up in lanes
//           of 32 bits
// Shapes    y: 64 bytes a tile (so that no loop can be left out)
// Numerics  none
// Tiling    as probe.inl
// Packing   none
// Source    none
//
// Needs: addProducts(sums, ones), one step of a chain by the ISA's own instructions, as often as it is called: `ones` has
// bytes of 1, and where no asm does the step, the compiler must not see that all products are the same.

static Fault probeDot(const Work& w) {
  constexpr int chains = 12;
  const auto& p = w.as<ProbeFmaParams>();
  I32 t[chains];
  _Pragma("GCC unroll 32") for (int i = 0; i < chains; i++) t[i] = I32::set(i);
  I32 ones = I32::set(0x01010101);
  for (int64_t n = p.iterations; n > 0; n--) {
    _Pragma("GCC unroll 32") for (int i = 0; i < chains; i++) addProducts(t[i], ones);
  }
  I32 s = t[0];
  _Pragma("GCC unroll 32") for (int i = 1; i < chains; i++) s = s + t[i];
  s.store(w.at<int32_t>(0) + static_cast<int64_t>(w.tile) * 16);
  return Fault::none;
}
