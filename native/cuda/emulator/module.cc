// Modules and launches of the emulated driver. An image names the library that a .cu file was compiled into for the host:
// "DSNK-EMULATED\n<stem>\n", <stem>.so beside this library.
#include <dlfcn.h>
#include <link.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "cuda/emulator/block.h"
#include "cuda/emulator/driver.h"

namespace dsnk::cuda {

struct FunctionObject {
  emulated::Entry entry;
  emulated::Extent statics;
  unsigned sharedMost = 48 * 1024;
};
struct ModuleObject {
  std::vector<std::unique_ptr<FunctionObject>> functions;
};

namespace {

constexpr char kMarker[] = "DSNK-EMULATED\n";

std::map<std::string, ModuleObject>& modules() {
  static auto& all = *new std::map<std::string, ModuleObject>;
  return all;
}
ModuleObject* loading = nullptr;

// What a library has beyond the bytes of its file: its zeroed variables, which for device code are static shared memory.
int findStatics(dl_phdr_info* info, size_t, void* found) {
  auto& [base, range] = *static_cast<std::pair<uintptr_t, emulated::Extent>*>(found);
  if (info->dlpi_addr != base) return 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type != PT_LOAD || header.p_memsz <= header.p_filesz) continue;
    auto* begin = reinterpret_cast<std::byte*>(base + header.p_vaddr);
    range = {begin + header.p_filesz, begin + header.p_memsz};
  }
  return 1;
}

ModuleObject* load(const std::string& stem) {
  const auto known = modules().find(stem);
  if (known != modules().end()) return &known->second;
  Dl_info own;
  dladdr(reinterpret_cast<void*>(&load), &own);
  const std::string folder(own.dli_fname, static_cast<size_t>(std::strrchr(own.dli_fname, '/') + 1 - own.dli_fname));
  ModuleObject module;
  loading = &module;
  void* library = dlopen((folder + stem + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
  loading = nullptr;
  if (!library) {
    std::fprintf(stderr, "emulated GPU: %s\n", dlerror());
    return nullptr;
  }
  const link_map* map = nullptr;
  dlinfo(library, RTLD_DI_LINKMAP, &map);
  std::pair<uintptr_t, emulated::Extent> found{map->l_addr, {}};
  dl_iterate_phdr(findStatics, &found);
  for (auto& function : module.functions) function->statics = found.second;
  return &(modules()[stem] = std::move(module));
}

Result run(const FunctionObject& function, emulated::LaunchShape shape, const GpuWork& work, const void* params) {
  const int64_t most = setting("LOSE_AFTER", -1);
  if (most >= 0 && driver().launches >= most) return lose(kIllegalAddress, "DSNK_EMULATOR_LOSE_AFTER");
  driver().launches++;
  std::string why;
  // As DSNK_ENTRY_FROM: elsewhere there is a trap in the place of the body.
  if (capability() < function.entry.least) {
    std::fprintf(stderr, "emulated GPU: %s is not compiled for sm_%d\n", function.entry.name, capability());
    return lose(kLaunchFailed, "an entry of later GPUs");
  }
  const auto begin = std::chrono::steady_clock::now();
  const emulated::Outcome outcome = emulated::runLaunch(function.entry, shape, work, params, why);
  if (setting("TRACE", 0)) {
    const emulated::MatrixReads& reads = emulated::matrixReads;
    char banks[64] = "";
    if (reads.matrices)
      std::snprintf(banks, sizeof banks, ", %.2f steps a matrix", static_cast<double>(reads.steps) / reads.matrices);
    std::fprintf(stderr, "emulated GPU: %s, grid %u,%u,%u of %u threads, %u bytes shared%s: %.3f ms\n",
                 function.entry.name, shape.grid.x, shape.grid.y, shape.grid.z,
                 shape.block.x * shape.block.y * shape.block.z, shape.sharedBytes, banks,
                 std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  if (outcome == emulated::Outcome::done) return kSuccess;
  std::fprintf(stderr, "emulated GPU: %s\n", why.c_str());
  return lose(outcome == emulated::Outcome::outOfBounds ? kIllegalAddress : kLaunchFailed, why);
}

}  // namespace
}  // namespace dsnk::cuda

dsnk::emulated::Registration::Registration(const Entry& entry) {
  using namespace dsnk::cuda;
  if (!loading) return;
  loading->functions.push_back(std::make_unique<FunctionObject>());
  loading->functions.back()->entry = entry;
}

using namespace dsnk::cuda;

#define DSNK_EXPORT extern "C" __attribute__((visibility("default")))

DSNK_EXPORT Result cuModuleLoadData(Module* module, const void* image) {
  const Call call;
  if (call.refused) return call.refused;
  const char* text = static_cast<const char*>(image);
  if (!text || std::strncmp(text, kMarker, sizeof kMarker - 1) != 0) return kInvalidImage;
  std::string stem;
  for (const char* c = text + sizeof kMarker - 1; *c && std::strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", *c); c++)
    stem += *c;
  *module = load(stem);
  return *module ? kSuccess : kInvalidImage;
}

DSNK_EXPORT Result cuModuleUnload(Module module) {
  const Call call;
  if (call.refused) return call.refused;
  return module ? kSuccess : kInvalidHandle;
}

DSNK_EXPORT Result cuModuleGetFunction(Function* function, Module module, const char* name) {
  const Call call;
  if (call.refused) return call.refused;
  if (!module) return kInvalidHandle;
  for (const auto& f : module->functions) {
    if (std::strcmp(f->entry.name, name) == 0) {
      *function = f.get();
      return kSuccess;
    }
  }
  return kNotFound;
}

DSNK_EXPORT Result cuFuncSetAttribute(Function function, FunctionAttribute attribute, int value) {
  const Call call;
  if (call.refused) return call.refused;
  if (!function) return kInvalidHandle;
  if (attribute != kFunctionMaxDynamicSharedBytes || value < 0 || static_cast<unsigned>(value) > sharedMost())
    return kInvalidValue;
  function->sharedMost = static_cast<unsigned>(value);
  return kSuccess;
}

DSNK_EXPORT Result cuFuncGetAttribute(int* value, FunctionAttribute attribute, Function function) {
  const Call call;
  if (call.refused) return call.refused;
  if (!function) return kInvalidHandle;
  *value = attribute == kFunctionMaxThreads              ? static_cast<int>(function->entry.threads)
           : attribute == kFunctionMaxDynamicSharedBytes ? static_cast<int>(function->sharedMost)
                                                         : 0;
  return kSuccess;
}

DSNK_EXPORT Result cuLaunchKernel(Function function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                                  unsigned blockY, unsigned blockZ, unsigned sharedBytes, Stream stream,
                                  void** kernelParams, void** extra) {
  const Call call;
  if (call.refused) return call.refused;
  if (!function) return kInvalidHandle;
  const uint64_t threads = static_cast<uint64_t>(blockX) * blockY * blockZ;
  if (!gridX || !gridY || !gridZ || gridX > 0x7fffffff || gridY > 65535 || gridZ > 65535 || !threads || !kernelParams ||
      extra) {
    return kInvalidValue;
  }
  if (threads > function->entry.threads || sharedBytes > function->sharedMost) {
    return threads > 1024 || sharedBytes > function->sharedMost ? kInvalidValue : kLaunchOutOfResources;
  }
  const dsnk::emulated::LaunchShape shape{
      {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, sharedBytes, function->statics};
  struct Arguments {
    dsnk::GpuWork work;
    alignas(16) std::byte params[4096];
  };
  const auto arguments = std::make_shared<Arguments>();
  std::memcpy(&arguments->work, kernelParams[0], sizeof arguments->work);
  std::memcpy(arguments->params, kernelParams[1], function->entry.paramBytes);
  return enqueue(stream, [=] { return run(*function, shape, arguments->work, arguments->params); });
}
