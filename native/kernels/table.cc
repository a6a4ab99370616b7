// Expands kernels.inc into declarations and the table.
#include "kernels/kernel.h"

#if defined(__x86_64__)
#define DSNK_X86(...) __VA_ARGS__
#else
#define DSNK_X86(...)
#endif
#if defined(__ARM_NEON)
#define DSNK_ARM(...) __VA_ARGS__
#else
#define DSNK_ARM(...)
#endif
#if defined(__aarch64__)
#define DSNK_ARM64(...) __VA_ARGS__
#else
#define DSNK_ARM64(...)
#endif

#ifdef DSNK_EMULATED_TILES
#define DSNK_EMULATED(...) __VA_ARGS__
#else
#define DSNK_EMULATED(...)
#endif

#if defined(__x86_64__) || defined(__aarch64__)
#define DSNK_GPU(name, contract, dtypes, isa, nr, kr) DSNK_GPU_ROW(name, contract, dtypes, isa, nr, kr)
#else
#define DSNK_GPU(name, contract, dtypes, isa, nr, kr)
#endif

#define DSNK_PLAIN(op, type) DSNK_GPU(op##_##type##_sm72, op##_contract, #type, sm72, 0, 0)
#define DSNK_BYTES(op) DSNK_GPU(op##_sm72, op##_contract, "any", sm72, 0, 0)
#define DSNK_SCALAR(op, type) DSNK_KERNEL(op##_##type##_scalar, op##_contract, #type, scalar, 0, 0)

namespace dsnk {

#define DSNK_KERNEL(name, contract, dtypes, isa, nr, kr) \
  Fault name(const Work&);                               \
  extern const Contract contract;
#define DSNK_GPU_ROW(name, contract, dtypes, isa, nr, kr) \
  void name(const GpuProblem&, LaunchPlan&);              \
  extern const Contract contract;
#include "kernels/kernels.inc"
#undef DSNK_KERNEL
#undef DSNK_GPU_ROW

const Kernel kKernels[] = {
#define DSNK_KERNEL(name, contract, dtypes, isa, nr, kr) {#name, &contract, dtypes, Isa::isa, nr, kr, &name, nullptr},
#define DSNK_GPU_ROW(name, contract, dtypes, isa, nr, kr) {#name, &contract, dtypes, Isa::isa, nr, kr, nullptr, &name},
#include "kernels/kernels.inc"
#undef DSNK_KERNEL
#undef DSNK_GPU_ROW
};

const uint32_t kKernelCount = sizeof(kKernels) / sizeof(kKernels[0]);

}  // namespace dsnk
