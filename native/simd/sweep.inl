// Sweeps over contiguous floats, for use inside an ISA region.

DSNK_INLINE F32 loadSome(const float* p, int n) { return n == F32::lanes ? F32::load(p) : F32::loadFirst(p, n); }
DSNK_INLINE void storeSome(F32 x, float* p, int n) {
  if (n == F32::lanes)
    x.store(p);
  else
    x.storeFirst(p, n);
}
// Calls f(offset, lanes) over n elements: whole vectors, then what is left.
template <class F>
DSNK_INLINE void eachVector(int64_t n, F f) {
  int64_t i = 0;
  for (; i + F32::lanes <= n; i += F32::lanes) f(i, F32::lanes);
  if (i < n) f(i, static_cast<int>(n - i));
}
