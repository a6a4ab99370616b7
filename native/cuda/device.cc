#if defined(__x86_64__) || defined(__aarch64__)  // there is no driver for 32 bits
#include "cuda/device.h"

#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "cuda/program.h"

namespace dsnk::cuda {

namespace {

std::mutex openMutex;
GpuDevice* theDevice = nullptr;  // never destroyed: executor threads may outlive main

// The bytes of a file; empty where there is none.
std::vector<char> contentsOf(const std::string& path) {
  std::vector<char> bytes;
  FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return bytes;
  char part[65536];
  for (size_t n = 0; (n = std::fread(part, 1, sizeof part, file)) > 0;) bytes.insert(bytes.end(), part, part + n);
  std::fclose(file);
  return bytes;
}

// What the system can still give: integrated GPUs take it for their own, and cuMemGetInfo forgets what caches hold.
uint64_t memAvailable() {
  uint64_t kilobytes = 0;
  if (FILE* file = std::fopen("/proc/meminfo", "r")) {
    char line[128];
    while (std::fgets(line, sizeof line, file) != nullptr) {
      unsigned long long n = 0;
      if (std::sscanf(line, "MemAvailable: %llu kB", &n) == 1) kilobytes = n;
    }
    std::fclose(file);
  }
  return kilobytes * 1024;
}

constexpr uint64_t kLeaveToSystem = uint64_t{64} << 20;  // of an integrated GPU's memory

}  // namespace

GpuDevice* GpuDevice::opened() {
  std::lock_guard lock(openMutex);
  return theDevice;
}

GpuDevice* GpuDevice::open(const std::string& library, const std::vector<std::string>& files, Refusal& why) {
  std::lock_guard lock(openMutex);
  if (theDevice != nullptr) {
    if (!theDevice->lost_.load(std::memory_order_relaxed)) return theDevice;
    why = {Refusal::failed, theDevice->lost()};
    return nullptr;
  }
  auto* device = new GpuDevice();
  device->files_ = files;
  if (!openDriver(library, device->driver_, why) || !device->start(why)) {
    delete device;
    return nullptr;
  }
  return theDevice = device;
}

bool GpuDevice::start(Refusal& why) {
  const Driver& d = driver_;
  Failure failure;
  auto ok = [&](Result result, const char* call) {
    if (result == kSuccess) return true;
    why = {result == kNoDevice ? Refusal::noDevice : Refusal::failed, textOf({result, call})};
    return false;
  };
  int count = 0;
  if (!ok(d.cuDeviceGetCount(&count), "cuDeviceGetCount")) return false;
  if (count == 0) {
    why = {Refusal::noDevice, "cuDeviceGetCount: 0"};
    return false;
  }
  Device device = 0;  // the first one, which CUDA_VISIBLE_DEVICES decides
  char name[256] = {};
  size_t total = 0;
  if (!ok(d.cuDeviceGet(&device, 0), "cuDeviceGet") ||
      !ok(d.cuDeviceGetName(name, sizeof name - 1, device), "cuDeviceGetName") ||
      !ok(d.cuDeviceTotalMem(&total, device), "cuDeviceTotalMem") ||
      !ok(d.cuDriverGetVersion(&properties_.driverVersion), "cuDriverGetVersion")) {
    return false;
  }
  int major = 0, minor = 0, multiprocessors = 0, integrated = 0, shared = 0, l2 = 0;
  const std::pair<int*, DeviceAttribute> asked[] = {{&major, kCapabilityMajor},
                                                    {&minor, kCapabilityMinor},
                                                    {&multiprocessors, kMultiprocessorCount},
                                                    {&integrated, kIntegrated},
                                                    {&shared, kMaxSharedMemoryPerBlockOptin},
                                                    {&l2, kL2CacheSize}};
  for (const auto& [value, attribute] : asked) {
    if (!ok(d.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute")) return false;
  }
  properties_.name = name;
  properties_.memoryBytes = total;
  properties_.integrated = integrated != 0;
  properties_.traits = {static_cast<uint32_t>(major * 10 + minor), static_cast<uint32_t>(multiprocessors),
                        static_cast<uint32_t>(shared), static_cast<uint32_t>(l2)};
  if (properties_.traits.capability < 72) {
    why = {Refusal::noDevice,
           properties_.name + " has compute capability " + std::to_string(major) + "." + std::to_string(minor)};
    return false;
  }
  // A thread that waits for the device sleeps. Refused where somebody else made the context before: theirs holds then.
  d.cuDevicePrimaryCtxSetFlags(device, kContextScheduleBlockingSync | kContextMapHost);
  if (!ok(d.cuDevicePrimaryCtxRetain(&context_, device), "cuDevicePrimaryCtxRetain")) return false;
  const Current current(*this);
  return ok(d.cuStreamCreate(&copies_, kStreamNonBlocking), "cuStreamCreate");
}

bool GpuDevice::runs(Isa isa) const {
  const uint32_t least = isa == Isa::sm72 ? 72 : isa == Isa::sm75 ? 75 : isa == Isa::sm80 ? 80 : 90;
  // Instructions of sm_90a are those of one generation, unlike all others.
  if (isa == Isa::sm90) return properties_.traits.capability == 90;
  return isGpu(isa) && properties_.traits.capability >= least;
}

bool GpuDevice::allocate(uint64_t bytes, DeviceMemory& memory) {
  memory = DeviceMemory();
  if (bytes == 0) return true;
  const Current current(*this);
  if (properties_.integrated && bytes + kLeaveToSystem > memAvailable()) return false;
  DevicePointer at = 0;
  if (driver_.cuMemAlloc(&at, bytes) != kSuccess) return false;
  memory = DeviceMemory(*this, at, bytes);
  return clear(memory);
}

void GpuDevice::release(uint64_t address) {
  const Current current(*this);
  driver_.cuMemFree(address);
}

bool GpuDevice::copyTo(const DeviceMemory& to, const std::byte* from, uint64_t bytes) {
  if (bytes == 0) return true;
  const Current current(*this);
  return driver_.cuMemcpyHtoDAsync(to.address(), from, bytes, copies_) == kSuccess &&
         driver_.cuStreamSynchronize(copies_) == kSuccess;
}

bool GpuDevice::copyFrom(std::byte* to, const DeviceMemory& from, uint64_t bytes) {
  if (bytes == 0) return true;
  const Current current(*this);
  return driver_.cuMemcpyDtoHAsync(to, from.address(), bytes, copies_) == kSuccess &&
         driver_.cuStreamSynchronize(copies_) == kSuccess;
}

bool GpuDevice::clear(const DeviceMemory& memory) {
  if (memory.bytes() == 0) return true;
  const Current current(*this);
  return driver_.cuMemsetD8Async(memory.address(), 0, memory.bytes(), copies_) == kSuccess &&
         driver_.cuStreamSynchronize(copies_) == kSuccess;
}

// A failure that all later calls repeat is one that this call repeats.
std::string GpuDevice::lost() {
  const Current current(*this);
  const Result result = driver_.cuStreamSynchronize(copies_);
  if (result == kSuccess) return "";
  lost_.store(true, std::memory_order_relaxed);
  return textOf({result, "cuStreamSynchronize"});
}

Block GpuDevice::hostMemory(uint64_t bytes) {
  if (bytes == 0) return Block();
  const Current current(*this);
  void* base = nullptr;
  if (driver_.cuMemHostAlloc(&base, bytes, kHostAllocPortable | kHostAllocDeviceMap) != kSuccess) base = nullptr;
  if (base != nullptr) std::memset(base, 0, bytes);
  return Block::of(static_cast<std::byte*>(base), bytes, [](std::byte* host) {
    const Current here(*theDevice);
    theDevice->driver_.cuMemFreeHost(host);
  });
}

bool GpuDevice::addressOf(const std::byte* host, uint64_t& address) {
  const Current current(*this);
  return driver_.cuMemHostGetDevicePointer(&address, const_cast<std::byte*>(host), 0) == kSuccess;
}

void GpuDevice::offer(const std::string& name, const char* image) {
  std::lock_guard lock(mutex_);
  images_.emplace_back(name, image);
}

bool GpuDevice::hasOffers() {
  std::lock_guard lock(mutex_);
  return !images_.empty();
}

Module GpuDevice::moduleOf(const std::string& name, std::string& why) {
  if (const auto found = modules_.find(name); found != modules_.end()) return found->second;
  std::string tried;
  const auto load = [&](const std::string& from, const char* image) {
    Module module = nullptr;
    const Result result = driver_.cuModuleLoadData(&module, image);
    if (result == kSuccess) return modules_[name] = module;
    tried += "; " + from + ": " + cuda::textOf(driver_, result);
    return Module{};
  };
  for (const std::string& pattern : files_) {
    const size_t star = pattern.rfind('*');
    if (star == std::string::npos) continue;
    const std::string path = pattern.substr(0, star) + name + pattern.substr(star + 1);
    std::vector<char> image = contentsOf(path);
    if (image.empty()) continue;
    image.push_back(0);  // PTX is text that ends so
    if (const Module module = load(path, image.data())) return module;
  }
  for (const auto& [of, image] : images_) {
    if (of != name) continue;
    if (const Module module = load("the package's", image)) return module;
  }
  why = "kernels \"" + name + "\" were not found in " + (files_.empty() ? "the package" : files_.back()) + tried;
  return nullptr;
}

Function GpuDevice::entry(const Launch& launch, std::string& why) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(launch.entry);
  Function function = found == entries_.end() ? nullptr : found->second;
  if (function == nullptr) {
    const Module module = moduleOf(launch.module, why);
    if (module == nullptr) return nullptr;
    if (const Result result = driver_.cuModuleGetFunction(&function, module, launch.entry); result != kSuccess) {
      why = std::string(launch.entry) + ": " + cuda::textOf(driver_, result);
      return nullptr;
    }
    // As much as any launch may want: the attribute is the function's, and launches of many programs share it.
    const auto most = static_cast<int>(properties_.traits.sharedBytes);
    int fixed = 0;
    driver_.cuFuncGetAttribute(&fixed, kFunctionSharedBytes, function);
    driver_.cuFuncSetAttribute(function, kFunctionMaxDynamicSharedBytes, most - fixed);
    entries_[launch.entry] = function;
  }
  return function;
}

std::unique_ptr<AcceleratedProgram> GpuDevice::accelerate(Program& program, LoadError& error) {
  return GpuProgram::make(*this, program, error);
}

}  // namespace dsnk::cuda
#endif
