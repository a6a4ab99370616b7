// The scale and zero point of one group of weights.
#pragma once
#include <cmath>

#include "kernels/fit/params.gen.h"

namespace dsnk {

// w ≈ (code - zero)·scale, codes 0 … most. Zero is a whole code, so that 0 is exact.
struct Levels {
  double scale;
  int zero, most;

  int code(double v) const {
    const double q = std::nearbyint(v / scale) + zero;
    return q > 0 ? q < most ? static_cast<int>(q) : most : 0;
  }
  double value(int code) const { return (code - zero) * scale; }
};

// Scales are float32, never so small that dividing by them overflows.
inline double scaleOf(double x) {
  const auto s = static_cast<float>(x);
  return s > 1e-30f ? s < 3e38f ? s : 3e38f : 1e-30f;
}

// The levels that cover [low·shrink, high·shrink].
inline Levels covering(double low, double high, double shrink, int bits, bool symmetric) {
  const int most = (1 << bits) - 1, middle = 1 << (bits - 1);
  if (symmetric) {
    const double top = -low > high ? -low : high;
    return {top > 0 ? scaleOf(top * shrink / (middle - 1)) : 1, middle, most};
  }
  if (!(high > low)) return {1, 0, most};
  const double scale = scaleOf((high - low) * shrink / most);
  const double zero = std::nearbyint(-low * shrink / scale);
  return {scale, static_cast<int>(zero > 0 ? zero < most ? zero : most : 0), most};
}

struct Group {
  const double* w;
  const double* importance;  // nullptr = all alike
  int64_t n;

  double weight(int64_t i) const { return importance == nullptr ? 1.0 : importance[i]; }
  double squares(const Levels& l) const {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
      const double e = w[i] - l.value(l.code(w[i]));
      sum += weight(i) * e * e;
    }
    return sum;
  }
  double roots(const Levels& l) const {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += weight(i) * std::pow(std::fabs(w[i] - l.value(l.code(w[i]))), 0.7);
    return sum;
  }
  // The scale of least squares for the codes that these levels give.
  Levels refit(Levels l) const {
    double top = 0, bottom = 0;
    for (int64_t i = 0; i < n; i++) {
      const double c = l.code(w[i]) - l.zero;
      top += weight(i) * c * w[i];
      bottom += weight(i) * c * c;
    }
    if (bottom > 0 && top > 0) l.scale = scaleOf(top / bottom);
    return l;
  }
};

// Shrunken ranges, then the neighbouring zero points, then codes and scale in turn.
inline Levels leastSquares(const Group& g, double low, double high, int bits, bool symmetric) {
  Levels best = covering(low, high, 1, bits, symmetric);
  double error = g.squares(best);
  const auto attempt = [&](const Levels& l) {
    const double e = g.squares(l);
    if (!(e < error)) return false;
    best = l;
    error = e;
    return true;
  };
  for (int i = 1; i <= 34; i++) attempt(covering(low, high, 1 - 0.02 * i, bits, symmetric));
  for (int round = 0; round < 4; round++) {
    bool better = attempt(g.refit(best));
    for (int step = -1; step <= 1 && !symmetric; step += 2) {
      Levels moved = best;
      moved.zero += step;
      if (moved.zero < 0 || moved.zero > moved.most) continue;
      better = attempt(moved) || better;
      better = attempt(g.refit(moved)) || better;
    }
    if (!better) break;
  }
  return best;
}

// Half-quadratic splitting: w - e ≈ (code - zero)·scale, where e takes the large errors (the shrinkage of |·|^0.7), scale and zero point
// the closed form of the rest, and the weight of the difference grows.
inline Levels halfQuadratic(const Group& g, double low, double high, int bits, bool symmetric) {
  Levels l = covering(low, high, 1, bits, symmetric);
  Levels best = l;
  double error = g.roots(l);
  const double unit = l.scale;  // errors in steps of the first scale, so that one schedule fits all weights
  double beta = 10;
  for (int round = 0; round < 24; round++, beta *= 1.1) {
    const auto rest = [&](double v, int code) {
      const double e = (v - l.value(code)) / unit, size = std::fabs(e);
      const double kept = size > 0 ? size - 0.7 / beta * std::pow(size, -0.3) : 0;
      return v - (kept > 0 ? std::copysign(kept, e) * unit : 0);
    };
    double top = 0, bottom = 0;
    for (int64_t i = 0; i < g.n; i++) {
      const int code = l.code(g.w[i]);
      const double c = code - l.zero;
      top += g.weight(i) * c * rest(g.w[i], code);
      bottom += g.weight(i) * c * c;
    }
    if (bottom > 0 && top > 0) l.scale = scaleOf(top / bottom);
    if (!symmetric) {
      double sum = 0, weights = 0;
      for (int64_t i = 0; i < g.n; i++) {
        const int code = l.code(g.w[i]);
        sum += g.weight(i) * (code - rest(g.w[i], code) / l.scale);
        weights += g.weight(i);
      }
      const double zero = weights > 0 ? std::nearbyint(sum / weights) : l.zero;
      l.zero = static_cast<int>(zero > 0 ? zero < l.most ? zero : l.most : 0);
    }
    const double e = g.roots(l);
    if (e < error) {
      best = l;
      error = e;
    }
  }
  return best;
}

inline Levels fitGroup(const Group& g, int bits, bool symmetric, FitAlgorithm algorithm) {
  double low = 0, high = 0;
  for (int64_t i = 0; i < g.n; i++) {
    low = g.w[i] < low ? g.w[i] : low;
    high = g.w[i] > high ? g.w[i] : high;
  }
  if (algorithm == FitAlgorithm::rtn || !(high > low)) return covering(low, high, 1, bits, symmetric);
  if (algorithm == FitAlgorithm::mse) return leastSquares(g, low, high, bits, symmetric);
  return halfQuadratic(g, low, high, bits, symmetric);
}

}  // namespace dsnk
