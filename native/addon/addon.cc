// The native surface that lib/runtime/binding.ts types: arguments in, promise or result out, nothing else.
// TypeScript has checked the arguments; what could break memory safety is checked here again.
#include <napi.h>

#if defined(__GLIBC__)
#include <malloc.h>
#include <sys/stat.h>
#endif

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "addon/environment.h"
#include "runtime/cpu_features.h"
#include "runtime/device.h"
#include "runtime/executor.h"
#include "runtime/program.h"

namespace dsnk {

namespace {

// A handle that JavaScript holds as an external; `dispose` empties it early.
struct ProgramHandle {
  std::shared_ptr<Program> program;
};
struct StoreHandle {
  std::shared_ptr<WeightStore> store;
};

// Two unrelated externals of other addons must never be taken for ours.
constexpr napi_type_tag kProgramTag{0x9d1c54ba6f0a4f10, 0xa7d0f3a15c9b2e01};
constexpr napi_type_tag kStoreTag{0x9d1c54ba6f0a4f10, 0xa7d0f3a15c9b2e02};

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

struct View {
  std::byte* base = nullptr;
  size_t bytes = 0;
};

// The bytes of a typed array, straight through the C API: this is the hot part of a call.
bool viewOf(napi_env env, napi_value value, View& view) {
  napi_typedarray_type type{};
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) return false;
  static constexpr uint8_t kBytes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 2};
  if (static_cast<size_t>(type) >= sizeof kBytes) return false;
  view = {static_cast<std::byte*>(data), length * kBytes[type]};
  return true;
}

Napi::Error typeError(Napi::Env env, const char* what) { return Napi::TypeError::New(env, what); }

Napi::Array resultArray(Napi::Env env, const RunResult& r) {
  auto a = Napi::Array::New(env, 3);
  a.Set(0u, static_cast<uint32_t>(r.code));
  a.Set(1u, r.pc);
  a.Set(2u, static_cast<uint32_t>(r.fault_));
  return a;
}

// Calls back as (code, pc, fault, text); the session settles its promise there.
void callBack(Napi::Env env, const Napi::FunctionReference& f, uint32_t code, int32_t pc, Fault fault,
              const std::string& text, Napi::Value value) {
  f.Value().Call({Napi::Number::New(env, code), Napi::Number::New(env, pc),
                  Napi::Number::New(env, static_cast<uint32_t>(fault)), Napi::String::New(env, text), value});
}

}  // namespace

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
    if (std::strcmp(k.dtypes, "f32bf16") == 0 && !bfloatsPay(k.isa)) row.Set("slow", true);
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
  out.Set("unknownCap", f.unknownCap);
  out.Set("threads", f.threads);
  out.Set("l1dBytes", static_cast<double>(f.l1dBytes));
  out.Set("l2Bytes", static_cast<double>(f.l2Bytes));
  out.Set("l3Bytes", static_cast<double>(f.l3Bytes));
  return out;
}

// Hands a block to JavaScript without a copy where the host allows external buffers (Electron does not).
static Napi::Value toArrayBuffer(Napi::Env env, std::shared_ptr<Block> block) {
  napi_value buffer = nullptr;
  Environment& e = Environment::of(env);
  auto* holder = new std::shared_ptr<Block>(block);
  const napi_status status = napi_create_external_arraybuffer(
      env, block->base(), block->bytes(),
      [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Block>*>(hint); }, holder, &buffer);
  if (status == napi_ok && block->bytes() > 0) {
    std::erase_if(e.handedOut, [](const std::weak_ptr<Block>& w) { return w.expired(); });
    e.handedOut.push_back(block);
    return Napi::Value(env, buffer);
  }
  if (status != napi_ok) delete holder;
  auto copy = Napi::ArrayBuffer::New(env, block->bytes());
  if (block->bytes()) std::memcpy(copy.Data(), block->base(), block->bytes());
  return copy;
}

// readFile(path, callback): the file in memory of ours, so that `load` can read it off-thread and give it back
// piecewise.
static Napi::Value readFile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  struct Reading {
    std::string path;
    std::shared_ptr<Block> block = std::make_shared<Block>();  // made here: the executor may not throw
    bool read = false;
    int error = 0;
    Napi::FunctionReference callback;
  };
  auto r = std::make_shared<Reading>();
  r->path = info[0].As<Napi::String>().Utf8Value();
  r->callback = Napi::Persistent(info[1].As<Napi::Function>());
  auto pending = std::make_unique<Environment::Pending>();
  pending->work = [r](Team&, Environment::Pending&) {
    // A path with a zero in it would end there, and opening a pipe would wait for its other end.
    struct stat status;
    if (r->path.find('\0') != std::string::npos) {
      r->error = EINVAL;
    } else if (stat(r->path.c_str(), &status) != 0) {
      r->error = errno;
    } else if (!S_ISREG(status.st_mode)) {
      r->error = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    }
    if (r->error != 0) return;
    FILE* f = std::fopen(r->path.c_str(), "rbe");
    if (f == nullptr) {
      r->error = errno;
      return;
    }
    off_t size = -1;
    if (fseeko(f, 0, SEEK_END) == 0) size = ftello(f);
    if (size < 0 || fseeko(f, 0, SEEK_SET) != 0) {
      r->error = errno ? errno : EIO;
    } else {
      Block block = Block::allocate(static_cast<uint64_t>(size));
      if (!block.ok()) {
        r->error = ENOMEM;
      } else {
        errno = 0;
        if (size > 0 && std::fread(block.base(), 1, static_cast<size_t>(size), f) != static_cast<size_t>(size)) {
          r->error = errno ? errno : EIO;
        } else {
          *r->block = std::move(block);
          r->read = true;
        }
      }
    }
    std::fclose(f);
  };
  pending->complete = [r](Napi::Env e, Environment::Pending&) {
    Napi::Value value = r->read ? toArrayBuffer(e, r->block) : e.Null();
    callBack(e, r->callback, static_cast<uint32_t>(r->error), -1, Fault::none, r->error ? std::strerror(r->error) : "",
             value);
  };
  Environment::of(env).submit(env, 1, std::move(pending));
  return env.Undefined();
}

// adopt(bytes): a copy in memory of ours.
static Napi::Value adopt(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  View v;
  if (!viewOf(env, info[0], v)) throw typeError(env, "adopt: bytes must be a typed array");
  auto block = std::make_shared<Block>(Block::allocate(v.bytes));
  if (!block->ok()) return env.Null();
  if (v.bytes) std::memcpy(block->base(), v.base, v.bytes);
  return toArrayBuffer(env, std::move(block));
}

// releaseBuffer(arrayBuffer): detaches a buffer of readFile or adopt and gives its memory back unless a job reads it.
static Napi::Value releaseBuffer(const Napi::CallbackInfo& info) {
  if (!info[0].IsArrayBuffer()) return info.Env().Undefined();
  auto buffer = info[0].As<Napi::ArrayBuffer>();
  for (auto& weak : Environment::of(info.Env()).handedOut) {
    // The buffer's own reference goes when V8 gets round to it; the pages go now.
    auto block = weak.lock();
    if (block && block->base() == buffer.Data() && block.use_count() == 2) block->discard(0, block->bytes());
  }
  if (!buffer.IsDetached()) buffer.Detach();
  return info.Env().Undefined();
}

static Napi::Value createStore(const Napi::CallbackInfo& info) {
  return wrap(info.Env(), new StoreHandle{std::make_shared<WeightStore>()}, kStoreTag);
}

static Napi::Value storeBytes(const Napi::CallbackInfo& info) {
  auto* h = unwrap<StoreHandle>(info[0], kStoreTag);
  return Napi::Number::New(info.Env(),
                           h && h->store ? static_cast<double>(h->store->bytes.load(std::memory_order_relaxed)) : 0);
}

// A source that `load` may read off-thread: memory of ours as it is, JavaScript's as a copy.
static Source sourceOf(Environment& e, const View& v) {
  for (auto& weak : e.handedOut) {
    auto block = weak.lock();
    if (!block || v.base < block->base() || v.bytes > block->bytes()) continue;
    if (static_cast<uint64_t>(v.base - block->base()) <= block->bytes() - v.bytes) return {v.base, v.bytes, block};
  }
  auto copy = std::make_shared<Block>(Block::allocate(v.bytes));
  if (!copy->ok()) return {nullptr, 0, nullptr};
  if (v.bytes) std::memcpy(copy->base(), v.base, v.bytes);
  return {copy->base(), v.bytes, copy};
}

// load(words, store, sources, threads, keepSources, callback, sync): `sync` loads on this thread and calls back at once
static Napi::Value loadProgram(const Napi::CallbackInfo& info) {
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

// Copies typed arrays into (or out of) the io ranges of a program. False when count or sizes do not fit.
static bool copyIn(napi_env env, const Napi::Array& arrays, const std::vector<IoRange>& ranges, const Block& io) {
  if (arrays.Length() != ranges.size()) return false;
  for (uint32_t i = 0; i < ranges.size(); i++) {
    napi_value item = nullptr;
    View v;
    if (napi_get_element(env, arrays, i, &item) != napi_ok || !viewOf(env, item, v) || v.bytes != ranges[i].bytes)
      return false;
    if (v.bytes) std::memcpy(io.base() + ranges[i].offset, v.base, v.bytes);
  }
  return true;
}

static bool copyOut(napi_env env, const Napi::Array& arrays, const std::vector<IoRange>& ranges, const Block& io) {
  if (arrays.Length() != ranges.size()) return false;
  for (uint32_t i = 0; i < ranges.size(); i++) {
    napi_value item = nullptr;
    View v;
    if (napi_get_element(env, arrays, i, &item) != napi_ok) return false;
    napi_valuetype type{};
    napi_typeof(env, item, &type);
    if (type == napi_undefined || type == napi_null) continue;  // an output nobody asked for
    if (!viewOf(env, item, v) || v.bytes != ranges[i].bytes) return false;
    if (v.bytes) std::memcpy(v.base, io.base() + ranges[i].offset, v.bytes);
  }
  return true;
}

// Codes of run and runSync beyond RunResult's.
enum RunCode : uint32_t { kOutOfMemory = 10, kBadInputs = 11, kBadOutputs = 12 };

// Throws nothing: it runs on threads that have nobody to catch.
static RunResult runProgram(Program& p, const RunMemory& m, Team& team, const std::atomic<bool>& abort,
                            uint64_t* times) noexcept {
  const SegmentBases bases{m.arena.base(),          m.io.base(),    p.state.base(), m.scratch.base(),
                           p.scratchBytesPerThread, &p.weightBases, nullptr};
  try {
    return execute(p.main, p.operands, bases, team, abort, times);
  } catch (const std::bad_alloc&) {
    return {static_cast<RunResult::Code>(kOutOfMemory), -1};
  }
}

static Program* programOf(const Napi::CallbackInfo& info) {
  auto* h = unwrap<ProgramHandle>(info[0], kProgramTag);
  if (h == nullptr || !h->program) throw typeError(info.Env(), "program must be a live program");
  return h->program.get();
}

// runSync(program, inputs, outputs, times | null) → [code, pc, fault]
static Napi::Value runSync(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Program& p = *programOf(info);
  const auto inputs = info[1].As<Napi::Array>(), outputs = info[2].As<Napi::Array>();
  RunResult result;
  auto memory = p.takeMemory();
  if (!memory) {
    result.code = static_cast<RunResult::Code>(kOutOfMemory);
    return resultArray(env, result);
  }
  if (!copyIn(env, inputs, p.inputs, memory->io)) {
    result.code = static_cast<RunResult::Code>(kBadInputs);
  } else {
    std::vector<uint64_t> times(info[3].IsTypedArray() ? p.main.size() : 0);
    const std::atomic<bool> never{false};
    CpuDevice::instance().runHere(p.threads, [&](Team& team) {
      result = runProgram(p, *memory, team, never, times.empty() ? nullptr : times.data());
    });
    View v;
    if (!times.empty() && viewOf(env, info[3], v) && v.bytes == times.size() * 8)
      std::memcpy(v.base, times.data(), v.bytes);
    if (result.code == RunResult::ok && !copyOut(env, outputs, p.outputs, memory->io)) {
      result.code = static_cast<RunResult::Code>(kBadOutputs);
    }
  }
  p.giveMemory(std::move(memory));
  if (result.code == RunResult::ok) return env.Undefined();
  return resultArray(env, result);
}

// run(program, inputs, outputs, times | null, callback) → job id. Inputs are copied now, outputs before the callback.
static Napi::Value run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  struct Running {
    std::shared_ptr<Program> program;
    std::unique_ptr<RunMemory> memory;
    RunResult result;
    std::vector<uint64_t> times;
    Napi::Reference<Napi::Array> outputs;
    Napi::Reference<Napi::Value> timesArray;
    Napi::FunctionReference callback;
  };
  programOf(info);
  auto r = std::make_shared<Running>();
  r->program = unwrap<ProgramHandle>(info[0], kProgramTag)->program;
  r->memory = r->program->takeMemory();
  if (!r->memory) return Napi::Number::New(env, -static_cast<double>(kOutOfMemory));
  if (!copyIn(env, info[1].As<Napi::Array>(), r->program->inputs, r->memory->io)) {
    r->program->giveMemory(std::move(r->memory));
    return Napi::Number::New(env, -static_cast<double>(kBadInputs));
  }
  r->outputs = Napi::Persistent(info[2].As<Napi::Array>());
  if (info[3].IsTypedArray()) {
    r->times.resize(r->program->main.size());
    r->timesArray = Napi::Reference<Napi::Value>::New(info[3], 1);
  }
  r->callback = Napi::Persistent(info[4].As<Napi::Function>());
  auto pending = std::make_unique<Environment::Pending>();
  pending->work = [r](Team& team, Environment::Pending& self) {
    if (self.abort.load(std::memory_order_relaxed)) {
      r->result = {RunResult::aborted, -1};
      return;
    }
    r->result = runProgram(*r->program, *r->memory, team, self.abort, r->times.empty() ? nullptr : r->times.data());
  };
  pending->complete = [r](Napi::Env e, Environment::Pending&) {
    uint32_t code = r->result.code;
    if (code == RunResult::ok && !copyOut(e, r->outputs.Value(), r->program->outputs, r->memory->io))
      code = kBadOutputs;
    View v;
    if (!r->times.empty() && viewOf(e, r->timesArray.Value(), v) && v.bytes == r->times.size() * 8) {
      std::memcpy(v.base, r->times.data(), v.bytes);
    }
    r->program->giveMemory(std::move(r->memory));
    callBack(e, r->callback, code, r->result.pc, r->result.fault_, "", e.Undefined());
  };
  return Napi::Number::New(env, Environment::of(env).submit(env, r->program->threads, std::move(pending)));
}

static Napi::Value abortRun(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).abort(info[0].ToNumber().Uint32Value());
  return info.Env().Undefined();
}

// What a released session freed goes back to the system: glibc keeps it in the arenas of several threads otherwise.
static void returnFreeMemory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

// dispose(handle): drops what the handle holds; a run in flight keeps it alive until it ends.
static Napi::Value dispose(const Napi::CallbackInfo& info) {
  if (auto* p = unwrap<ProgramHandle>(info[0], kProgramTag)) p->program.reset();
  if (auto* s = unwrap<StoreHandle>(info[0], kStoreTag)) {
    s->store.reset();
    returnFreeMemory();
  }
  return info.Env().Undefined();
}

static Napi::Value trim(const Napi::CallbackInfo& info) {
  programOf(info)->trim();
  return info.Env().Undefined();
}

static Napi::Value programInfo(const Napi::CallbackInfo& info) {
  const Program& p = *programOf(info);
  auto out = Napi::Object::New(info.Env());
  auto tiles = Napi::Array::New(info.Env(), p.main.size());
  for (uint32_t i = 0; i < p.main.size(); i++) tiles.Set(i, p.main[i].tiles);
  out.Set("threads", p.threads);
  out.Set("tiles", tiles);
  out.Set("scratchBytes", static_cast<double>(p.scratchBytesPerThread * p.threads));
  return out;
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
  exports.Set("readFile", Napi::Function::New(env, guarded<readFile>));
  exports.Set("adopt", Napi::Function::New(env, guarded<adopt>));
  exports.Set("releaseBuffer", Napi::Function::New(env, guarded<releaseBuffer>));
  exports.Set("createStore", Napi::Function::New(env, guarded<createStore>));
  exports.Set("storeBytes", Napi::Function::New(env, guarded<storeBytes>));
  exports.Set("load", Napi::Function::New(env, guarded<loadProgram>));
  exports.Set("runSync", Napi::Function::New(env, guarded<runSync>));
  exports.Set("run", Napi::Function::New(env, guarded<run>));
  exports.Set("abort", Napi::Function::New(env, guarded<abortRun>));
  exports.Set("dispose", Napi::Function::New(env, guarded<dispose>));
  exports.Set("trim", Napi::Function::New(env, guarded<trim>));
  exports.Set("programInfo", Napi::Function::New(env, guarded<programInfo>));
  return exports;
}

NODE_API_MODULE(ds_native_kernels, init)

}  // namespace dsnk
