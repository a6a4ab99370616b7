// NVIDIA's driver, opened at run time: a table of the functions that its library has under the names of driver_api.h.
#pragma once
#include <string>

#include "cuda/driver_api.h"

namespace dsnk::cuda {

struct Driver {
#define DSNK_MEMBER(base, exported, since, parameters) Result(*base) parameters;
  DSNK_CUDA_FUNCTIONS(DSNK_MEMBER)
#undef DSNK_MEMBER
};

// The first CUDA version whose driver has all functions: JetPack 5, R470.
constexpr int kOldestDriver = 11040;

// Why there is no GPU to be had: what TypeScript words, and the detail.
struct Refusal {
  enum Cause : uint32_t { none, noLibrary, oldDriver, noDevice, failed } cause = none;
  std::string detail;
};

// Fills the table from a shared library by that name or path, and initializes the driver.
bool openDriver(const std::string& library, Driver& driver, Refusal& why);

// "CUDA_ERROR_OUT_OF_MEMORY (out of memory)"
std::string textOf(const Driver&, Result);

}  // namespace dsnk::cuda
