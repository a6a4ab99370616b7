// Included by reduce_f32_<isa>.cc inside that ISA's region.

// Σ e^(x-shift), shift the maximum of what is summed.
struct ExpFold : SumFold {
  F32 shift;
  explicit ExpFold(float s) : shift(F32::set(s)) {}
  FOLD_INLINE F32 map(F32 x) const { return exp(x - shift); }
};

// What is still to be done to a finished fold. `peak`: the maximum, for logSumExp.
static float finishReduction(Reduction kind, double total, int64_t count, double peak) {
  switch (kind) {
    case Reduction::mean: return static_cast<float>(total / static_cast<double>(count));
    case Reduction::l2: return static_cast<float>(::sqrt(total));
    case Reduction::logSum: return static_cast<float>(::log(total));
    case Reduction::logSumExp:
      // an infinite (or NaN) maximum is the result: its distance to itself is no number
      return static_cast<float>(peak - peak == 0 ? ::log(total) + peak : peak);
    default: return static_cast<float>(total);
  }
}

template <class R>
DSNK_INLINE double reduceRows(const ReduceShape& s, const float* x, const R& r) {
  double total = R::start;
  ReducedWalk at(s.reduced, 0);
  for (int64_t i = 0; i < s.reduced.count; i++, at.next()) total = foldRow(total, x + at.offset(), s.n, r);
  return total;
}

static float reduceRow(const ReduceShape& s, Reduction kind, const float* x) {
  double total = 0, peak = 0;
  switch (kind) {
    case Reduction::max: total = reduceRows(s, x, MaxFold()); break;
    case Reduction::min: total = reduceRows(s, x, MinFold()); break;
    case Reduction::prod: total = reduceRows(s, x, ProdFold()); break;
    case Reduction::l1: total = reduceRows(s, x, AbsFold()); break;
    case Reduction::l2:
    case Reduction::sumSquare: total = reduceRows(s, x, PowerFold()); break;
    case Reduction::logSumExp:
      peak = reduceRows(s, x, MaxFold());
      if (peak - peak == 0) total = reduceRows(s, x, ExpFold(static_cast<float>(peak)));
      break;
    default: total = reduceRows(s, x, SumFold());
  }
  return finishReduction(kind, total, s.count(), peak);
}

// Σ e^(x-shift) with a shift per column.
struct ExpColumns : SumFold {
  const F32* shift;
  explicit ExpColumns(const F32* s) : shift(s) {}
  FOLD_INLINE F32 mapAt(F32 x, int v) const { return exp(x - shift[v]); }
};

static void reduceStrip(const ReduceShape& s, Reduction kind, const float* x, int width, float* y) {
  constexpr int lanes = F32::lanes;
  Strip strip;
  alignas(64) float peak[kReduceWide];
  switch (kind) {
    case Reduction::max: plainStrip(s.reduced, x, width, Uniform<MaxFold>(), strip); break;
    case Reduction::min: plainStrip(s.reduced, x, width, Uniform<MinFold>(), strip); break;
    case Reduction::prod: plainStrip(s.reduced, x, width, Uniform<ProdFold>(), strip); break;
    case Reduction::l1: sumStrip(s.reduced, x, width, Uniform<AbsFold>(), strip); break;
    case Reduction::l2:
    case Reduction::sumSquare: sumStrip(s.reduced, x, width, Uniform<PowerFold>(), strip); break;
    case Reduction::logSumExp: {
      plainStrip(s.reduced, x, width, Uniform<MaxFold>(), strip);
      F32 shift[kFoldVecs];
      for (int v = 0; v < kFoldVecs; v++) {
        shift[v] = strip.total[v];
        shift[v].store(peak + v * lanes);
      }
      sumStrip(s.reduced, x, width, ExpColumns(shift), strip);
      break;
    }
    default: sumStrip(s.reduced, x, width, Uniform<SumFold>(), strip);
  }
  alignas(64) float total[kReduceWide], lost[kReduceWide];
  for (int v = 0; v < kFoldVecs; v++) {
    strip.total[v].store(total + v * lanes);
    strip.lost[v].store(lost + v * lanes);
  }
  for (int c = 0; c < width; c++) {
    // after an infinity the correction is NaN and means nothing
    const double sum = static_cast<double>(total[c]) + (lost[c] == lost[c] ? static_cast<double>(lost[c]) : 0.0);
    y[c] = finishReduction(kind, sum, s.count(), kind == Reduction::logSumExp ? static_cast<double>(peak[c]) : 0.0);
  }
}

static Fault reduce(const Work& w) {
  const auto& p = w.as<ReduceParams>();
  const ReduceShape s(p);
  const auto kind = static_cast<Reduction>(p.kind);
  float* y = w.at<float>(0);
  const float* x = w.at<float>(1);
  const int64_t strips = s.columns ? ceilDiv(s.m, kReduceWide) : 1;
  const Range part = tileRange(s.kept.count * strips, w.tile, w.tiles);
  if (part.begin >= part.end) return Fault::none;
  ReducedWalk at(s.kept, part.begin / strips);
  int64_t strip = part.begin % strips, row = part.begin / strips;
  for (int64_t i = part.begin; i < part.end; i++) {
    if (s.columns) {
      const int64_t c = strip * kReduceWide;
      const int width = static_cast<int>(s.m - c < kReduceWide ? s.m - c : kReduceWide);
      reduceStrip(s, kind, x + at.offset() + c, width, y + row * s.m + c);
    } else {
      y[row] = reduceRow(s, kind, x + at.offset());
    }
    if (++strip == strips) {
      strip = 0;
      row++;
      at.next();
    }
  }
  return Fault::none;
}
