// Device and pinned memory of the emulated driver. Device memory is poisoned when it is allocated, and ends at a page that
// faults: 256 bytes are the granularity, as on a GPU.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "cuda/emulator/driver.h"

namespace dsnk::cuda {

namespace {
constexpr size_t kGrain = 256, kPage = 4096;
size_t roundUp(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

DevicePointer address(const void* p) { return reinterpret_cast<DevicePointer>(p); }

template <class Map, class Bytes>
bool holds(const Map& map, DevicePointer p, size_t bytes, Bytes of) {
  auto after = map.upper_bound(p);
  if (after == map.begin()) return false;
  --after;
  return p - after->first <= of(after->second) && bytes <= of(after->second) - (p - after->first);
}
}  // namespace

bool isPinned(const void* p, size_t bytes) {
  const auto same = [](size_t n) { return n; };
  return holds(driver().pinned, address(p), bytes, same) || holds(driver().registered, address(p), bytes, same);
}

bool isDevice(DevicePointer p, size_t bytes) {
  return holds(driver().device, p, bytes, [](const Allocation& b) { return b.bytes; }) ||
         isPinned(reinterpret_cast<const void*>(p), bytes);
}

void freeEverything() {
  for (StreamObject* stream : driver().streams) stream->waiting.clear();
  driver().defaultStream.waiting.clear();
  for (auto& [pointer, block] : driver().device) munmap(block.mapping, block.mapped);
  for (auto& [pointer, bytes] : driver().pinned) std::free(reinterpret_cast<void*>(pointer));
  driver().device.clear();
  driver().pinned.clear();
  driver().registered.clear();
  driver().used = 0;
}

}  // namespace dsnk::cuda

using namespace dsnk::cuda;

#define DSNK_EXPORT extern "C" __attribute__((visibility("default")))

DSNK_EXPORT Result cuMemAlloc_v2(DevicePointer* pointer, size_t bytes) {
  const Call call;
  if (call.refused) return call.refused;
  if (bytes == 0) return kInvalidValue;
  const size_t grains = roundUp(bytes, kGrain), mapped = roundUp(grains, kPage) + kPage;
  if (grains < bytes || driver().used + grains > totalMemory()) return kOutOfMemory;
  void* mapping = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return kOutOfMemory;
  std::byte* const end = static_cast<std::byte*>(mapping) + mapped - kPage;
  mprotect(end, kPage, PROT_NONE);
  constexpr size_t kPoisoned = size_t{64} << 20;  // of large blocks, the beginning
  std::memset(end - grains, 0xff, grains < kPoisoned ? grains : kPoisoned);
  *pointer = address(end - grains);
  driver().device[*pointer] = {bytes, mapping, mapped};
  driver().used += grains;
  return kSuccess;
}

DSNK_EXPORT Result cuMemFree_v2(DevicePointer pointer) {
  const Call call;
  if (call.refused) return call.refused;
  if (pointer == 0) return kSuccess;
  const auto it = driver().device.find(pointer);
  if (it == driver().device.end()) return kInvalidValue;
  const Result result = drainAll();
  driver().used -= roundUp(it->second.bytes, kGrain);
  munmap(it->second.mapping, it->second.mapped);
  driver().device.erase(it);
  return result;
}

DSNK_EXPORT Result cuMemGetInfo_v2(size_t* free, size_t* total) {
  const Call call;
  if (call.refused) return call.refused;
  *total = totalMemory();
  *free = driver().used > *total ? 0 : *total - driver().used;
  return kSuccess;
}

DSNK_EXPORT Result cuMemHostAlloc(void** pointer, size_t bytes, unsigned) {
  const Call call;
  if (call.refused) return call.refused;
  if (bytes == 0) return kInvalidValue;
  *pointer = std::aligned_alloc(kPage, roundUp(bytes, kPage));
  if (!*pointer) return kOutOfMemory;
  std::memset(*pointer, 0xff, bytes);
  driver().pinned[address(*pointer)] = bytes;
  return kSuccess;
}

DSNK_EXPORT Result cuMemFreeHost(void* pointer) {
  const Call call;
  if (call.refused) return call.refused;
  if (!driver().pinned.count(address(pointer))) return kInvalidValue;
  const Result result = drainAll();
  driver().pinned.erase(address(pointer));
  std::free(pointer);
  return result;
}

DSNK_EXPORT Result cuMemHostRegister_v2(void* pointer, size_t bytes, unsigned) {
  const Call call;
  if (call.refused) return call.refused;
  if (!pointer || bytes == 0) return kInvalidValue;
  if (isPinned(pointer, 1)) return kHostMemoryAlreadyRegistered;
  driver().registered[address(pointer)] = bytes;
  return kSuccess;
}

DSNK_EXPORT Result cuMemHostUnregister(void* pointer) {
  const Call call;
  if (call.refused) return call.refused;
  if (!driver().registered.count(address(pointer))) return kInvalidValue;
  const Result result = drainAll();
  driver().registered.erase(address(pointer));
  return result;
}

DSNK_EXPORT Result cuMemHostGetDevicePointer_v2(DevicePointer* device, void* host, unsigned flags) {
  const Call call;
  if (call.refused) return call.refused;
  if (flags || !isPinned(host, 1)) return kInvalidValue;
  *device = address(host);
  return kSuccess;
}

// From memory that is not pinned, a driver copies before it returns.
DSNK_EXPORT Result cuMemcpyHtoDAsync_v2(DevicePointer to, const void* from, size_t bytes, Stream stream) {
  const Call call;
  if (call.refused) return call.refused;
  if (bytes == 0) return kSuccess;
  if (!from || !isDevice(to, bytes)) return kInvalidValue;
  const auto copy = [=](const void* source) {
    if (!isDevice(to, bytes)) return lose(kIllegalAddress, "a copy to memory that has been freed");
    std::memcpy(reinterpret_cast<void*>(to), source, bytes);
    return kSuccess;
  };
  if (capturing(stream) || isPinned(from, bytes)) return enqueue(stream, [=] { return copy(from); });
  const auto* begin = static_cast<const std::byte*>(from);
  return enqueue(stream, [=, staged = std::vector<std::byte>(begin, begin + bytes)] { return copy(staged.data()); });
}

// To memory that is not pinned, it returns when the copy is done.
DSNK_EXPORT Result cuMemcpyDtoHAsync_v2(void* to, DevicePointer from, size_t bytes, Stream stream) {
  const Call call;
  if (call.refused) return call.refused;
  if (bytes == 0) return kSuccess;
  if (!to || !isDevice(from, bytes)) return kInvalidValue;
  const Result queued = enqueue(stream, [=] {
    if (!isDevice(from, bytes)) return lose(kIllegalAddress, "a copy from memory that has been freed");
    std::memcpy(to, reinterpret_cast<const void*>(from), bytes);
    return kSuccess;
  });
  if (queued || capturing(stream) || isPinned(to, bytes)) return queued;
  return drain(stream);
}

DSNK_EXPORT Result cuMemcpyDtoDAsync_v2(DevicePointer to, DevicePointer from, size_t bytes, Stream stream) {
  const Call call;
  if (call.refused) return call.refused;
  if (bytes == 0) return kSuccess;
  if (!isDevice(to, bytes) || !isDevice(from, bytes)) return kInvalidValue;
  return enqueue(stream, [=] {
    if (!isDevice(to, bytes) || !isDevice(from, bytes))
      return lose(kIllegalAddress, "a copy of memory that has been freed");
    std::memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes);
    return kSuccess;
  });
}

DSNK_EXPORT Result cuMemsetD8Async(DevicePointer to, unsigned char value, size_t bytes, Stream stream) {
  const Call call;
  if (call.refused) return call.refused;
  if (bytes == 0) return kSuccess;
  if (!isDevice(to, bytes)) return kInvalidValue;
  return enqueue(stream, [=] {
    if (!isDevice(to, bytes)) return lose(kIllegalAddress, "memory was set that has been freed");
    std::memset(reinterpret_cast<void*>(to), value, bytes);
    return kSuccess;
  });
}
