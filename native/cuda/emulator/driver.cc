// Devices, contexts, symbols and errors of the emulated driver.
#include "cuda/emulator/driver.h"

#include <cstdlib>
#include <cstring>

namespace dsnk::cuda {

EmulatedDriver& driver() {
  static EmulatedDriver& instance = *new EmulatedDriver;  // outlives threads that still call at exit
  return instance;
}

int64_t setting(const char* name, int64_t otherwise) {
  const char* text = std::getenv((std::string("DSNK_EMULATOR_") + name).c_str());
  return text && *text ? std::strtoll(text, nullptr, 10) : otherwise;
}

size_t totalMemory() { return static_cast<size_t>(setting("MEMORY", int64_t{4} << 30)); }

int capability() { return static_cast<int>(setting("CAPABILITY", 87)); }

unsigned sharedMost() {
  switch (capability()) {
    case 72: return 96 * 1024;
    case 75: return 64 * 1024;
    case 80:
    case 87: return 163 * 1024;
    case 86:
    case 89:
    case 120: return 99 * 1024;
    default: return 227 * 1024;
  }
}

namespace {
thread_local std::vector<Context> current;

int deviceCount() { return static_cast<int>(setting("DEVICES", 1)); }
bool isDeviceNumber(Device device) { return device >= 0 && device < static_cast<int>(driver().contexts.size()); }
bool isContext(Context context) {
  for (ContextObject& c : driver().contexts) {
    if (&c == context) return true;
  }
  return false;
}
}  // namespace

Call::Call(bool context) : lock(driver().mutex) {
  const bool has = !current.empty() && current.back() && current.back()->retained;
  refused = !driver().initialized ? kNotInitialized
            : driver().lost       ? driver().lost
            : context && !has     ? kInvalidContext
                                  : kSuccess;
}

Result lose(Result error, std::string why) {
  driver().lost = error;
  driver().why = std::move(why);
  return error;
}

}  // namespace dsnk::cuda

using namespace dsnk::cuda;

#define DSNK_EXPORT extern "C" __attribute__((visibility("default")))

DSNK_EXPORT Result cuInit(unsigned flags) {
  const std::lock_guard lock(driver().mutex);
  if (flags) return kInvalidValue;
  if (deviceCount() <= 0) return kNoDevice;
  if (!driver().initialized) driver().contexts.resize(static_cast<size_t>(deviceCount()));
  for (size_t i = 0; i < driver().contexts.size(); i++) driver().contexts[i].device = static_cast<int>(i);
  driver().initialized = true;
  return kSuccess;
}

DSNK_EXPORT Result cuDriverGetVersion(int* version) {
  *version = static_cast<int>(setting("DRIVER_VERSION", 12040));
  return kSuccess;
}

namespace {
struct Named {
  Result error;
  const char* name;
  const char* text;
};
constexpr Named kErrors[] = {
    {kSuccess, "CUDA_SUCCESS", "no error"},
    {kInvalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {kNotInitialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {kDeinitialized, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
    {kNoDevice, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {kInvalidDevice, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {kInvalidImage, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {kInvalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {kInvalidHandle, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {kNotFound, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {kNotReady, "CUDA_ERROR_NOT_READY", "device not ready"},
    {kIllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {kLaunchOutOfResources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {kHostMemoryAlreadyRegistered, "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED",
     "part or all of the requested memory range is already mapped"},
    {kLaunchFailed, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {kNotSupported, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {kStreamCaptureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {kUnknown, "CUDA_ERROR_UNKNOWN", "unknown error"},
};
const Named* named(Result error) {
  for (const Named& n : kErrors) {
    if (n.error == error) return &n;
  }
  return nullptr;
}
}  // namespace

DSNK_EXPORT Result cuGetErrorName(Result error, const char** name) {
  const Named* n = named(error);
  *name = n ? n->name : nullptr;
  return n ? kSuccess : kInvalidValue;
}

// With what went wrong in the launch that lost the device.
DSNK_EXPORT Result cuGetErrorString(Result error, const char** text) {
  const std::lock_guard lock(driver().mutex);
  static std::string* const longer = new std::string;
  const Named* n = named(error);
  *text = n ? n->text : nullptr;
  if (n && error != kSuccess && error == driver().lost) {
    *longer = std::string(n->text) + ": " + driver().why;
    *text = longer->c_str();
  }
  return n ? kSuccess : kInvalidValue;
}

DSNK_EXPORT Result cuDeviceGetCount(int* count) {
  const Call call(false);
  if (call.refused) return call.refused;
  *count = static_cast<int>(driver().contexts.size());
  return kSuccess;
}

DSNK_EXPORT Result cuDeviceGet(Device* device, int ordinal) {
  const Call call(false);
  if (call.refused) return call.refused;
  if (!isDeviceNumber(ordinal)) return kInvalidDevice;
  *device = ordinal;
  return kSuccess;
}

DSNK_EXPORT Result cuDeviceGetName(char* name, int length, Device device) {
  const Call call(false);
  if (call.refused) return call.refused;
  if (!isDeviceNumber(device) || length <= 0) return kInvalidDevice;
  std::strncpy(name, "Emulated GPU", static_cast<size_t>(length));
  name[length - 1] = 0;
  return kSuccess;
}

DSNK_EXPORT Result cuDeviceGetAttribute(int* value, DeviceAttribute attribute, Device device) {
  const Call call(false);
  if (call.refused) return call.refused;
  if (!isDeviceNumber(device)) return kInvalidDevice;
  switch (attribute) {
    case kMaxThreadsPerBlock: *value = 1024; return kSuccess;
    case kMaxSharedMemoryPerBlock: *value = 48 * 1024; return kSuccess;
    case kWarpSize: *value = 32; return kSuccess;
    case kMultiprocessorCount: *value = 8; return kSuccess;
    case kIntegrated: *value = setting("INTEGRATED", 0) != 0; return kSuccess;
    case kCanMapHostMemory:
    case kUnifiedAddressing: *value = 1; return kSuccess;
    case kL2CacheSize: *value = 4 << 20; return kSuccess;
    case kCapabilityMajor: *value = capability() / 10; return kSuccess;
    case kCapabilityMinor: *value = capability() % 10; return kSuccess;
    case kMaxSharedMemoryPerBlockOptin: *value = static_cast<int>(sharedMost()); return kSuccess;
  }
  return kInvalidValue;
}

DSNK_EXPORT Result cuDeviceTotalMem_v2(size_t* bytes, Device device) {
  const Call call(false);
  if (call.refused) return call.refused;
  if (!isDeviceNumber(device)) return kInvalidDevice;
  *bytes = totalMemory();
  return kSuccess;
}

DSNK_EXPORT Result cuDevicePrimaryCtxRetain(Context* context, Device device) {
  const Call call(false);
  if (call.refused) return call.refused;
  if (!isDeviceNumber(device)) return kInvalidDevice;
  *context = &driver().contexts[static_cast<size_t>(device)];
  (*context)->retained++;
  return kSuccess;
}

// The last one frees all memory and, where the device was lost, brings it back.
DSNK_EXPORT Result cuDevicePrimaryCtxRelease_v2(Device device) {
  const std::lock_guard lock(driver().mutex);
  if (!isDeviceNumber(device)) return kInvalidDevice;
  ContextObject& context = driver().contexts[static_cast<size_t>(device)];
  if (context.retained == 0) return kInvalidContext;
  if (--context.retained == 0) {
    for (const ContextObject& c : driver().contexts) {
      if (c.retained) return kSuccess;
    }
    freeEverything();
    driver().lost = kSuccess;
    driver().launches = 0;
  }
  return kSuccess;
}

DSNK_EXPORT Result cuDevicePrimaryCtxSetFlags_v2(Device device, unsigned) {
  const Call call(false);
  if (call.refused) return call.refused;
  return isDeviceNumber(device) ? kSuccess : kInvalidDevice;
}

DSNK_EXPORT Result cuCtxSetCurrent(Context context) {
  const Call call(false);
  if (call.refused) return call.refused;
  if (context && !isContext(context)) return kInvalidContext;
  if (!current.empty()) current.pop_back();
  if (context) current.push_back(context);
  return kSuccess;
}

DSNK_EXPORT Result cuCtxPushCurrent_v2(Context context) {
  const Call call(false);
  if (call.refused) return call.refused;
  if (!isContext(context)) return kInvalidContext;
  current.push_back(context);
  return kSuccess;
}

DSNK_EXPORT Result cuCtxPopCurrent_v2(Context* context) {
  const std::lock_guard lock(driver().mutex);
  if (current.empty()) return kInvalidContext;
  if (context) *context = current.back();
  current.pop_back();
  return kSuccess;
}

#define DSNK_DECLARE(name, exported, since, parameters) extern "C" Result exported parameters;
DSNK_CUDA_FUNCTIONS(DSNK_DECLARE)

namespace {
struct Symbol {
  const char* name;
  void* function;
  int since;
};
const Symbol kSymbols[] = {
#define DSNK_SYMBOL(name, exported, since, parameters) {#name, reinterpret_cast<void*>(&exported), since},
    DSNK_CUDA_FUNCTIONS(DSNK_SYMBOL)};

bool isMissing(const char* name) {
  const char* list = std::getenv("DSNK_EMULATOR_MISSING");
  const size_t length = std::strlen(name);
  for (const char* at = list; at; at = std::strchr(at, ',')) {
    if (*at == ',') at++;
    if (std::strncmp(at, name, length) == 0 && (at[length] == 0 || at[length] == ',')) return true;
  }
  return false;
}
}  // namespace

DSNK_EXPORT Result cuGetProcAddress_v2(const char* base, void** function, int cudaVersion, uint64_t, int* status) {
  *function = nullptr;
  int came = kSymbolMissing;
  for (const Symbol& symbol : kSymbols) {
    if (std::strcmp(symbol.name, base) != 0 || isMissing(base)) continue;
    if (symbol.since > setting("DRIVER_VERSION", 12040)) continue;
    if (symbol.since > cudaVersion) {
      came = kSymbolTooNew;
      continue;
    }
    *function = symbol.function;
    came = kSymbolFound;
  }
  if (status) *status = came;
  return came == kSymbolFound ? kSuccess : kNotFound;
}

DSNK_EXPORT Result cuGetProcAddress(const char* base, void** function, int cudaVersion, uint64_t flags) {
  return cuGetProcAddress_v2(base, function, cudaVersion, flags, nullptr);
}
