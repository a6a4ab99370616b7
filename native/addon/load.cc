// Stores of weights, states and programs: made, asked, dropped.
#include <cstring>

#include "addon/surface.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace dsnk {

namespace {

// A handle that JavaScript holds as an external; `dispose` empties it early.
struct ProgramHandle {
  std::shared_ptr<Program> program;
};
struct StoreHandle {
  std::shared_ptr<WeightStore> store;
};
struct StateHandle {
  std::shared_ptr<State> state;
};

// Two unrelated externals of other addons must never be taken for ours.
constexpr napi_type_tag kProgramTag{0x9d1c54ba6f0a4f10, 0xa7d0f3a15c9b2e01};
constexpr napi_type_tag kStoreTag{0x9d1c54ba6f0a4f10, 0xa7d0f3a15c9b2e02};
constexpr napi_type_tag kStateTag{0x9d1c54ba6f0a4f10, 0xa7d0f3a15c9b2e03};

template <class T>
Napi::Value wrap(Napi::Env env, T* handle, const napi_type_tag& tag) {
  auto external = Napi::External<T>::New(env, handle, [](Napi::Env, T* h) { delete h; });
  external.TypeTag(&tag);
  return external;
}

template <class T>
T* unwrap(const Napi::Value& value, const napi_type_tag& tag) {
  if (!value.IsExternal()) return nullptr;
  auto external = value.As<Napi::External<T>>();
  return external.CheckTypeTag(&tag) ? external.Data() : nullptr;
}

}  // namespace

std::shared_ptr<Program> programOf(const Napi::CallbackInfo& info) {
  auto* h = unwrap<ProgramHandle>(info[0], kProgramTag);
  if (h == nullptr || !h->program) throw typeError(info.Env(), "program must be a live program");
  return h->program;
}

// createStore(onGpu): where its programs run; the GPU must have been opened
Napi::Value createStore(const Napi::CallbackInfo& info) {
  Accelerator* on = nullptr;
  if (info[0].ToBoolean()) {
    on = openedGpu();
    if (on == nullptr) throw typeError(info.Env(), "createStore: the GPU must be open");
  }
  return wrap(info.Env(), new StoreHandle{std::make_shared<WeightStore>(on)}, kStoreTag);
}

Napi::Value storeBytes(const Napi::CallbackInfo& info) {
  auto* h = unwrap<StoreHandle>(info[0], kStoreTag);
  return Napi::Number::New(info.Env(),
                           h && h->store ? static_cast<double>(h->store->bytes.load(std::memory_order_relaxed)) : 0);
}

// createState(bytes, store) → a handle to zeros where programs of the store run, or null when there is no memory for them; a text
// where their device has been lost
Napi::Value createState(const Napi::CallbackInfo& info) {
  auto* h = unwrap<StoreHandle>(info[1], kStoreTag);
  if (h == nullptr || !h->store) throw typeError(info.Env(), "createState: store must be a live store");
  auto state = std::make_shared<State>();
  const auto bytes = static_cast<uint64_t>(info[0].ToNumber().Int64Value());
  if (!state->allocate(bytes, h->store->accelerator)) {
    const std::string lost = h->store->accelerator == nullptr ? "" : h->store->accelerator->lost();
    return lost.empty() ? info.Env().Null() : Napi::String::New(info.Env(), lost);
  }
  return wrap(info.Env(), new StateHandle{std::move(state)}, kStateTag);
}

// clearState(state): zeros again, once no run is at work in it
Napi::Value clearState(const Napi::CallbackInfo& info) {
  auto* h = unwrap<StateHandle>(info[0], kStateTag);
  if (h == nullptr || !h->state) throw typeError(info.Env(), "clearState: state must be a live state");
  std::lock_guard lock(h->state->mutex);
  h->state->clear();
  return info.Env().Undefined();
}

std::shared_ptr<State> stateOf(Napi::Env env, const Napi::Value& value, const Program& program) {
  auto* h = unwrap<StateHandle>(value, kStateTag);
  if (h == nullptr && program.stateBytes == 0) return nullptr;
  const bool fits = h != nullptr && h->state && h->state->bytes >= program.stateBytes;
  if (!fits ||
      h->state->onDevice.of() != (program.stateBytes == 0 ? h->state->onDevice.of() : program.store->accelerator))
    throw typeError(env, "state must be a live state of the program's size");
  return h->state;
}

// load(words, store, sources, threads, keepSources, callback, sync): `sync` loads on this thread and calls back at once
Napi::Value loadProgram(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  struct Loading {
    std::vector<uint32_t> words;
    std::shared_ptr<WeightStore> store;
    std::vector<Source> sources;
    std::vector<std::shared_ptr<const Block>> owners;  // keeps sources alive where their pages are to be kept
    std::shared_ptr<Program> program;
    LoadError error;
    Napi::FunctionReference callback;
  };
  auto l = std::make_shared<Loading>();
  View words;
  auto* store = unwrap<StoreHandle>(info[1], kStoreTag);
  if (!viewOf(env, info[0], words) || store == nullptr || !store->store) {
    throw typeError(env, "load: words must be a typed array and store a live store");
  }
  l->words.resize(words.bytes / 4);
  if (!l->words.empty()) std::memcpy(l->words.data(), words.base, l->words.size() * 4);
  l->store = store->store;
  const auto list = info[2].As<Napi::Array>();
  const bool keep = info[4].ToBoolean();
  for (uint32_t i = 0; i < list.Length(); i++) {
    View v;
    if (!viewOf(env, list.Get(i), v)) throw typeError(env, "load: every source must be a typed array");
    Source s = sourceOf(Environment::of(env), v);
    if (v.bytes && s.base == nullptr) {
      l->error = {LoadError::outOfMemory, -1, Fault::none, "sources need " + std::to_string(v.bytes) + " bytes"};
    }
    l->owners.push_back(s.owner);
    if (keep) s.owner = nullptr;
    l->sources.push_back(std::move(s));
  }
  l->callback = Napi::Persistent(info[5].As<Napi::Function>());
  const uint32_t threads = std::max(1u, std::min(kMaxTeam, info[3].ToNumber().Uint32Value()));
  auto work = [l](Team& team) {
    if (l->error.code != LoadError::none) return;
    try {
      l->program = dsnk::load(l->words.data(), l->words.size(), l->store, l->sources, team, l->error);
    } catch (const std::bad_alloc&) {
      l->error = {LoadError::outOfMemory, -1, Fault::none, "program tables need more memory than there is"};
    }
    l->words = {};
    l->sources.clear();
    l->owners.clear();
  };
  auto complete = [l](Napi::Env e) {
    Napi::Value value = e.Null();
    if (l->program) value = wrap(e, new ProgramHandle{std::move(l->program)}, kProgramTag);
    callBack(e, l->callback, l->error.code, l->error.pc, l->error.fault_, l->error.what, value);
  };
  if (info[6].ToBoolean()) {
    CpuDevice::instance().runHere(threads, work);
    complete(env);
    return env.Undefined();
  }
  auto pending = std::make_unique<Environment::Pending>();
  pending->work = [work](Team& team, Environment::Pending&) { work(team); };
  pending->complete = [complete](Napi::Env e, Environment::Pending&) { complete(e); };
  Environment::of(env).submit(env, threads, std::move(pending));
  return env.Undefined();
}

// What a released session freed goes back to the system: glibc keeps it in the arenas of several threads otherwise.
static void returnFreeMemory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

// dispose(handle): drops what the handle holds; a run in flight keeps it alive until it ends.
Napi::Value dispose(const Napi::CallbackInfo& info) {
  if (auto* p = unwrap<ProgramHandle>(info[0], kProgramTag)) p->program.reset();
  if (auto* s = unwrap<StateHandle>(info[0], kStateTag)) s->state.reset();
  if (auto* s = unwrap<StoreHandle>(info[0], kStoreTag)) {
    s->store.reset();
    returnFreeMemory();
  }
  return info.Env().Undefined();
}

Napi::Value trim(const Napi::CallbackInfo& info) {
  programOf(info)->trim();
  return info.Env().Undefined();
}

Napi::Value programInfo(const Napi::CallbackInfo& info) {
  const auto program = programOf(info);
  const Program& p = *program;
  auto out = Napi::Object::New(info.Env());
  auto tiles = Napi::Array::New(info.Env(), p.main.size());
  for (uint32_t i = 0; i < p.main.size(); i++) tiles.Set(i, p.main[i].tiles);
  out.Set("threads", p.threads);
  out.Set("tiles", tiles);
  const uint64_t onDevice = p.accelerated ? p.accelerated->scratchBytes() : 0;
  out.Set("scratchBytes", static_cast<double>(p.scratchBytesPerThread * p.threads + onDevice));
  return out;
}

}  // namespace dsnk
