// Coordinate descent on the codes and scales of one row: each is moved to where eᵀ·H·e is least while all others stay, e = w - ŵ.
#pragma once
#include "kernels/fit/gram.h"
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

  void run() const {
    const DampedGram h(gram, p.k, static_cast<double>(p.damping));
    for (int64_t k = 0; k < p.k; k++) {
      const int64_t g = k / p.group;
      error[k] = static_cast<double>(w[k]) - (codes[k] - zeros[g]) * static_cast<double>(scales[g]);
    }
    for (int64_t k = 0; k < p.k; k++) pull[k] = 0;
    for (int64_t k = 0; k < p.k; k++) h.add(pull, k, error[k]);
    for (int32_t sweep = 0; sweep < p.sweeps; sweep++) {
      bool moved = false;
      for (int64_t k = 0; k < p.k; k++) moved = moveCode(h, k) || moved;
      if (!moved && sweep > 0) break;
      for (int64_t begin = 0; begin < p.k; begin += p.group) moveScale(h, begin);
    }
  }

  bool moveCode(const DampedGram& h, int64_t k) const {
    const int64_t g = k / p.group;
    const Levels levels{static_cast<double>(scales[g]), zeros[g], (1 << p.bits) - 1};
    const double is = levels.value(codes[k]), best = is + pull[k] / h.diagonal(k);
    const int code = levels.code(best);
    const double step = levels.value(code) - is;
    if (!(std::fabs(best - is - step) < std::fabs(best - is))) return false;
    codes[k] = static_cast<uint8_t>(code);
    error[k] -= step;
    h.add(pull, k, -step);
    return true;
  }

  void moveScale(const DampedGram& h, int64_t begin) const {
    const int64_t g = begin / p.group, end = p.k - begin < p.group ? p.k : begin + p.group;
    for (int64_t j = 0; j < p.k; j++) product[j] = 0;
    double top = 0, bottom = 0;
    for (int64_t k = begin; k < end; k++) {
      const double c = codes[k] - zeros[g];
      if (c == 0) continue;
      h.add(product, k, c);
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
