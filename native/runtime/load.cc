// Reads, checks and binds the words of a program. The words are untrusted: every number is checked before its use.
#include <cstring>

#include "kernels/sizes.h"
#include "runtime/cpu_features.h"
#include "runtime/executor.h"
#include "runtime/program.h"

namespace dsnk {

extern const Contract copy_contract;

uint32_t catalogueHash() {
  uint32_t h = 2166136261u;  // FNV-1a over everything that gives a kernel id its meaning
  auto mix = [&](const char* s) {
    for (; *s; s++) h = (h ^ static_cast<uint8_t>(*s)) * 16777619u;
  };
  for (uint32_t i = 0; i < kKernelCount; i++) {
    mix(kKernels[i].name);
    mix(kKernels[i].contract->operands);
    h = (h ^ kKernels[i].contract->paramBytes) * 16777619u;
  }
  return h;
}

constexpr uint32_t kOpen = uint32_t{1} << 31;  // in the io table, of an offset's upper word
static uint64_t u64(uint32_t lo, uint32_t hi) { return uint64_t{hi} << 32 | lo; }

// Most tiles and scratch that make sense; more can only come from damaged words.
constexpr uint64_t kMaxScratchPerThread = uint64_t{1} << 30;
constexpr uint64_t kMaxSegment = uint64_t{1} << 46;

struct Loader {
  const uint32_t* at;
  const uint32_t* end;
  Program& program;
  const std::vector<Source>& sources;
  LoadError& error;
  Header header{};
  bool ok = true;

  bool fail(int32_t pc, const std::string& what) {
    if (ok) error = {LoadError::invalidProgram, pc, Fault::none, what};
    return ok = false;
  }
  bool take(const uint32_t*& from, size_t n, const char* what, int32_t pc) {
    if (static_cast<size_t>(end - at) < n) return fail(pc, std::string("words must hold the whole ") + what);
    from = at;
    at += n;
    return true;
  }

  bool readHeader() {
    const uint32_t* w = nullptr;
    if (!take(w, kHeaderWords, "header", -1)) return false;
    std::memcpy(&header, w, sizeof header);
    if (header.magic != kProgramMagic) return fail(-1, "words must start with the program magic");
    if (header.version != kProgramVersion)
      return fail(-1, "program version must be " + std::to_string(kProgramVersion));
    if (header.catalogueHash != catalogueHash()) return fail(-1, "program must be compiled for this build's kernels");
    if (header.words != static_cast<size_t>(end - w)) return fail(-1, "word count must match the header");
    if (header.weightBlock != program.store->blocks.size()) return fail(-1, "weight block must be the store's next");
    program.arenaBytes = u64(header.arenaLo, header.arenaHi);
    program.ioBytes = u64(header.ioLo, header.ioHi);
    program.stateBytes = u64(header.stateLo, header.stateHi);
    for (uint64_t bytes : {program.arenaBytes, program.ioBytes, program.stateBytes, weightBytes(), initArenaBytes()}) {
      if (bytes > kMaxSegment) return fail(-1, "segment sizes must be below 2^46 bytes");
    }
    return true;
  }
  uint64_t weightBytes() const { return u64(header.weightsLo, header.weightsHi); }
  uint64_t initArenaBytes() const { return u64(header.initArenaLo, header.initArenaHi); }

  // The bytes an operand's segment has, or -1 when the segment may not be used here.
  int64_t segmentBytes(const OperandRef& o, bool init, bool writes) const {
    switch (o.segment) {
      case Segment::weights:
        if (o.index == header.weightBlock) return writes && !init ? -1 : static_cast<int64_t>(weightBytes());
        if (writes || o.index > header.weightBlock) return -1;
        return static_cast<int64_t>(program.store->blocks[o.index].bytes());
      case Segment::arena: return static_cast<int64_t>(init ? initArenaBytes() : program.arenaBytes);
      case Segment::io: return init ? -1 : static_cast<int64_t>(program.ioBytes);
      case Segment::state: return init ? -1 : static_cast<int64_t>(program.stateBytes);
      case Segment::source:
        if (!init || writes || o.index >= sources.size()) return -1;
        return static_cast<int64_t>(sources[o.index].bytes);
      case Segment::none: break;
    }
    return -1;
  }

  static bool mayBeLeftOut(char role) { return role == 'o' || role == 'x' || role == 'n'; }
  static uint32_t fewest(const char* pattern) {
    uint32_t n = 0;
    for (; *pattern && pattern[1] != '*'; pattern++) n++;
    return n;
  }

  bool readOperand(const Kernel& k, uint32_t i, int32_t pc, bool init) {
    const uint32_t* w = nullptr;
    if (!take(w, 5, "operand", pc)) return false;
    const OperandRef o{static_cast<Segment>(w[0] & 0xff), w[0] >> 8, u64(w[1], w[2]), u64(w[3], w[4])};
    const char role = roleOf(k.contract->operands, i);
    if (role == 0) return fail(pc, "operand count must fit the kernel");
    if (o.segment == Segment::none) {
      if (!mayBeLeftOut(role)) return fail(pc, "a required operand must be present");
      if (o.bytes != 0 || o.offset != 0) return fail(pc, "an operand left out must have no bytes");
    } else {
      const bool writes = isWritten(role);
      const int64_t have = segmentBytes(o, init, writes);
      if (have < 0) return fail(pc, "operand segment must exist and be writable where it is written");
      const auto size = static_cast<uint64_t>(have);
      if (o.offset > size || o.bytes > size - o.offset) return fail(pc, "operand must lie inside its segment");
      // A source lies wherever the model file has it, so only `copy`, which moves bytes, takes an unaligned one.
      const uint64_t sourceBase = o.segment == Segment::source ? reinterpret_cast<uintptr_t>(sources[o.index].base) : 0;
      if ((sourceBase + o.offset) % 8 != 0 && !(o.segment == Segment::source && k.contract == &copy_contract)) {
        return fail(pc, "operand address must be a multiple of 8");
      }
    }
    // An optional operand of no bytes is one left out: kernels tell by its size when checked and by its pointer when
    // run.
    const bool leftOut = o.bytes == 0 && mayBeLeftOut(role);
    program.operands.push_back(leftOut ? OperandRef{Segment::none, 0, 0, 0} : o);
    return true;
  }

  static bool sameSpace(const OperandRef& a, const OperandRef& b) {
    return a.segment == b.segment && (a.segment != Segment::weights || a.index == b.index);
  }

  // No written operand may overlap another one, but for output 0 lying exactly on an input that the kernel allows.
  bool checkAliasing(const Kernel& k, uint32_t first, uint32_t count, int32_t pc) {
    for (uint32_t i = 0; i < count; i++) {
      const char role = roleOf(k.contract->operands, i);
      if (!isWritten(role)) continue;
      const OperandRef& a = program.operands[first + i];
      if (a.bytes == 0) continue;
      for (uint32_t j = 0; j < count; j++) {
        const OperandRef& b = program.operands[first + j];
        if (j == i || b.bytes == 0 || !sameSpace(a, b)) continue;
        if (a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset) continue;
        const bool allowed =
            i == 0 && j < 32 && (k.contract->inPlace >> j & 1) && a.offset == b.offset && a.bytes == b.bytes;
        if (!allowed) return fail(pc, "a written operand must not overlap another operand");
      }
    }
    return true;
  }

  bool readInstruction(std::vector<Instruction>& code, int32_t pc, bool init) {
    const uint32_t* w = nullptr;
    if (!take(w, 3, "instruction", pc)) return false;
    const uint32_t id = w[0], operandCount = w[1], paramWords = w[2];
    if (id >= kKernelCount) return fail(pc, "kernel id must be in the catalogue");
    const Kernel& k = kKernels[id];
    if (isGpu(k.isa)) {
      if (init)
        return fail(pc, std::string("kernel ") + k.name + " must not be part of init, which runs on the processor");
      const Accelerator* on = program.store->accelerator;
      if (on == nullptr || !on->runs(k.isa))
        return fail(pc, std::string("kernel ") + k.name + " must be usable on the device");
    } else if (!isaUsable(k.isa)) {
      return fail(pc, std::string("kernel ") + k.name + " must be usable on this processor");
    }
    if (operandCount > 4096 || operandCount < fewest(k.contract->operands)) {
      return fail(pc, "operand count must fit the kernel");
    }
    const auto first = static_cast<uint32_t>(program.operands.size());
    for (uint32_t i = 0; i < operandCount; i++) {
      if (!readOperand(k, i, pc, init)) return false;
    }
    if (!checkAliasing(k, first, operandCount, pc)) return false;
    const uint32_t* params = nullptr;
    if (!take(params, paramWords, "parameters", pc)) return false;
    const uint64_t paramBytes = uint64_t{paramWords} * 4;
    if (k.contract->tail ? paramBytes < k.contract->paramBytes : paramBytes != k.contract->paramBytes) {
      return fail(pc, "parameter words must match the kernel");
    }
    if (program.paramStorage_.size() % 2) program.paramStorage_.push_back(0);  // 64-bit fields stay aligned
    const size_t at0 = program.paramStorage_.size();
    program.paramStorage_.insert(program.paramStorage_.end(), params, params + paramWords);
    // paramStorage_ was reserved for the whole program: these pointers stay.
    const uint32_t* bound = program.paramStorage_.data() + at0;
    std::vector<uint64_t> bytes;
    for (uint32_t i = 0; i < operandCount; i++) bytes.push_back(program.operands[first + i].bytes);
    const Check check{bound, static_cast<uint32_t>(paramBytes), bytes.data(), operandCount};
    if (const char* why = k.contract->verify(k, check)) return fail(pc, std::string(k.name) + ": " + why);
    if (isGpu(k.isa)) {
      code.push_back({&k, 0, first, operandCount, bound, static_cast<uint32_t>(paramBytes)});
      return true;
    }
    const uint32_t tiles = k.contract->tiles(k, bound, program.threads);
    if (tiles > kMaxTiles) return fail(pc, "tiles must be at most " + std::to_string(kMaxTiles));
    if (k.contract->scratchBytes) {
      const uint64_t scratch = k.contract->scratchBytes(k, bound);
      if (scratch > kMaxScratchPerThread) return fail(pc, "scratch must be below 1 GiB per thread");
      const uint64_t rounded = (scratch + 63) / 64 * 64;
      if (rounded > program.scratchBytesPerThread) program.scratchBytesPerThread = rounded;
    }
    code.push_back({&k, tiles, first, operandCount, bound, static_cast<uint32_t>(paramBytes)});
    return true;
  }

  bool readIo(std::vector<IoRange>& ranges, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
      const uint32_t* w = nullptr;
      if (!take(w, 4, "io table", -1)) return false;
      const IoRange r{u64(w[0], w[1] & ~kOpen), u64(w[2], w[3]), (w[1] & kOpen) != 0};
      if (r.offset > program.ioBytes || r.bytes > program.ioBytes - r.offset) {
        return fail(-1, "inputs and outputs must lie inside the io segment");
      }
      ranges.push_back(r);
    }
    return true;
  }

  bool readAll() {
    if (!readHeader()) return false;
    program.paramStorage_.reserve(static_cast<size_t>(end - at) * 2);
    for (uint32_t i = 0; i < header.initCount; i++) {
      if (!readInstruction(program.init, static_cast<int32_t>(i), true)) return false;
    }
    for (uint32_t i = 0; i < header.mainCount; i++) {
      if (!readInstruction(program.main, static_cast<int32_t>(i), false)) return false;
    }
    if (!readIo(program.inputs, header.inputCount) || !readIo(program.outputs, header.outputCount)) return false;
    if (at != end) return fail(-1, "words must end with the io table");
    return true;
  }
};

namespace {
// Gives back the pages of each source after the last init instruction that reads it.
struct SourceReaper {
  const Program* program;
  const std::vector<Source>* sources;
  std::vector<int64_t> lastUse;

  SourceReaper(const Program& p, const std::vector<Source>& s) : program(&p), sources(&s), lastUse(s.size(), -1) {
    for (size_t pc = 0; pc < p.init.size(); pc++) {
      for (uint32_t i = 0; i < p.init[pc].operandCount; i++) {
        const OperandRef& o = p.operands[p.init[pc].firstOperand + i];
        if (o.segment == Segment::source) lastUse[o.index] = static_cast<int64_t>(pc);
      }
    }
  }
  static void after(void* self, uint32_t pc) {
    auto& r = *static_cast<SourceReaper*>(self);
    for (size_t s = 0; s < r.lastUse.size(); s++) {
      if (r.lastUse[s] != pc) continue;
      const Source& source = (*r.sources)[s];
      if (source.owner) source.owner->discard(static_cast<uint64_t>(source.base - source.owner->base()), source.bytes);
    }
  }
};
}  // namespace

// Whether an instruction reads weights that the processor's memory has to hold.
static bool readsWeights(const Program& p, const Instruction& in, uint32_t block) {
  for (uint32_t i = 0; i < in.operandCount; i++) {
    const OperandRef& o = p.operands[in.firstOperand + i];
    if (o.segment == Segment::weights && o.index == block) return true;
  }
  return false;
}

// Fills earlier blocks of the store again that this program reads on the processor.
static bool bringBack(const Program& p) {
  WeightStore& store = *p.store;
  for (uint32_t b = 0; b < store.onDevice.size(); b++) {
    if (store.onHost[b]) continue;
    bool read = false;
    for (const Instruction& in : p.init) read = read || readsWeights(p, in, b);
    for (const Instruction& in : p.main) read = read || (!isGpu(in.kernel->isa) && readsWeights(p, in, b));
    if (!read) continue;
    if (!store.accelerator->copyFrom(store.blocks[b].base(), store.onDevice[b], store.blocks[b].bytes())) return false;
    store.onHost[b] = true;
  }
  return true;
}

// Copies the block that `init` has filled to the device, and makes the program ready there.
static bool moveToDevice(Program& p, const Block& weights, LoadError& error) {
  WeightStore& store = *p.store;
  DeviceMemory block;
  if (!store.accelerator->allocate(weights.bytes(), block)) {
    const std::string lost = store.accelerator->lost();
    const std::string needed = "weights on the device need " + std::to_string(weights.bytes()) + " bytes";
    error = {lost.empty() ? LoadError::outOfMemory : LoadError::deviceFailed, -1, Fault::none,
             lost.empty() ? needed : lost};
    return false;
  }
  if (!store.accelerator->copyTo(block, weights.base(), weights.bytes())) {
    store.accelerator->lost();
    error = {LoadError::deviceFailed, -1, Fault::none, "weights could not be copied to the device"};
    return false;
  }
  const auto own = static_cast<uint32_t>(store.onDevice.size());
  store.onDevice.push_back(std::move(block));
  store.onHost.push_back(true);
  p.accelerated = store.accelerator->accelerate(p, error);
  bool onHost = false;
  for (const Instruction& in : p.main) onHost = onHost || (!isGpu(in.kernel->isa) && readsWeights(p, in, own));
  if (!onHost) {
    weights.discard(0, weights.bytes());
    store.onHost[own] = false;
  }
  if (p.accelerated) return true;
  store.onDevice.pop_back();
  store.onHost.pop_back();
  return false;
}

std::shared_ptr<Program> load(const uint32_t* words, size_t count, std::shared_ptr<WeightStore> store,
                              const std::vector<Source>& sources, Team& team, LoadError& error) {
  auto program = std::make_shared<Program>();
  std::lock_guard lock(store->mutex);
  program->store = std::move(store);
  program->threads = team.threads();
  Loader loader{words, words + count, *program, sources, error};
  if (!loader.readAll()) return nullptr;

  auto outOfMemory = [&](const char* what, uint64_t bytes) {
    error = {LoadError::outOfMemory, -1, Fault::none, std::string(what) + " needs " + std::to_string(bytes) + " bytes"};
    return nullptr;
  };
  Block weights = Block::allocate(loader.weightBytes());
  if (!weights.ok()) return outOfMemory("weights", loader.weightBytes());
  Block arena = Block::allocate(loader.initArenaBytes());
  if (!arena.ok()) return outOfMemory("init arena", loader.initArenaBytes());
  const uint64_t scratchBytes = program->scratchBytesPerThread * program->threads;
  Block scratch = Block::allocate(scratchBytes);
  if (!scratch.ok()) return outOfMemory("scratch", scratchBytes);

  // Reserved first: an exception may not leave a block behind that TypeScript does not know.
  std::vector<Block>& blocks = program->store->blocks;
  blocks.reserve(blocks.size() + 1);
  for (const Block& b : blocks) program->weightBases.push_back(b.base());
  program->weightBases.push_back(weights.base());
  if (!bringBack(*program)) {
    error = {LoadError::deviceFailed, -1, Fault::none, "weights could not be copied from the device"};
    return nullptr;
  }
  SourceReaper reaper(*program, sources);
  const std::atomic<bool> never{false};
  const SegmentBases bases{arena.base(),          nullptr, nullptr, scratch.base(), program->scratchBytesPerThread,
                           &program->weightBases, &sources};
  const RunResult result =
      execute(program->init, program->operands, bases, team, never, nullptr, SourceReaper::after, &reaper);
  if (result.code != RunResult::ok) {
    error = {LoadError::fault, result.pc, result.fault_, ""};
    return nullptr;
  }
  if (program->store->accelerator != nullptr) {
    program->store->onDevice.reserve(blocks.size() + 1);
    if (!moveToDevice(*program, weights, error)) return nullptr;
  }
  program->store->bytes.fetch_add(weights.bytes(), std::memory_order_relaxed);
  blocks.push_back(std::move(weights));
  return program;
}

}  // namespace dsnk
