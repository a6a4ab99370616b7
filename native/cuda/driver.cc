#if defined(__x86_64__) || defined(__aarch64__)  // there is no driver for 32 bits
#include "cuda/driver.h"

#include <dlfcn.h>

namespace dsnk::cuda {

namespace {

// Asks the driver for one function: by cuGetProcAddress, which gives the version asked for, and where an old driver has not
// that, by the exported name.
class Symbols {
 public:
  explicit Symbols(void* library) : library_(library) {
    v2_ = reinterpret_cast<GetProcAddressV2>(dlsym(library, "cuGetProcAddress_v2"));
    v1_ = reinterpret_cast<GetProcAddress>(dlsym(library, "cuGetProcAddress"));
  }
  void* find(const char* base, const char* exported, int since) const {
    void* found = nullptr;
    int status = kSymbolFound;
    if (v2_ != nullptr) {
      if (v2_(base, &found, since, 0, &status) == kSuccess && status == kSymbolFound) return found;
    } else if (v1_ != nullptr) {
      if (v1_(base, &found, since, 0) == kSuccess) return found;
    } else {
      return dlsym(library_, exported);
    }
    return nullptr;
  }

 private:
  void* library_;
  GetProcAddressV2 v2_;
  GetProcAddress v1_;
};

std::string versionText(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace

std::string textOf(const Driver& driver, Result result) {
  const char *name = nullptr, *text = nullptr;
  if (driver.cuGetErrorName(result, &name) != kSuccess || name == nullptr) return "error " + std::to_string(result);
  if (driver.cuGetErrorString(result, &text) != kSuccess || text == nullptr) return name;
  return std::string(name) + " (" + text + ")";
}

bool openDriver(const std::string& path, Driver& driver, Refusal& why) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed: the driver keeps threads of its own
  if (library == nullptr) {
    const char* error = dlerror();
    why = {Refusal::noLibrary, error == nullptr ? path : error};
    return false;
  }
  const Symbols symbols(library);
  // Before anything else: a driver that is too old lacks functions, and should be told by its version.
  using GetVersion = Result (*)(int*);
  const auto getVersion = reinterpret_cast<GetVersion>(symbols.find("cuDriverGetVersion", "cuDriverGetVersion", 2020));
  int version = 0;
  if (getVersion == nullptr || getVersion(&version) != kSuccess) {
    why = {Refusal::noLibrary, path + " does not say its version"};
    return false;
  }
  if (version < kOldestDriver) {
    why = {Refusal::oldDriver, versionText(version)};
    return false;
  }
#define DSNK_FIND(base, exported, since, parameters)                                            \
  driver.base = reinterpret_cast<decltype(driver.base)>(symbols.find(#base, #exported, since)); \
  if (driver.base == nullptr) {                                                                 \
    why = {Refusal::oldDriver, versionText(version) + " without " #base};                       \
    return false;                                                                               \
  }
  DSNK_CUDA_FUNCTIONS(DSNK_FIND)
#undef DSNK_FIND
  if (const Result result = driver.cuInit(0); result != kSuccess) {
    why = {result == kNoDevice ? Refusal::noDevice : Refusal::failed, "cuInit: " + textOf(driver, result)};
    return false;
  }
  return true;
}

}  // namespace dsnk::cuda
#endif
