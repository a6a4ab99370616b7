// Folding up to 64 neighbouring columns over any rows; included after fold.inl. `rows`: the loops over the rows.
// A fold as columns see it: `map` is told which vector of the strip it works on.
template <class R>
struct Uniform : R {
  FOLD_INLINE F32 mapAt(F32 x, int) const { return R::map(x); }
};
struct Strip {
  F32 total[kFoldVecs], lost[kFoldVecs];
};

// `rows` rows of one strip of `width` ≤ 64 columns, folded into acc. Columns past the width are never loaded.
template <class R>
DSNK_INLINE void foldStripRows(const float* x, ReducedWalk& at, int64_t rows, int width, const R& r, F32* into) {
  constexpr int lanes = F32::lanes;
  if (width == kReduceWide) {
    F32 acc[kFoldVecs];
#pragma GCC unroll 16
    for (int v = 0; v < kFoldVecs; v++) acc[v] = into[v];
    for (int64_t i = 0; i < rows; i++, at.next()) {
      const float* row = x + at.offset();
#pragma GCC unroll 16
      for (int v = 0; v < kFoldVecs; v++) acc[v] = r.fold(acc[v], r.mapAt(F32::load(row + v * lanes), v));
    }
#pragma GCC unroll 16
    for (int v = 0; v < kFoldVecs; v++) into[v] = acc[v];
    return;
  }
  for (int64_t i = 0; i < rows; i++, at.next()) {
    const float* row = x + at.offset();
    for (int v = 0; v * lanes < width; v++) {
      const int left = width - v * lanes;
      const F32 e = left >= lanes ? F32::load(row + v * lanes) : F32::loadFirst(row + v * lanes, left);
      into[v] = r.fold(into[v], r.mapAt(e, v));
    }
  }
}

// Sums are kept in blocks of 32 rows, which join by an exact two-sum: the bound of a row's sum, whatever the height.
template <class R>
static void sumStrip(const Loops& rows, const float* x, int width, const R& r, Strip& strip) {
  F32 acc[kFoldVecs];
  for (int v = 0; v < kFoldVecs; v++) strip.total[v] = strip.lost[v] = F32::zero();
  ReducedWalk at(rows, 0);
  for (int64_t i = 0; i < rows.count; i += 32) {
    for (int v = 0; v < kFoldVecs; v++) acc[v] = F32::zero();
    foldStripRows(x, at, rows.count - i < 32 ? rows.count - i : 32, width, r, acc);
    for (int v = 0; v < kFoldVecs; v++) {
      const F32 t = strip.total[v] + acc[v];
      const F32 b = t - strip.total[v];
      strip.lost[v] = strip.lost[v] + ((strip.total[v] - (t - b)) + (acc[v] - b));
      strip.total[v] = t;
    }
  }
}

// The folds that round nothing worth correcting.
template <class R>
static void plainStrip(const Loops& rows, const float* x, int width, const R& r, Strip& strip) {
  for (int v = 0; v < kFoldVecs; v++) {
    strip.total[v] = r.identity();
    strip.lost[v] = F32::zero();
  }
  ReducedWalk at(rows, 0);
  foldStripRows(x, at, rows.count, width, r, strip.total);
}
