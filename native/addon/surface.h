// The functions that JavaScript calls, and what they share: handles, views of typed arrays, the call back.
// lib/runtime/binding.ts types them. TypeScript has checked the arguments; what could break memory safety is checked
// here again.
#pragma once
#include <napi.h>

#include <memory>
#include <string>

#include "addon/environment.h"
#include "runtime/program.h"

namespace dsnk {

// memory.cc
Napi::Value readFile(const Napi::CallbackInfo&);
Napi::Value adopt(const Napi::CallbackInfo&);
Napi::Value releaseBuffer(const Napi::CallbackInfo&);
// load.cc
Napi::Value createStore(const Napi::CallbackInfo&);
Napi::Value storeBytes(const Napi::CallbackInfo&);
Napi::Value createState(const Napi::CallbackInfo&);
Napi::Value clearState(const Napi::CallbackInfo&);
Napi::Value loadProgram(const Napi::CallbackInfo&);
Napi::Value dispose(const Napi::CallbackInfo&);
Napi::Value trim(const Napi::CallbackInfo&);
Napi::Value programInfo(const Napi::CallbackInfo&);
// run.cc
Napi::Value runSync(const Napi::CallbackInfo&);
Napi::Value run(const Napi::CallbackInfo&);
Napi::Value abortRun(const Napi::CallbackInfo&);

// gpu.cc
Napi::Value openGpu(const Napi::CallbackInfo&);
Napi::Value offerKernels(const Napi::CallbackInfo&);
Accelerator* openedGpu();  // null before openGpu has succeeded

// The program of a live handle; throws for anything else.
std::shared_ptr<Program> programOf(const Napi::CallbackInfo& info);

// The state of a live handle, large enough for the program; null where the value is none and the program needs none.
// Throws for anything else.
std::shared_ptr<State> stateOf(Napi::Env env, const Napi::Value& value, const Program& program);

struct View {
  std::byte* base = nullptr;
  size_t bytes = 0;
};

// The bytes of a typed array; false for any other value.
bool viewOf(napi_env env, napi_value value, View& view);

// A source that `load` may read off-thread: memory of ours as it is, JavaScript's as a copy.
Source sourceOf(Environment& e, const View& v);

inline Napi::Error typeError(Napi::Env env, const char* what) { return Napi::TypeError::New(env, what); }

// Calls back as (code, pc, fault, text); the session settles its promise there.
void callBack(Napi::Env env, const Napi::FunctionReference& f, uint32_t code, int32_t pc, Fault fault,
              const std::string& text, Napi::Value value);

}  // namespace dsnk
