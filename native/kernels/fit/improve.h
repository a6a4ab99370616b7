// Coordinate descent on the codes and scales of one row: each is moved to where eᵀ·H·e is least while all others stay, e = w - ŵ.
#pragma once
#include "kernels/fit/group.h"

namespace dsnk {

struct Improvement {
  const FitWeightsParams& p;
  const float* w;
  const float* gram;  // [K,K], symmetric
  uint8_t* codes;
  float* scales;
  const uint8_t* zeros;
  double *error, *pull, *product;  // scratch: e, H·e, and H times the codes of a group

  // What factor_hessian adds to the diagonal. Inputs that were always 0 count as 1.
  double extra() const {
    double mean = 0;
    for (int64_t k = 0; k < p.k; k++) mean += gram[k * p.k + k] != 0 ? gram[k * p.k + k] : 1.0;
    return static_cast<double>(p.damping) * mean / static_cast<double>(p.k);
  }

  void run() const {
    const double damping = extra();
    for (int64_t k = 0; k < p.k; k++) {
      const int64_t g = k / p.group;
      error[k] = static_cast<double>(w[k]) - (codes[k] - zeros[g]) * static_cast<double>(scales[g]);
    }
    for (int64_t k = 0; k < p.k; k++) pull[k] = 0;
    for (int64_t k = 0; k < p.k; k++) add(pull, k, error[k], damping);
    for (int32_t sweep = 0; sweep < p.sweeps; sweep++) {
      bool moved = false;
      for (int64_t k = 0; k < p.k; k++) moved = moveCode(k, damping) || moved;
      if (!moved && sweep > 0) break;
      for (int64_t begin = 0; begin < p.k; begin += p.group) moveScale(begin, damping);
    }
  }

  double diagonal(int64_t k, double damping) const {
    return (gram[k * p.k + k] != 0 ? gram[k * p.k + k] : 1.0) + damping;
  }

  // to += factor · column k of H
  void add(double* to, int64_t k, double factor, double damping) const {
    const float* column = gram + k * p.k;
    for (int64_t j = 0; j < p.k; j++) to[j] += factor * column[j];
    to[k] += factor * (diagonal(k, damping) - column[k]);
  }

  bool moveCode(int64_t k, double damping) const {
    const int64_t g = k / p.group;
    const Levels levels{static_cast<double>(scales[g]), zeros[g], (1 << p.bits) - 1};
    const double is = levels.value(codes[k]), best = is + pull[k] / diagonal(k, damping);
    const int code = levels.code(best);
    const double step = levels.value(code) - is;
    if (!(std::fabs(best - is - step) < std::fabs(best - is))) return false;
    codes[k] = static_cast<uint8_t>(code);
    error[k] -= step;
    add(pull, k, -step, damping);
    return true;
  }

  void moveScale(int64_t begin, double damping) const {
    const int64_t g = begin / p.group, end = p.k - begin < p.group ? p.k : begin + p.group;
    for (int64_t j = 0; j < p.k; j++) product[j] = 0;
    double top = 0, bottom = 0;
    for (int64_t k = begin; k < end; k++) {
      const double c = codes[k] - zeros[g];
      if (c == 0) continue;
      add(product, k, c, damping);
      top += c * pull[k];
    }
    for (int64_t k = begin; k < end; k++) bottom += (codes[k] - zeros[g]) * product[k];
    const double is = static_cast<double>(scales[g]), to = is + top / bottom;
    if (!(bottom > 0) || !(to > 0)) return;
    const double step = scaleOf(to) - is;
    scales[g] = static_cast<float>(scaleOf(to));
    for (int64_t k = begin; k < end; k++) error[k] -= step * (codes[k] - zeros[g]);
    for (int64_t j = 0; j < p.k; j++) pull[j] -= step * product[j];
  }
};

}  // namespace dsnk
