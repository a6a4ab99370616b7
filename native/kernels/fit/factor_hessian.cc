// Computes  U upper triangular with Uᵀ·U = (H + damping·mean(diag H)·I)⁻¹; a k whose diagonal is 0, as no input ever was there, counts as 1;
//           sorted: of H with rows and columns in the order of its diagonal, the largest first
// Shapes    u: f64, h: f32 [count, K, K], h symmetric (its upper triangle is read); order: i32 [count, K]: which k stands where
// Numerics  float64; a matrix that is not positive definite is an invalid value; equal elements of the diagonal keep their order
// Tiling    a matrix each
// Packing   none
// Source    the factorization H = R·Rᵀ with R upper triangular, from the last row up, and U = R⁻¹: no inverse of H is formed
#include <cmath>
#include <cstdint>

#include "kernels/fit/params.gen.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<FactorHessianParams>();
  if (!isDim(p.count) || !isDim(p.k)) return "dimensions must be in [0, 2^40]";
  const Size elements = Size(p.count) * Size(p.k) * Size(p.k);
  if (p.k > INT32_MAX || (p.sorted | 1) != 1) return "k must be an i32, sorted 0 or 1";
  if (!(elements * Size(8)).fits(c.operandBytes[0])) return "u must hold the matrices";
  if (!(Size(p.count) * Size(p.k) * Size(4)).fits(c.operandBytes[1])) return "order must hold the rows";
  return (elements * Size(4)).fits(c.operandBytes[2]) ? nullptr : "h must hold the matrices";
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const FactorHessianParams*>(params);
  return p.count == 0 || p.k == 0 ? 0 : tilesFor(p.count, p.k * p.k * p.k, threads);
}

static uint64_t scratchBytes(const Kernel&, const void* params) {
  const auto& p = *static_cast<const FactorHessianParams*>(params);
  return p.count == 0 ? 0 : static_cast<uint64_t>(p.k) * 8;
}

extern const Contract factor_hessian_contract{"factor_hessian", "wwr", 0,           sizeof(FactorHessianParams), false,
                                              verify,           tiles, scratchBytes};

// Four sums, as one chain waits for each addition.
static double dot(const double* a, const double* b, int64_t n) {
  double s[4] = {};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (int j = 0; j < 4; j++) s[j] += a[i + j] * b[i + j];
  }
  for (; i < n; i++) s[0] += a[i] * b[i];
  return (s[0] + s[1]) + (s[2] + s[3]);
}

// By insertion: K² steps at most, before K³ of them. A NaN never moves.
static void orderOf(const float* h, int64_t n, bool sorted, int32_t* order) {
  for (int64_t i = 0; i < n; i++) {
    int64_t at = i;
    for (; sorted && at > 0 && h[i * n + i] > h[order[at - 1] * n + order[at - 1]]; at--) order[at] = order[at - 1];
    order[at] = static_cast<int32_t>(i);
  }
}

static bool factor(double* u, const float* h, const int32_t* order, int64_t n, double damping, double* row) {
  double mean = 0;
  for (int64_t i = 0; i < n; i++) mean += h[i * n + i] != 0 ? h[i * n + i] : 1.0;
  const double extra = damping * mean / static_cast<double>(n);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j < i; j++) u[i * n + j] = 0;
    for (int64_t j = i; j < n; j++) {
      const int64_t a = order[i] < order[j] ? order[i] : order[j], b = order[i] < order[j] ? order[j] : order[i];
      u[i * n + j] = h[a * n + b];
    }
    if (u[i * n + i] == 0) u[i * n + i] = 1;
    u[i * n + i] += extra;
  }
  // R in place.
  for (int64_t j = n - 1; j >= 0; j--) {
    double* rj = u + j * n;
    const double square = rj[j] - dot(rj + j + 1, rj + j + 1, n - j - 1);
    if (!(square > 0) || !std::isfinite(square)) return false;
    rj[j] = std::sqrt(square);
    for (int64_t i = 0; i < j; i++) {
      double* ri = u + i * n;
      ri[j] = (ri[j] - dot(ri + j + 1, rj + j + 1, n - j - 1)) / rj[j];
    }
  }
  // R⁻¹ in place, from the last row up.
  for (int64_t i = n - 1; i >= 0; i--) {
    double* ui = u + i * n;
    const double inverse = 1 / ui[i];
    for (int64_t j = i + 1; j < n; j++) {
      row[j] = ui[j];
      ui[j] = 0;
    }
    ui[i] = inverse;
    for (int64_t p = i + 1; p < n; p++) {
      const double factor = -row[p] * inverse;
      const double* up = u + p * n;
      for (int64_t j = p; j < n; j++) ui[j] += factor * up[j];
    }
  }
  return true;
}

Fault factor_hessian_scalar(const Work& w) {
  const auto& p = w.as<FactorHessianParams>();
  const Range range = tileRange(p.count, w.tile, w.tiles);
  for (int64_t i = range.begin; i < range.end; i++) {
    const int64_t at = i * p.k * p.k;
    const auto* h = w.at<const float>(2) + at;
    auto* order = w.at<int32_t>(1) + i * p.k;
    orderOf(h, p.k, p.sorted != 0, order);
    if (!factor(w.at<double>(0) + at, h, order, p.k, static_cast<double>(p.damping),
                reinterpret_cast<double*>(w.scratch)))
      return Fault::invalidValue;
  }
  return Fault::none;
}

}  // namespace dsnk
