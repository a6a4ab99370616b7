#if defined(__x86_64__) || defined(__aarch64__)  // there is no driver for 32 bits
#include "cuda/program.h"

#include <cstring>
#include <tuple>

#include "cuda/work.h"

namespace dsnk::cuda {

namespace {

// Captured graphs that a workspace keeps: one for each stretch, io block and state that runs have come with.
constexpr size_t kGraphs = 64;
constexpr size_t kKept = 2;  // workspaces kept for reuse, as for the processor

}  // namespace

// Where the segments of a run lie on the device.
struct GpuProgram::Addresses {
  uint64_t arena, io, state;
  uint64_t of(const Program& p, const OperandRef& o) const {
    switch (o.segment) {
      case Segment::weights: return p.store->onDevice[o.index].address() + o.offset;
      case Segment::arena: return arena + o.offset;
      case Segment::io: return io + o.offset;
      case Segment::state: return state + o.offset;
      case Segment::none:
      case Segment::source: break;
    }
    return 0;
  }
};

// What one run at a time computes in.
struct GpuProgram::Workspace {
  explicit Workspace(GpuDevice& on) : device(on) {}
  ~Workspace() {
    const GpuDevice::Current current(device);
    forget();
    if (stream != nullptr) device.driver().cuStreamDestroy(stream);
  }
  void forget() {
    for (auto& [key, graph] : graphs) device.driver().cuGraphExecDestroy(graph);
    graphs.clear();
  }

  GpuDevice& device;
  Stream stream = nullptr;
  DeviceMemory arena, io, scratch;
  Block faults;  // one word for each instruction, written by the device where something is wrong
  uint64_t faultsAddress = 0;
  Block arenaMirror, stateMirror, hostScratch;  // for stretches of the processor
  std::map<std::tuple<uint32_t, uint64_t, uint64_t>, GraphExec> graphs;
};

std::unique_ptr<AcceleratedProgram> GpuProgram::make(GpuDevice& device, Program& program, LoadError& error) {
  std::unique_ptr<GpuProgram> made(new GpuProgram(device, program));
  if (!made->prepare(error)) return nullptr;
  return made;
}

GpuProgram::GpuProgram(GpuDevice& device, Program& program) : device_(device), program_(program) {}
GpuProgram::~GpuProgram() = default;

bool GpuProgram::prepare(LoadError& error) {
  const GpuDevice::Current current(device_);
  const std::vector<Instruction>& code = program_.main;
  for (uint32_t pc = 0; pc < code.size(); pc++) {
    const Instruction& in = code[pc];
    const bool onGpu = isGpu(in.kernel->isa);
    if (stretches_.empty() || stretches_.back().onGpu != onGpu) {
      stretches_.push_back({pc, pc, onGpu, static_cast<uint32_t>(launches_.size()), 0});
      onProcessor_.emplace_back();
    }
    Stretch& stretch = stretches_.back();
    stretch.end = pc + 1;
    if (!onGpu) {
      onProcessor_.back().push_back(in);
      mixed_ = true;
      continue;
    }
    std::vector<uint64_t> bytes;
    for (uint32_t i = 0; i < in.operandCount; i++) bytes.push_back(program_.operands[in.firstOperand + i].bytes);
    LaunchPlan plan;
    in.kernel->plan({in.params, in.paramBytes, bytes.data(), in.operandCount, &device_.properties().traits}, plan);
    if (plan.scratchBytes > scratchBytes_) scratchBytes_ = plan.scratchBytes;
    if (in.paramBytes > kLaunchParamBytes) {
      error = {LoadError::invalidProgram, static_cast<int32_t>(pc), Fault::none,
               std::string(in.kernel->name) + ": parameters must fit " + std::to_string(kLaunchParamBytes) + " bytes"};
      return false;
    }
    for (const Launch& launch : plan.launches) {
      std::string why;
      const Function function = device_.entry(launch, why);
      if (function == nullptr) {
        error = {LoadError::deviceFailed, static_cast<int32_t>(pc), Fault::none, why};
        return false;
      }
      launches_.push_back({function, launch, pc});
      stretch.launches++;
    }
  }
  return true;
}

std::unique_ptr<GpuProgram::Workspace> GpuProgram::takeWorkspace(std::string& why) {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto w = std::move(idle_.back());
      idle_.pop_back();
      return w;
    }
  }
  auto w = std::make_unique<Workspace>(device_);
  const uint64_t ioBytes = device_.properties().integrated ? 0 : program_.ioBytes;
  const std::tuple<const char*, uint64_t, DeviceMemory*> parts[] = {{"arena", program_.arenaBytes, &w->arena},
                                                                    {"inputs and outputs", ioBytes, &w->io},
                                                                    {"scratch", scratchBytes_, &w->scratch}};
  for (const auto& [name, bytes, memory] : parts) {
    if (!device_.allocate(bytes, *memory)) {
      why = std::string(name) + " of " + std::to_string(bytes) + " bytes on " + device_.properties().name;
      return nullptr;
    }
  }
  const uint64_t faultBytes = program_.main.size() * sizeof(uint32_t);
  w->faults = device_.hostMemory(faultBytes);
  if (mixed_) {
    w->arenaMirror = Block::allocate(program_.arenaBytes);
    w->stateMirror = Block::allocate(program_.stateBytes);
    w->hostScratch = Block::allocate(program_.scratchBytesPerThread * program_.threads);
  }
  if (!w->faults.ok() || !w->arenaMirror.ok() || !w->stateMirror.ok() || !w->hostScratch.ok()) {
    why = "memory of the host";
    return nullptr;
  }
  const GpuDevice::Current current(device_);
  if (faultBytes > 0 && !device_.addressOf(w->faults.base(), w->faultsAddress)) {
    why = "host memory that the device sees";
    return nullptr;
  }
  if (device_.driver().cuStreamCreate(&w->stream, kStreamNonBlocking) != kSuccess) {
    why = "a stream";
    return nullptr;
  }
  return w;
}

void GpuProgram::giveWorkspace(std::unique_ptr<Workspace> w) {
  std::lock_guard lock(mutex_);
  if (idle_.size() < kKept) idle_.push_back(std::move(w));
}

void GpuProgram::trim() {
  std::vector<std::unique_ptr<Workspace>> freed;
  std::lock_guard lock(mutex_);
  freed.swap(idle_);
}

// Queues the launches of some instructions.
Failure GpuProgram::launch(const Stretch& stretch, Workspace& w, const Addresses& at) {
  alignas(16) std::byte params[kLaunchParamBytes];
  for (uint32_t i = 0; i < stretch.launches; i++) {
    const Prepared& p = launches_[stretch.firstLaunch + i];
    const Instruction& in = program_.main[p.pc];
    GpuWork work{};
    for (uint32_t k = 0; k < kGpuOperands; k++) {
      const uint32_t number = p.launch.operand[k];
      if (number >= in.operandCount) continue;
      work.operand[k] = reinterpret_cast<std::byte*>(at.of(program_, program_.operands[in.firstOperand + number]));
    }
    work.scratch = reinterpret_cast<std::byte*>(w.scratch.address());
    work.fault = reinterpret_cast<uint32_t*>(w.faultsAddress) + p.pc;
    std::memcpy(work.number, p.launch.number, sizeof work.number);
    // An entry may declare more than this program has of a tail: what it has not is zero.
    std::memcpy(params, in.params, in.paramBytes);
    std::memset(params + in.paramBytes, 0, kLaunchParamBytes - in.paramBytes);
    void* arguments[] = {&work, params};
    const Launch& l = p.launch;
    const Result result = device_.driver().cuLaunchKernel(p.function, l.grid[0], l.grid[1], l.grid[2], l.threads, 1, 1,
                                                          l.sharedBytes, w.stream, arguments, nullptr);
    if (result != kSuccess) return {result, l.entry};
  }
  return {};
}

// Launches a stretch as one graph, captured when it first runs with these addresses.
Failure GpuProgram::replay(const Stretch& stretch, uint32_t index, Workspace& w, const Addresses& at) {
  const Driver& d = device_.driver();
  const auto key = std::make_tuple(index, at.io, at.state);
  auto found = w.graphs.find(key);
  if (found == w.graphs.end()) {
    if (w.graphs.size() >= kGraphs) w.forget();
    if (const Result r = d.cuStreamBeginCapture(w.stream, kCaptureThreadLocal); r != kSuccess) {
      return {r, "cuStreamBeginCapture"};
    }
    const Failure failure = launch(stretch, w, at);
    Graph graph = nullptr;
    const Result ended = d.cuStreamEndCapture(w.stream, &graph);
    GraphExec exec = nullptr;
    Failure made = failure ? failure : Failure{ended, "cuStreamEndCapture"};
    if (!made) made = {d.cuGraphInstantiateWithFlags(&exec, graph, 0), "cuGraphInstantiateWithFlags"};
    if (graph != nullptr) d.cuGraphDestroy(graph);
    if (made) return made;
    found = w.graphs.emplace(key, exec).first;
  }
  return {d.cuGraphLaunch(found->second, w.stream), "cuGraphLaunch"};
}

// The same with the time of each instruction, which costs what a graph saves.
Failure GpuProgram::timed(const Stretch& stretch, Workspace& w, const Addresses& at, uint64_t* timesNs) {
  const Driver& d = device_.driver();
  std::vector<Event> events(stretch.end - stretch.begin + 1);
  Failure failure;
  auto step = [&](Result r, const char* call) {
    if (!failure && r != kSuccess) failure = {r, call};
    return !failure;
  };
  for (Event& e : events) {
    if (!step(d.cuEventCreate(&e, kEventDefault), "cuEventCreate")) break;
  }
  if (!failure) step(d.cuEventRecord(events[0], w.stream), "cuEventRecord");
  Stretch one{stretch.begin, stretch.begin, true, stretch.firstLaunch, 0};
  for (uint32_t pc = stretch.begin; pc < stretch.end && !failure; pc++) {
    one.launches = 0;
    while (one.firstLaunch + one.launches < stretch.firstLaunch + stretch.launches &&
           launches_[one.firstLaunch + one.launches].pc == pc) {
      one.launches++;
    }
    failure = launch(one, w, at);
    one.firstLaunch += one.launches;
    step(d.cuEventRecord(events[pc - stretch.begin + 1], w.stream), "cuEventRecord");
  }
  step(d.cuStreamSynchronize(w.stream), "cuStreamSynchronize");
  for (uint32_t pc = stretch.begin; pc < stretch.end && !failure; pc++) {
    float milliseconds = 0;
    const uint32_t i = pc - stretch.begin;
    if (step(d.cuEventElapsedTime(&milliseconds, events[i], events[i + 1]), "cuEventElapsedTime")) {
      timesNs[pc] = static_cast<uint64_t>(static_cast<double>(milliseconds) * 1e6);
    }
  }
  for (Event e : events) {
    if (e != nullptr) d.cuEventDestroy(e);
  }
  return failure;
}

// Instructions without a kernel for the device: their operands come down, and what they wrote goes up again. An output may
// be rows of a wider tensor, so it comes down as well.
RunResult GpuProgram::onProcessor(const Stretch& stretch, Workspace& w, const Addresses& at, const Block& io,
                                  Team& team, const std::atomic<bool>& abort, uint64_t* timesNs) {
  const Driver& d = device_.driver();
  const SegmentBases bases{
      w.arenaMirror.base(),  io.base(), w.stateMirror.base(), w.hostScratch.base(), program_.scratchBytesPerThread,
      &program_.weightBases, nullptr};
  auto hostOf = [&](const OperandRef& o) -> std::byte* {
    switch (o.segment) {
      case Segment::arena: return bases.arena + o.offset;
      case Segment::state: return bases.state + o.offset;
      case Segment::io: return device_.properties().integrated ? nullptr : bases.io + o.offset;
      default: return nullptr;  // weights are there; io of an integrated device is the same memory
    }
  };
  auto failed = [&](Result r, const char* call) {
    return RunResult{RunResult::deviceFailed, -1, Fault::none, device_.textOf({r, call})};
  };
  std::vector<Instruction> one(1);
  for (uint32_t pc = stretch.begin; pc < stretch.end; pc++) {
    const Instruction& in = program_.main[pc];
    for (uint32_t i = 0; i < in.operandCount; i++) {
      const OperandRef& o = program_.operands[in.firstOperand + i];
      std::byte* host = hostOf(o);
      if (host == nullptr || o.bytes == 0) continue;
      const Result r = d.cuMemcpyDtoHAsync(host, at.of(program_, o), o.bytes, w.stream);
      if (r != kSuccess) return failed(r, "cuMemcpyDtoHAsync");
    }
    if (const Result r = d.cuStreamSynchronize(w.stream); r != kSuccess) return failed(r, "cuStreamSynchronize");
    one[0] = in;
    RunResult result = execute(one, program_.operands, bases, team, abort, timesNs == nullptr ? nullptr : timesNs + pc);
    if (result.code != RunResult::ok) {
      result.pc = static_cast<int32_t>(pc);
      return result;
    }
    for (uint32_t i = 0; i < in.operandCount; i++) {
      const OperandRef& o = program_.operands[in.firstOperand + i];
      std::byte* host = hostOf(o);
      if (host == nullptr || o.bytes == 0 || !isWritten(roleOf(in.kernel->contract->operands, i))) continue;
      const Result r = d.cuMemcpyHtoDAsync(at.of(program_, o), host, o.bytes, w.stream);
      if (r != kSuccess) return failed(r, "cuMemcpyHtoDAsync");
    }
    // The mirrors are pageable memory: the next instruction may write there only when the copies are through.
    if (const Result r = d.cuStreamSynchronize(w.stream); r != kSuccess) return failed(r, "cuStreamSynchronize");
  }
  return {};
}

RunResult GpuProgram::run(const Block& io, State* state, Team& team, const std::atomic<bool>& abort,
                          uint64_t* timesNs) {
  std::string why;
  auto w = takeWorkspace(why);
  if (!w) return {RunResult::outOfMemory, -1, Fault::none, why};  // the caller asks whether the device is lost
  const GpuDevice::Current current(device_);
  RunResult result = runIn(*w, io, state, team, abort, timesNs);
  // Whatever happened, nothing is under way in this workspace any more.
  if (result.code != RunResult::ok) device_.driver().cuStreamSynchronize(w->stream);
  if (result.code != RunResult::deviceFailed) {
    giveWorkspace(std::move(w));
  } else {
    device_.lost();  // so that new sessions know
  }
  return result;
}

RunResult GpuProgram::runIn(Workspace& w, const Block& io, State* state, Team& team, const std::atomic<bool>& abort,
                            uint64_t* timesNs) {
  const Driver& d = device_.driver();
  auto failed = [&](const Failure& f) {
    return RunResult{RunResult::deviceFailed, -1, Fault::none, device_.textOf(f)};
  };
  const bool integrated = device_.properties().integrated;
  Addresses at{w.arena.address(), w.io.address(), state == nullptr ? 0 : state->onDevice.address()};
  if (integrated && program_.ioBytes > 0 && !device_.addressOf(io.base(), at.io)) {
    return failed({kInvalidValue, "cuMemHostGetDevicePointer"});
  }
  if (w.faults.bytes() != 0) std::memset(w.faults.base(), 0, w.faults.bytes());
  for (const IoRange& r : program_.inputs) {
    if (integrated || r.bytes == 0) continue;
    const Result result = d.cuMemcpyHtoDAsync(at.io + r.offset, io.base() + r.offset, r.bytes, w.stream);
    if (result != kSuccess) return failed({result, "cuMemcpyHtoDAsync"});
  }
  for (uint32_t i = 0; i < stretches_.size(); i++) {
    const Stretch& stretch = stretches_[i];
    if (abort.load(std::memory_order_relaxed))
      return {RunResult::aborted, static_cast<int32_t>(stretch.begin), Fault::none, ""};
    if (stretch.onGpu) {
      const Failure failure = timesNs != nullptr ? timed(stretch, w, at, timesNs) : replay(stretch, i, w, at);
      if (failure) return failed(failure);
    } else {
      const RunResult result = onProcessor(stretch, w, at, io, team, abort, timesNs);
      if (result.code != RunResult::ok) return result;
    }
  }
  for (const IoRange& r : program_.outputs) {
    if (integrated || r.bytes == 0) continue;
    const Result result = d.cuMemcpyDtoHAsync(io.base() + r.offset, at.io + r.offset, r.bytes, w.stream);
    if (result != kSuccess) return failed({result, "cuMemcpyDtoHAsync"});
  }
  if (const Result result = d.cuStreamSynchronize(w.stream); result != kSuccess) {
    return failed({result, "cuStreamSynchronize"});
  }
  for (uint32_t pc = 0; pc < program_.main.size(); pc++) {
    uint32_t fault = 0;
    std::memcpy(&fault, w.faults.base() + pc * sizeof fault, sizeof fault);
    if (fault != 0) return {RunResult::fault, static_cast<int32_t>(pc), static_cast<Fault>(fault), ""};
  }
  return {};
}

}  // namespace dsnk::cuda
#endif
