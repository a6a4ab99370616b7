// Computes  codes, scale and zero point of every group of w, so that w ≈ (code - zero)·scale; with factors U of the inverse Hessian of the
//           layer's inputs (Uᵀ·U = H⁻¹), the error of each k goes on to those behind it: w[j] -= (w[k] - ŵ[k])/U[k,k]·U[k,j], and
//           scales are fitted to what stands there when their group begins. With an order, k come in that one, and scales are fitted
//           to w before. With the gram matrix, codes and scales are then improved one by one, as long as eᵀ·(H + damping)·e becomes less
// Shapes    codes: u8 [N,K]; scales: f32, zeros: u8 [N, ⌈K/group⌉]; w: f32 [N,K]; factors: f64 [F,K,K], rows and columns in the order;
//           order: i32 [F,K], each k once; importance: f32 [F,K]; gram: f32 [F,K,K]; of N/F rows each
// Numerics  float64 but for the scales, which are float32; what is not finite gives codes of no meaning, never a fault; an order
//           that leaves its rows is one
// Tiling    rows, which do not know of each other
// Packing   none; pack_bits.cc follows
// Source    E. Frantar et al., GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers (2022), §3, without
//           blocks of columns, as a row of w stays in the cache; H. Badri and A. Shaji, Half-Quadratic Quantization of Large Machine Learning
//           Models (2023), with a scale besides, and whole zero points; K. Behdin et al., QuantEase: Optimization-based Quantization for
//           Language Models (2023), for the improvement, which is coordinate descent
#include <cstring>

#include "kernels/fit/group.h"
#include "kernels/fit/improve.h"
#include "kernels/kernel.h"
#include "kernels/sizes.h"

namespace dsnk {

static const char* verify(const Kernel&, const Check& c) {
  const auto& p = c.as<FitWeightsParams>();
  if (!isDim(p.n) || !isDim(p.k)) return "dimensions must be in [0, 2^40]";
  if (p.group < 1 || p.group > kMaxDim) return "group must be in [1, 2^40]";
  if (p.factors < 1 || p.factors > kMaxDim || p.n % p.factors != 0) return "factors must divide the rows";
  if (p.bits < 2 || p.bits > 8) return "bits must be in [2, 8]";
  if ((p.symmetric | 1) != 1) return "symmetric must be 0 or 1";
  if (p.algorithm < 0 || p.algorithm >= kFitAlgorithmCount) return "algorithm must be a member of FitAlgorithm";
  if (p.sweeps < 0 || p.sweeps > 64) return "sweeps must be in [0, 64]";
  const Size elements = Size(p.n) * Size(p.k), groups = Size(p.n) * Size(ceilDiv(p.k, p.group));
  if (!elements.fits(c.operandBytes[0])) return "codes must hold every weight";
  if (!(groups * Size(4)).fits(c.operandBytes[1]) || !groups.fits(c.operandBytes[2]))
    return "scales and zeros must hold every group";
  if (!(elements * Size(4)).fits(c.operandBytes[3])) return "w must hold n rows of k";
  if (c.has(4) && !(Size(p.factors) * Size(p.k) * Size(p.k) * Size(8)).fits(c.operandBytes[4]))
    return "factors must hold their matrices";
  if (c.has(5) && !(Size(p.factors) * Size(p.k) * Size(4)).fits(c.operandBytes[5])) return "order must hold its rows";
  if (c.has(5) && !c.has(4)) return "order must come with factors";
  if (c.has(6) && !(Size(p.factors) * Size(p.k) * Size(4)).fits(c.operandBytes[6]))
    return "importance must hold its rows";
  if (c.has(7) && !(Size(p.factors) * Size(p.k) * Size(p.k) * Size(4)).fits(c.operandBytes[7]))
    return "gram must hold its matrices";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const FitWeightsParams*>(params);
  return p.k == 0 ? 0 : tilesFor(p.n, p.k * 64, threads);
}

// A row in float64 and the weights of its errors; then its errors and what the gram matrix makes of them, and of the codes of a group.
static uint64_t scratchBytes(const Kernel&, const void* params) {
  const auto& p = *static_cast<const FitWeightsParams*>(params);
  return p.n == 0 ? 0 : static_cast<uint64_t>(p.k) * 24;  // no rows may have any number of columns
}

extern const Contract fit_weights_contract{"fit_weights", "wwwroooo", 0,     sizeof(FitWeightsParams),
                                           false,         verify,     tiles, scratchBytes};

// One row of weights and what it becomes.
struct Row {
  const FitWeightsParams& p;
  const float* w;
  uint8_t* codes;
  float* scales;
  uint8_t* zeros;
  double* values;   // what is left to round
  double* weights;  // of errors, by k

  int64_t groups() const { return ceilDiv(p.k, p.group); }
  int64_t end(int64_t g) const { return p.k - g * p.group < p.group ? p.k : (g + 1) * p.group; }
  Levels levels(int64_t g) const { return {static_cast<double>(scales[g]), zeros[g], (1 << p.bits) - 1}; }
  void fit(int64_t g, bool weighted) {
    const int64_t begin = g * p.group;
    const Group group{values + begin, weighted ? weights + begin : nullptr, end(g) - begin};
    const Levels found = fitGroup(group, p.bits, p.symmetric != 0, static_cast<FitAlgorithm>(p.algorithm));
    scales[g] = static_cast<float>(found.scale);
    zeros[g] = static_cast<uint8_t>(found.zero);
  }
};

static void roundOne(Row& row, int64_t k, const Levels& levels, double value, double* error) {
  const int code = levels.code(value);
  row.codes[k] = static_cast<uint8_t>(code);
  *error = value - levels.value(code);
}

static void roundInPlace(Row& row, const double* factor, bool weighted) {
  const int64_t K = row.p.k;
  for (int64_t g = 0; g < row.groups(); g++) {
    row.fit(g, weighted);
    const Levels levels = row.levels(g);
    for (int64_t k = g * row.p.group; k < row.end(g); k++) {
      double error;
      roundOne(row, k, levels, row.values[k], &error);
      if (factor == nullptr) continue;
      const double* u = factor + k * K;
      error /= u[k];
      for (int64_t j = k + 1; j < K; j++) row.values[j] -= error * u[j];
    }
  }
}

// Scales before anything is rounded, as the k of a group come at any time. `sorted` is a row of scratch.
static void roundInOrder(Row& row, const double* factor, const int32_t* order, double* sorted) {
  const int64_t K = row.p.k;
  for (int64_t g = 0; g < row.groups(); g++) row.fit(g, true);
  for (int64_t t = 0; t < K; t++) sorted[t] = row.values[order[t]];
  for (int64_t t = 0; t < K; t++) {
    const double* u = factor + t * K;
    double error;
    roundOne(row, order[t], row.levels(order[t] / row.p.group), sorted[t], &error);
    error /= u[t];
    for (int64_t j = t + 1; j < K; j++) sorted[j] -= error * u[j];
  }
}

Fault fit_weights_scalar(const Work& w) {
  const auto& p = w.as<FitWeightsParams>();
  auto* values = reinterpret_cast<double*>(w.scratch);
  double *weights = values + p.k, *third = weights + p.k;
  const int64_t groups = ceilDiv(p.k, p.group);
  const auto of = [&](int operand, int64_t part, int64_t size, auto one) -> const decltype(one)* {
    return w.operand[operand] == nullptr ? nullptr : w.at<const decltype(one)>(operand) + part * size;
  };
  const Range rows = tileRange(p.n, w.tile, w.tiles);
  for (int64_t i = rows.begin; i < rows.end; i++) {
    const int64_t part = i / (p.n / p.factors);
    const auto* factor = of(4, part, p.k * p.k, double());
    const auto* order = of(5, part, p.k, int32_t());
    const auto* importance = of(6, part, p.k, float());
    const auto* gram = of(7, part, p.k * p.k, float());
    Row row{p,
            w.at<const float>(3) + i * p.k,
            w.at<uint8_t>(0) + i * p.k,
            w.at<float>(1) + i * groups,
            w.at<uint8_t>(2) + i * groups,
            values,
            weights};
    for (int64_t t = 0; t < p.k; t++) {
      const int64_t k = order == nullptr ? t : order[t];
      if (k < 0 || k >= p.k) return Fault::indexOutOfRange;
      const double diagonal = factor == nullptr ? 1 : factor[t * p.k + t];
      values[t] = row.w[t];
      weights[k] = importance == nullptr ? 1 / (diagonal * diagonal) : static_cast<double>(importance[k]);
    }
    if (order != nullptr)
      roundInOrder(row, factor, order, third);
    else
      roundInPlace(row, factor, factor != nullptr || importance != nullptr);
    if (gram == nullptr) continue;
    const Improvement improvement{p, row.w, gram, row.codes, row.scales, row.zeros, values, weights, third};
    improvement.run();
  }
  return Fault::none;
}

}  // namespace dsnk
