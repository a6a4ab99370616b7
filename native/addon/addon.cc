// The table of the functions that JavaScript calls; arguments in, promise or result out, nothing else.
#include <napi.h>

#include <cstring>

#include "addon/surface.h"
#include "runtime/cpu_features.h"

namespace dsnk {

static Napi::Value catalogue(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto rows = Napi::Array::New(env, kKernelCount);
  for (uint32_t i = 0; i < kKernelCount; i++) {
    const Kernel& k = kKernels[i];
    auto row = Napi::Object::New(env);
    row.Set("id", i);
    row.Set("name", k.name);
    row.Set("op", k.contract->op);
    row.Set("operands", k.contract->operands);
    row.Set("inPlace", k.contract->inPlace);
    row.Set("paramBytes", k.contract->paramBytes);
    row.Set("tail", k.contract->tail);
    row.Set("dtypes", k.dtypes);
    row.Set("isa", isaName(k.isa));
    row.Set("nr", static_cast<uint32_t>(k.nr));
    row.Set("kr", static_cast<uint32_t>(k.kr));
    row.Set("usable", isaUsable(k.isa));
    const bool rounds = std::strcmp(k.dtypes, "f32bf16") == 0 || std::strcmp(k.dtypes, "f32f16") == 0;
    if (rounds && !narrowFloatsPay(k.isa)) row.Set("slow", true);
    rows.Set(i, row);
  }
  auto out = Napi::Object::New(env);
  out.Set("hash", catalogueHash());
  out.Set("kernels", rows);
  return out;
}

static Napi::Value cpu(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const CpuFeatures& f = cpuFeatures();
  auto out = Napi::Object::New(env);
  out.Set("model", f.model);
  out.Set("best", isaName(f.best));
  out.Set("isa", isaName(f.cap));
  auto isas = Napi::Array::New(env, f.isas.size());
  for (uint32_t i = 0; i < f.isas.size(); i++) isas.Set(i, isaName(f.isas[i]));
  out.Set("isas", isas);
  out.Set("unknownCap", f.unknownCap);
  out.Set("threads", f.threads);
  out.Set("l1dBytes", static_cast<double>(f.l1dBytes));
  out.Set("l2Bytes", static_cast<double>(f.l2Bytes));
  out.Set("l3Bytes", static_cast<double>(f.l3Bytes));
  return out;
}

// Calls back as (code, pc, fault, text); the session settles its promise there.
void callBack(Napi::Env env, const Napi::FunctionReference& f, uint32_t code, int32_t pc, Fault fault,
              const std::string& text, Napi::Value value) {
  f.Value().Call({Napi::Number::New(env, code), Napi::Number::New(env, pc),
                  Napi::Number::New(env, static_cast<uint32_t>(fault)), Napi::String::New(env, text), value});
}

// A function as JavaScript calls it: no C++ exception but Napi::Error may reach the frames of Node.
template <Napi::Value (*kFunction)(const Napi::CallbackInfo&)>
static Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    return kFunction(info);
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& e) {
    throw Napi::Error::New(info.Env(), e.what());
  }
}

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment(env));
  exports.Set("catalogue", Napi::Function::New(env, guarded<catalogue>));
  exports.Set("cpu", Napi::Function::New(env, guarded<cpu>));
  exports.Set("openGpu", Napi::Function::New(env, guarded<openGpu>));
  exports.Set("offerKernels", Napi::Function::New(env, guarded<offerKernels>));
  exports.Set("readFile", Napi::Function::New(env, guarded<readFile>));
  exports.Set("adopt", Napi::Function::New(env, guarded<adopt>));
  exports.Set("releaseBuffer", Napi::Function::New(env, guarded<releaseBuffer>));
  exports.Set("createStore", Napi::Function::New(env, guarded<createStore>));
  exports.Set("storeBytes", Napi::Function::New(env, guarded<storeBytes>));
  exports.Set("createState", Napi::Function::New(env, guarded<createState>));
  exports.Set("clearState", Napi::Function::New(env, guarded<clearState>));
  exports.Set("load", Napi::Function::New(env, guarded<loadProgram>));
  exports.Set("runSync", Napi::Function::New(env, guarded<runSync>));
  exports.Set("run", Napi::Function::New(env, guarded<run>));
  exports.Set("abort", Napi::Function::New(env, guarded<abortRun>));
  exports.Set("dispose", Napi::Function::New(env, guarded<dispose>));
  exports.Set("trim", Napi::Function::New(env, guarded<trim>));
  exports.Set("programInfo", Napi::Function::New(env, guarded<programInfo>));
  return exports;
}

// What entry.cc hands over to, once it has found that the processor can run the rest.
napi_value registerAddon(napi_env env, napi_value exports) { return Napi::RegisterModule(env, exports, init); }

}  // namespace dsnk
