// The contracts of the products with weights of few bits. The formulas stand in product.inl and floats.inl.
#include "kernels/kernel.h"
#include "kernels/lowbit/lowbit.h"

namespace dsnk {

static bool isGroup(int32_t group) { return group >= kLowBitUnit && group <= kLowBitGroup && group % kLowBitUnit == 0; }

template <class P>
static const char* verifyShape(const Kernel& kernel, const Check& c, uint32_t packed, uint32_t bias) {
  const auto& p = c.as<P>();
  if (!isDim(p.m) || !isDim(p.n) || !isDim(p.k)) return "dimensions must be in [0, 2^40]";
  if (!isStride(p.ldc)) return "ldc must be in [0, 2^48]";
  if (p.bits != 2 && p.bits != 3 && p.bits != 4 && p.bits != 8) return "bits must be 2, 3, 4 or 8";
  if (!isGroup(p.group)) return "group must be a multiple of 16 up to 256";
  if ((p.zeros | 1) != 1) return "zeros must be 0 or 1";
  if (p.zero < 0 || p.zero > 255) return "zero must be a byte";
  if (p.m == 0 || p.n == 0) return nullptr;
  if (p.ldc < p.n) return "ldc must be at least n";
  if (!((Size(p.m - 1) * Size(p.ldc) + Size(p.n)) * Size(4)).fits(c.operandBytes[0])) return "y must hold its strides";
  if (c.has(bias) && !(Size(p.n) * Size(4)).fits(c.operandBytes[bias])) return "bias must hold the columns";
  if (p.k == 0) return nullptr;
  const LowBitShape shape = lowBitShape(p, kernel.nr);
  return (Size(shape.panels()) * Size(shape.panelBytes())).fits(c.operandBytes[packed]) ? nullptr
                                                                                        : "weights must be packed";
}

static const char* verifyGemm(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<LowBitGemmParams>();
  if (const char* wrong = verifyShape<LowBitGemmParams>(kernel, c, 4, 5)) return wrong;
  if (p.m == 0 || p.n == 0 || p.k == 0) return nullptr;
  if (!(Size(p.m) * Size(roundUp(p.k, kLowBitUnit))).fits(c.operandBytes[1])) return "integers must hold the rows";
  const Size groups = Size(p.m) * Size(ceilDiv(p.k, p.group)) * Size(4);
  if (!groups.fits(c.operandBytes[2]) || !groups.fits(c.operandBytes[3])) return "scales and sums must hold all groups";
  return nullptr;
}

static const char* verifyFloats(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<LowBitFloatParams>();
  if (const char* wrong = verifyShape<LowBitFloatParams>(kernel, c, 2, 3)) return wrong;
  if (p.m == 0 || p.n == 0 || p.k == 0) return nullptr;
  return (Size(p.m) * Size(p.k) * Size(4)).fits(c.operandBytes[1]) ? nullptr : "x must hold the rows";
}

template <class P>
static uint32_t tiles(const Kernel& kernel, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const P*>(params);
  const int64_t panels = ceilDiv(p.n, kernel.nr), rowUnits = ceilDiv(p.m, 16);
  int64_t units = 0;
  if (__builtin_mul_overflow(panels, rowUnits, &units)) units = INT64_MAX;
  uint32_t t = tilesFor(units, p.k * kernel.nr / 4 * (p.m < 16 ? p.m : 16), threads);
  while (t > 1 && t / lowBitPanelTiles(panels, t) > rowUnits) t--;
  return t;
}

// y, integers, their scales, their sums, packed weights, bias?
extern const Contract lowbit_gemm_contract{
    "lowbit_gemm", "wrrrro", 0, sizeof(LowBitGemmParams), false, verifyGemm, tiles<LowBitGemmParams>, nullptr};
static uint64_t floatScratch(const Kernel& kernel, const void* params) {
  const auto& p = *static_cast<const LowBitFloatParams*>(params);
  return p.m < kLowBitManyRows ? 0 : static_cast<uint64_t>(kLowBitBlock) * kernel.nr * 4;
}

// y, x, packed weights, bias?
extern const Contract lowbit_gemm_floats_contract{"lowbit_gemm_floats",      "wrro",      0,
                                                  sizeof(LowBitFloatParams), false,       verifyFloats,
                                                  tiles<LowBitFloatParams>,  floatScratch};

static const char* verifyQuantize(const Kernel&, const Check& c) {
  const auto& p = c.as<LowBitQuantizeParams>();
  if (!isDim(p.m) || !isDim(p.k)) return "dimensions must be in [0, 2^40]";
  if (!isGroup(p.group)) return "group must be a multiple of 16 up to 256";
  if (p.m == 0 || p.k == 0) return nullptr;
  if (!(Size(p.m) * Size(roundUp(p.k, kLowBitUnit))).fits(c.operandBytes[0])) return "integers must hold the rows";
  const Size groups = Size(p.m) * Size(ceilDiv(p.k, p.group)) * Size(4);
  if (!groups.fits(c.operandBytes[1]) || !groups.fits(c.operandBytes[2])) return "scales and sums must hold all groups";
  return (Size(p.m) * Size(p.k) * Size(4)).fits(c.operandBytes[3]) ? nullptr : "x must hold the rows";
}

static uint32_t quantizeTiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const LowBitQuantizeParams*>(params);
  return p.k == 0 ? 0 : tilesFor(p.m, p.k, threads);
}

// integers, scales, sums, x
extern const Contract lowbit_quantize_contract{
    "lowbit_quantize", "wwwr", 0, sizeof(LowBitQuantizeParams), false, verifyQuantize, quantizeTiles, nullptr};

}  // namespace dsnk
