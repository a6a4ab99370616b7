// What is left of a pruned row makes up for what is gone: eᵀ·H·e with e = w - v becomes least, over the values of v that are not zero and,
// where two of four are zero, over which two.
#pragma once
#include <cmath>

#include "kernels/fit/gram.h"
#include "kernels/fit/params.gen.h"

namespace dsnk {

struct Repair {
  const PruneWeightsParams& p;
  const float* w;
  DampedGram h;
  double* v;        // a zero is one that was pruned
  double* scratch;  // 4·K

  void run() const {
    double *pull = scratch, *step = pull + p.k, *product = step + p.k, *kept = product + p.k;
    for (int64_t k = 0; k < p.k; k++) {
      pull[k] = 0;
      kept[k] = v[k] != 0 ? 1 : 0;
    }
    for (int64_t k = 0; k < p.k; k++) {
      if (const double e = static_cast<double>(w[k]) - v[k]; e != 0) h.add(pull, k, e);
    }
    const bool pairs = p.block == 4 && p.ratio == 0.5f && p.k % 4 == 0;
    // Every descent ends at the same size of what is still to gain, and those between two sweeps early: the last one goes on.
    double enough = -1;
    descend(pull, step, product, kept, p.steps, &enough);
    for (int32_t sweep = 0; pairs && sweep < p.sweeps; sweep++) {
      bool moved = false;
      for (int64_t begin = 0; begin < p.k; begin += 4) moved = choosePair(begin, pull, kept) || moved;
      if (!moved) break;
      descend(pull, step, product, kept, (p.steps + 7) / 8, &enough);
    }
    if (pairs && p.sweeps > 0) descend(pull, step, product, kept, p.steps, &enough);
  }

  // The best two of four and their values, all other fours as they are.
  bool choosePair(int64_t begin, double* pull, double* kept) const {
    const double* is = v + begin;
    double want[4];  // what the four would be pulled by if they were zero
    for (int64_t i = 0; i < 4; i++) {
      want[i] = pull[begin + i];
      for (int64_t j = 0; j < 4; j++) want[i] += h.at(begin + i, begin + j) * is[j];
    }
    struct Pair {
      int64_t a, b;
      double x, y, gain;
    };
    const auto solve = [&](int64_t a, int64_t b) {
      const double aa = h.diagonal(begin + a), bb = h.diagonal(begin + b), ab = h.at(begin + a, begin + b);
      const double x = (bb * want[a] - ab * want[b]) / (aa * bb - ab * ab);
      const double y = (aa * want[b] - ab * want[a]) / (aa * bb - ab * ab);
      return Pair{a, b, x, y, x * want[a] + y * want[b]};
    };
    int64_t first = 0, second = 3;
    while (first < 3 && kept[begin + first] == 0) first++;
    while (second > first + 1 && kept[begin + second] == 0) second--;
    if (first == 3) first = 2;
    const Pair before = solve(first, second);
    Pair best = before;
    for (int64_t a = 0; a < 4; a++) {
      for (int64_t b = a + 1; b < 4; b++) {
        // More than what rounding makes of equal pairs, or they would change places for ever.
        if (const Pair pair = solve(a, b); pair.gain > best.gain * (1 + 1e-9)) best = pair;
      }
    }
    if (best.gain == before.gain) return false;
    for (int64_t i = 0; i < 4; i++) {
      const double to = i == best.a ? best.x : i == best.b ? best.y : 0;
      kept[begin + i] = i == best.a || i == best.b ? 1 : 0;
      if (const double change = to - v[begin + i]; change != 0) h.add(pull, begin + i, -change);
      v[begin + i] = to;
    }
    return true;
  }

  // Conjugate gradients on what is kept, each k in units of its own diagonal. `enough` is found by the first.
  void descend(double* pull, double* step, double* product, const double* kept, int32_t steps, double* enough) const {
    double size = 0;
    for (int64_t k = 0; k < p.k; k++) {
      step[k] = kept[k] * pull[k] / h.diagonal(k);
      size += step[k] * pull[k];
    }
    if (*enough < 0) *enough = size * 1e-10;
    for (int32_t i = 0; i < steps && size > *enough; i++) {
      for (int64_t k = 0; k < p.k; k++) product[k] = 0;
      for (int64_t k = 0; k < p.k; k++) {
        if (step[k] != 0) h.add(product, k, step[k]);
      }
      double bend = 0;
      for (int64_t k = 0; k < p.k; k++) bend += step[k] * product[k];
      if (!(bend > 0)) return;
      const double length = size / bend;
      double next = 0;
      for (int64_t k = 0; k < p.k; k++) {
        v[k] += length * step[k];
        pull[k] -= length * product[k];
        next += kept[k] * pull[k] * pull[k] / h.diagonal(k);
      }
      for (int64_t k = 0; k < p.k; k++) step[k] = kept[k] * pull[k] / h.diagonal(k) + next / size * step[k];
      size = next;
    }
  }
};

}  // namespace dsnk
