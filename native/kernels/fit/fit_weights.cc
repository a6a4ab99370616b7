// Computes  codes, scale and zero point of every group of w, so that w ≈ (code - zero)·scale; with factors U of the inverse Hessian of the
//           layer's inputs (Uᵀ·U = H⁻¹), the error of each k goes on to those behind it: w[j] -= (w[k] - ŵ[k])/U[k,k]·U[k,j], and
//           scales are fitted to what stands there when their group begins
// Shapes    codes: u8 [N,K]; scales: f32, zeros: u8 [N, ⌈K/group⌉]; w: f32 [N,K]; factors: f64 [F,K,K]; importance: f32 [F,K], of N/F rows each
// Numerics  float64 but for the scales, which are float32; what is not finite gives codes of no meaning, never a fault
// Tiling    rows, which do not know of each other
// Packing   none; pack_bits.cc follows
// Source    E. Frantar et al., GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers (2022), §3, without
//           blocks of columns, as a row of w stays in the cache; H. Badri and A. Shaji, Half-Quadratic Quantization of Large Machine Learning
//           Models (2023), with a scale besides, and whole zero points
#include "kernels/fit/group.h"
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
  const Size elements = Size(p.n) * Size(p.k), groups = Size(p.n) * Size(ceilDiv(p.k, p.group));
  if (!elements.fits(c.operandBytes[0])) return "codes must hold every weight";
  if (!(groups * Size(4)).fits(c.operandBytes[1]) || !groups.fits(c.operandBytes[2]))
    return "scales and zeros must hold every group";
  if (!(elements * Size(4)).fits(c.operandBytes[3])) return "w must hold n rows of k";
  if (c.has(4) && !(Size(p.factors) * Size(p.k) * Size(p.k) * Size(8)).fits(c.operandBytes[4]))
    return "factors must hold their matrices";
  if (c.has(5) && !(Size(p.factors) * Size(p.k) * Size(4)).fits(c.operandBytes[5]))
    return "importance must hold its rows";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const FitWeightsParams*>(params);
  return p.k == 0 ? 0 : tilesFor(p.n, p.k * 64, threads);
}

// A row in float64, and the weights of its errors.
static uint64_t scratchBytes(const Kernel&, const void* params) {
  const auto& p = *static_cast<const FitWeightsParams*>(params);
  return p.n == 0 ? 0 : static_cast<uint64_t>(p.k) * 16;  // no rows may have any number of columns
}

extern const Contract fit_weights_contract{"fit_weights", "wwwroo", 0,     sizeof(FitWeightsParams),
                                           false,         verify,   tiles, scratchBytes};

Fault fit_weights_scalar(const Work& w) {
  const auto& p = w.as<FitWeightsParams>();
  auto* row = reinterpret_cast<double*>(w.scratch);
  double* weights = row + p.k;
  const int64_t groups = ceilDiv(p.k, p.group);
  const Range rows = tileRange(p.n, w.tile, w.tiles);
  for (int64_t i = rows.begin; i < rows.end; i++) {
    const int64_t part = i / (p.n / p.factors);
    const double* factor = w.operand[4] == nullptr ? nullptr : w.at<const double>(4) + part * p.k * p.k;
    const float* importance = w.operand[5] == nullptr ? nullptr : w.at<const float>(5) + part * p.k;
    for (int64_t k = 0; k < p.k; k++) {
      row[k] = w.at<const float>(3)[i * p.k + k];
      const double diagonal = factor == nullptr ? 1 : factor[k * p.k + k];
      weights[k] = importance == nullptr ? 1 / (diagonal * diagonal) : static_cast<double>(importance[k]);
    }
    uint8_t* codes = w.at<uint8_t>(0) + i * p.k;
    for (int64_t g = 0; g < groups; g++) {
      const int64_t begin = g * p.group, end = p.k - begin < p.group ? p.k : begin + p.group;
      const bool weighted = factor != nullptr || importance != nullptr;
      const Group group{row + begin, weighted ? weights + begin : nullptr, end - begin};
      const Levels levels = fitGroup(group, p.bits, p.symmetric != 0, static_cast<FitAlgorithm>(p.algorithm));
      w.at<float>(1)[i * groups + g] = static_cast<float>(levels.scale);
      w.at<uint8_t>(2)[i * groups + g] = static_cast<uint8_t>(levels.zero);
      for (int64_t k = begin; k < end; k++) {
        const int code = levels.code(row[k]);
        codes[k] = static_cast<uint8_t>(code);
        if (factor == nullptr) continue;
        const double* u = factor + k * p.k;
        const double error = (row[k] - levels.value(code)) / u[k];
        for (int64_t j = k + 1; j < p.k; j++) row[j] -= error * u[j];
      }
    }
  }
  return Fault::none;
}

}  // namespace dsnk
