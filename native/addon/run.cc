// Runs of programs: copies in, the executor, copies out.
#include <cstring>

#include "addon/surface.h"
#include "runtime/executor.h"

namespace dsnk {

static bool fits(const View& v, const IoRange& range) {
  return v.bytes == range.bytes || (range.open && v.bytes < range.bytes);
}

// Copies typed arrays into (or out of) the io ranges of a program. False when count or sizes do not fit.
static bool copyIn(napi_env env, const Napi::Array& arrays, const std::vector<IoRange>& ranges, const Block& io) {
  if (arrays.Length() != ranges.size()) return false;
  for (uint32_t i = 0; i < ranges.size(); i++) {
    napi_value item = nullptr;
    View v;
    if (napi_get_element(env, arrays, i, &item) != napi_ok || !viewOf(env, item, v) || !fits(v, ranges[i]))
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
    if (!viewOf(env, item, v) || !fits(v, ranges[i])) return false;
    if (v.bytes) std::memcpy(v.base, io.base() + ranges[i].offset, v.bytes);
  }
  return true;
}

// Codes of run and runSync beyond RunResult's.
enum RunCode : uint32_t { kBadInputs = 11, kBadOutputs = 12 };

static Napi::Array resultArray(Napi::Env env, const RunResult& r) {
  auto a = Napi::Array::New(env, 4);
  a.Set(3u, r.what);
  a.Set(0u, static_cast<uint32_t>(r.code));
  a.Set(1u, r.pc);
  a.Set(2u, static_cast<uint32_t>(r.fault_));
  return a;
}

// A device that has been lost has no memory either.
static void findLost(const Program& p, RunResult& r) {
  if (r.code != RunResult::outOfMemory || p.store->accelerator == nullptr) return;
  std::string lost = p.store->accelerator->lost();
  if (!lost.empty()) r = {RunResult::deviceFailed, -1, Fault::none, std::move(lost)};
}

// Throws nothing: it runs on threads that have nobody to catch.
static RunResult runProgram(Program& p, const Block& io, State* state, Team& team, const std::atomic<bool>& abort,
                            uint64_t* times) noexcept {
  RunResult result{RunResult::outOfMemory, -1, Fault::none, ""};
  std::unique_lock<std::mutex> alone;
  if (state != nullptr) alone = std::unique_lock(state->mutex);
  try {
    if (p.accelerated) {
      result = p.accelerated->run(io, state, team, abort, times);
      findLost(p, result);
      return result;
    }
    auto w = p.takeWorkspace();
    if (!w) return result;
    const SegmentBases bases{
        w->arena.base(), io.base(), state ? state->block.base() : nullptr, w->scratch.base(), p.scratchBytesPerThread,
        &p.weightBases,  nullptr};
    result = execute(p.main, p.operands, bases, team, abort, times);
    p.giveWorkspace(std::move(w));
  } catch (const std::bad_alloc&) {
  }
  return result;
}

// runSync(program, inputs, outputs, times | null, state | undefined) → [code, pc, fault]
Napi::Value runSync(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto program = programOf(info);
  Program& p = *program;
  const auto state = stateOf(env, info[4], p);
  const auto inputs = info[1].As<Napi::Array>(), outputs = info[2].As<Napi::Array>();
  RunResult result;
  Block io = p.takeIo();
  if (!io.ok()) {
    result.code = RunResult::outOfMemory;
    findLost(p, result);
    return resultArray(env, result);
  }
  if (!copyIn(env, inputs, p.inputs, io)) {
    result.code = static_cast<RunResult::Code>(kBadInputs);
  } else {
    std::vector<uint64_t> times(info[3].IsTypedArray() ? p.main.size() : 0);
    const std::atomic<bool> never{false};
    CpuDevice::instance().runHere(p.threads, [&](Team& team) {
      result = runProgram(p, io, state.get(), team, never, times.empty() ? nullptr : times.data());
    });
    View v;
    if (!times.empty() && viewOf(env, info[3], v) && v.bytes == times.size() * 8)
      std::memcpy(v.base, times.data(), v.bytes);
    if (result.code == RunResult::ok && !copyOut(env, outputs, p.outputs, io)) {
      result.code = static_cast<RunResult::Code>(kBadOutputs);
    }
  }
  p.giveIo(std::move(io));
  if (result.code == RunResult::ok) return env.Undefined();
  return resultArray(env, result);
}

// run(program, inputs, outputs, times | null, callback, state | undefined) → job id. Inputs are copied now, outputs before the callback.
Napi::Value run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  struct Running {
    std::shared_ptr<Program> program;
    std::shared_ptr<State> state;
    Block io;
    RunResult result;
    std::vector<uint64_t> times;
    Napi::Reference<Napi::Array> outputs;
    Napi::Reference<Napi::Value> timesArray;
    Napi::FunctionReference callback;
  };
  auto r = std::make_shared<Running>();
  r->program = programOf(info);
  r->state = stateOf(env, info[5], *r->program);
  r->io = r->program->takeIo();
  if (!r->io.ok()) {
    r->result.code = RunResult::outOfMemory;
    findLost(*r->program, r->result);
    return Napi::Number::New(env, -static_cast<double>(r->result.code));
  }
  if (!copyIn(env, info[1].As<Napi::Array>(), r->program->inputs, r->io)) {
    r->program->giveIo(std::move(r->io));
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
      r->result = {RunResult::aborted, -1, Fault::none, ""};
      return;
    }
    uint64_t* times = r->times.empty() ? nullptr : r->times.data();
    r->result = runProgram(*r->program, r->io, r->state.get(), team, self.abort, times);
  };
  pending->complete = [r](Napi::Env e, Environment::Pending&) {
    uint32_t code = r->result.code;
    if (code == RunResult::ok && !copyOut(e, r->outputs.Value(), r->program->outputs, r->io)) code = kBadOutputs;
    View v;
    if (!r->times.empty() && viewOf(e, r->timesArray.Value(), v) && v.bytes == r->times.size() * 8) {
      std::memcpy(v.base, r->times.data(), v.bytes);
    }
    r->program->giveIo(std::move(r->io));
    callBack(e, r->callback, code, r->result.pc, r->result.fault_, r->result.what, e.Undefined());
  };
  return Napi::Number::New(env, Environment::of(env).submit(env, r->program->threads, std::move(pending)));
}

Napi::Value abortRun(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).abort(info[0].ToNumber().Uint32Value());
  return info.Env().Undefined();
}

}  // namespace dsnk
