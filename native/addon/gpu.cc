// The GPU of the process: opened once, by the first session that asks for it.
#include "addon/surface.h"

#if defined(__x86_64__) || defined(__aarch64__)
#include "cuda/device.h"
#include "runtime/cpu_features.h"

namespace dsnk {

Accelerator* openedGpu() { return cuda::GpuDevice::opened(); }

// openGpu(library, files) → what the GPU is, or { cause, detail } where there is none to be had
Napi::Value openGpu(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<std::string> files;
  const auto list = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) files.push_back(list.Get(i).ToString());
  cuda::Refusal why;
  cuda::GpuDevice* device = cuda::GpuDevice::open(info[0].ToString(), files, why);
  auto out = Napi::Object::New(env);
  if (device == nullptr) {
    out.Set("cause", static_cast<uint32_t>(why.cause));
    out.Set("detail", why.detail);
    return out;
  }
  const cuda::Properties& p = device->properties();
  out.Set("cause", 0);
  out.Set("name", p.name);
  out.Set("driverVersion", p.driverVersion);
  out.Set("capability", p.traits.capability);
  out.Set("multiprocessors", p.traits.multiprocessors);
  out.Set("memoryBytes", static_cast<double>(p.memoryBytes));
  out.Set("integrated", p.integrated);
  auto isas = Napi::Array::New(env);
  for (Isa isa : {Isa::sm72, Isa::sm75, Isa::sm80, Isa::sm90}) {
    if (device->runs(isa)) isas.Set(isas.Length(), isaName(isa));
  }
  out.Set("isas", isas);
  out.Set("paramBytes", kLaunchParamBytes);
  out.Set("hasKernels", device->hasOffers());
  return out;
}

// offerKernels(bytes, names, places): images of modules for the GPU that is open, where in `bytes` each begins. A zero must
// end the last.
Napi::Value offerKernels(const Napi::CallbackInfo& info) {
  View view;
  cuda::GpuDevice* device = cuda::GpuDevice::opened();
  if (device == nullptr || !viewOf(info.Env(), info[0], view) || view.bytes == 0 ||
      view.base[view.bytes - 1] != std::byte{0})
    throw typeError(info.Env(), "offerKernels: a GPU that is open, and bytes that end with 0");
  // Lives as long as the device, which outlives all: modules are loaded when they are first asked for.
  auto* bytes =
      new std::vector<char>(reinterpret_cast<char*>(view.base), reinterpret_cast<char*>(view.base) + view.bytes);
  const auto names = info[1].As<Napi::Array>(), places = info[2].As<Napi::Array>();
  for (uint32_t i = 0; i < names.Length(); i++) {
    const uint32_t at = places.Get(i).ToNumber();
    if (at < bytes->size()) device->offer(names.Get(i).ToString(), bytes->data() + at);
  }
  return info.Env().Undefined();
}

}  // namespace dsnk
#else

namespace dsnk {

// NVIDIA has no driver for 32 bits.
Accelerator* openedGpu() { return nullptr; }
Napi::Value openGpu(const Napi::CallbackInfo& info) {
  auto out = Napi::Object::New(info.Env());
  out.Set("cause", 1);
  out.Set("detail", "a 32-bit Node");
  return out;
}
Napi::Value offerKernels(const Napi::CallbackInfo& info) { return info.Env().Undefined(); }

}  // namespace dsnk
#endif
