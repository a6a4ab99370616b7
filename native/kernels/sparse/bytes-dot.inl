// The product of quads is that of dense tiles.
template <class V>
DSNK_INLINE void accumulateBytes(V& acc, V a, V b) {
  accumulate(acc, a, b);
}
