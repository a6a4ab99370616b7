// A gram matrix with damping: what errors of a layer's weights do to its results, eᵀ·H·e.
#pragma once
#include <cstdint>

namespace dsnk {

struct DampedGram {
  const float* elements;  // [K,K], symmetric
  int64_t k;
  double extra;  // on the diagonal

  // What factor_hessian adds. Inputs that were always 0 count as 1.
  DampedGram(const float* h, int64_t size, double damping) : elements(h), k(size) {
    double mean = 0;
    for (int64_t i = 0; i < k; i++) mean += h[i * k + i] != 0 ? h[i * k + i] : 1.0;
    extra = damping * mean / static_cast<double>(k);
  }

  double diagonal(int64_t i) const { return (elements[i * k + i] != 0 ? elements[i * k + i] : 1.0) + extra; }
  double at(int64_t i, int64_t j) const { return i == j ? diagonal(i) : static_cast<double>(elements[i * k + j]); }

  // to += factor · column i of H
  void add(double* to, int64_t i, double factor) const {
    const float* column = elements + i * k;
    for (int64_t j = 0; j < k; j++) to[j] += factor * static_cast<double>(column[j]);
    to[i] += factor * (diagonal(i) - static_cast<double>(column[i]));
  }
};

}  // namespace dsnk
