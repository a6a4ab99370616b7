// Computes  v ≈ w with zeros: of every `block` columns of a row, those with the least score, so many that `ratio` of the row up to there is
//           zero. Score: w²·importance; with factors U of the inverse Hessian (Uᵀ·U = H⁻¹), v²/U[k,k]²·importance, and what is taken from one k
//           goes on to those behind it: v[j] -= v[k]/U[k,k]·U[k,j]. With the gram matrix, v is then improved while (w-v)ᵀ·(H + damping)·(w-v)
//           becomes less: where two of four are zero, which two, by fours, then the rest by conjugate gradients
// Shapes    v, w: f32 [N,K]; factors: f64 [F,K,K]; importance: f32 [F,K]; gram: f32 [F,K,K], of N/F rows each
// Numerics  float64; equal scores: the first goes; scores that are NaN go last, and what is not finite gives values of no meaning, never
//           a fault
// Tiling    rows, which do not know of each other; K² a row for the zeros, K²/2 a step of conjugate gradients, K² a sweep over the fours, all
//           of it float64 as the compiler makes it: sums over calibration feeds take longer
// Packing   none
// Source    E. Frantar and D. Alistarh, SparseGPT: Massive Language Models Can Be Accurately Pruned in One-Shot (2023), without its blocks of
//           columns, as a row of v stays in the cache; M. Sun et al., A Simple and Effective Pruning Approach for Large Language
//           Models (2023), for w²·importance; the improvement is block coordinate descent over the six ways to keep two of four
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/fit/repair.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<PruneWeightsParams>();
  if (!isDim(p.n) || !isDim(p.k)) return "dimensions must be in [0, 2^40]";
  if (p.block < 1 || p.block > kMaxDim) return "block must be in [1, 2^40]";
  if (p.factors < 1 || p.factors > kMaxDim || p.n % p.factors != 0) return "factors must divide the rows";
  if (!(p.ratio >= 0 && p.ratio <= 1)) return "ratio must be in [0, 1]";
  if (p.sweeps < 0 || p.sweeps > 64 || p.steps < 0 || p.steps > 1024)
    return "sweeps must be in [0, 64], steps in [0, 1024]";
  const Size elements = Size(p.n) * Size(p.k) * Size(4);
  if (!elements.fits(c.operandBytes[0]) || !elements.fits(c.operandBytes[1])) return "v and w must hold n rows of k";
  const Size squares = Size(p.factors) * Size(p.k) * Size(p.k);
  if (c.has(2) && !(squares * Size(8)).fits(c.operandBytes[2])) return "factors must hold their matrices";
  if (c.has(3) && !(Size(p.factors) * Size(p.k) * Size(4)).fits(c.operandBytes[3]))
    return "importance must hold its rows";
  if (c.has(4) && !(squares * Size(4)).fits(c.operandBytes[4])) return "gram must hold its matrices";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const PruneWeightsParams*>(params);
  return p.k == 0 ? 0 : tilesFor(p.n, p.k * 64, threads);
}

// What an element of a block loses when it becomes zero, as an integer whose order is that of the score.
struct Candidate {
  uint64_t loss;
  int64_t k;
};

// v, and four rows of the repair; candidates stand where those will be.
static uint64_t scratchBytes(const Kernel&, const void* params) {
  const auto& p = *static_cast<const PruneWeightsParams*>(params);
  return p.n == 0 ? 0 : static_cast<uint64_t>(p.k) * 8 * 5;
}

extern const Contract prune_weights_contract{"prune_weights", "wrooo", 0,     sizeof(PruneWeightsParams),
                                             false,           verify,  tiles, scratchBytes};

// The bits of a positive number order as it does, NaN last. Not by std::bit_cast: the oldest library we build with has none.
static uint64_t orderOf(double x) {
  uint64_t bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

struct RowToPrune {
  const PruneWeightsParams& p;
  double* v;
  Candidate* candidates;

  int64_t zeros(int64_t columns) const {
    return static_cast<int64_t>(std::floor(static_cast<double>(p.ratio) * static_cast<double>(columns) + 0.5));
  }

  // Zeros the worst of columns [begin, end), and gives what they were to later columns.
  void pruneBlock(int64_t begin, int64_t end, const double* factor, const float* importance) const {
    const int64_t width = end - begin, count = zeros(end) - zeros(begin);
    for (int64_t i = 0; i < width; i++) {
      const int64_t k = begin + i;
      const double weight = importance == nullptr ? 1.0 : static_cast<double>(importance[k]);
      const double size = factor == nullptr ? v[k] : v[k] / factor[k * p.k + k];
      candidates[i] = {orderOf(std::fabs(size * size * weight)), k};
    }
    const auto less = [](const Candidate& a, const Candidate& b) {
      return a.loss != b.loss ? a.loss < b.loss : a.k < b.k;
    };
    if (count < width) std::nth_element(candidates, candidates + count, candidates + width, less);
    if (factor == nullptr) {
      for (int64_t i = 0; i < count; i++) v[candidates[i].k] = 0;
      return;
    }
    // In the order of columns: an error only goes on to later ones.
    std::sort(candidates, candidates + count, [](const Candidate& a, const Candidate& b) { return a.k < b.k; });
    for (int64_t i = 0; i < count; i++) {
      const int64_t k = candidates[i].k;
      const double* u = factor + k * p.k;
      const double error = v[k] / u[k];
      for (int64_t j = k + 1; j < p.k; j++) v[j] -= error * u[j];
    }
    for (int64_t i = 0; i < count; i++) v[candidates[i].k] = 0;
  }
};

Fault prune_weights_scalar(const Work& w) {
  const auto& p = w.as<PruneWeightsParams>();
  auto* v = reinterpret_cast<double*>(w.scratch);
  const auto of = [&](int operand, int64_t part, int64_t size, auto one) -> const decltype(one)* {
    return w.operand[operand] == nullptr ? nullptr : w.at<const decltype(one)>(operand) + part * size;
  };
  const RowToPrune row{p, v, reinterpret_cast<Candidate*>(v + p.k)};
  const Range rows = tileRange(p.n, w.tile, w.tiles);
  for (int64_t i = rows.begin; i < rows.end; i++) {
    const int64_t part = i / (p.n / p.factors);
    const auto* from = w.at<const float>(1) + i * p.k;
    auto* to = w.at<float>(0) + i * p.k;
    for (int64_t k = 0; k < p.k; k++) v[k] = static_cast<double>(from[k]);
    const auto* factor = of(2, part, p.k * p.k, double());
    const auto* importance = of(3, part, p.k, float());
    for (int64_t begin = 0; begin < p.k; begin += p.block)
      row.pruneBlock(begin, p.k - begin < p.block ? p.k : begin + p.block, factor, importance);
    if (const auto* gram = of(4, part, p.k * p.k, float())) {
      const Repair repair{p, from, DampedGram(gram, p.k, static_cast<double>(p.damping)), v, v + p.k};
      repair.run();
    }
    for (int64_t k = 0; k < p.k; k++) to[k] = static_cast<float>(v[k]);
  }
  return Fault::none;
}

}  // namespace dsnk
