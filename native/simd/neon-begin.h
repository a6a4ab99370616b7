// NEON, 4 lanes: every AArch64 processor, and ARMv7 ones with VFPv4 (Cortex-A7, A15, A17 and AArch64 processors that run
// 32-bit programs; not Cortex-A8 and A9, which have no fused multiply-add).
//
// It is the baseline of an AArch64 build, and of a 32-bit one by -mfpu=neon-vfpv4 for all files (CMakeLists.txt).
//
// Numerics on ARMv7: NEON arithmetic and comparisons take denormal operands as zeros of their sign and give zeros for
// denormal results, whatever FPSCR says (Arm DDI 0406, StandardFPSCRValue); divisions may, square roots do not.
// Loads, stores, select, abs, neg and what works on bits keep denormals. So where all operands, intermediate and final
// results are normal numbers or zero the results are IEEE's, as on AArch64; where one is denormal, each such number may
// be off by itself, less than 2⁻¹²⁶, before what follows enlarges that. NaN results are the default NaN.
#include "simd/vec.h"

// The inner loop of the register tiles.
#if defined(__aarch64__)
#define DSNK_ROW_LOOP "kernels/gemm/lanes.inl"
#else
#define DSNK_ROW_LOOP "kernels/gemm/spread.inl"
#endif

namespace dsnk::neon {
#include "simd/neon.inl"
