#include "runtime/executor.h"

#include <chrono>

#include "runtime/program.h"
#include "runtime/weights_ahead.h"

namespace dsnk {

static std::byte* resolve(const OperandRef& o, const SegmentBases& b) {
  switch (o.segment) {
    case Segment::none: return nullptr;
    case Segment::weights: return (*b.weights)[o.index] + o.offset;
    case Segment::arena: return b.arena + o.offset;
    case Segment::io: return b.io + o.offset;
    case Segment::state: return b.state + o.offset;
    case Segment::source: return const_cast<std::byte*>((*b.sources)[o.index].base) + o.offset;
  }
  return nullptr;
}

namespace {
struct Round {
  Work work;
  Fault (*run)(const Work&);
  std::byte* scratch;
  uint64_t scratchBytesPerThread;
  const std::atomic<bool>* abort;
  WeightsAhead* ahead;
  std::atomic<uint32_t> fault{0};
};
}  // namespace

static void runTile(void* context, uint32_t tile, uint32_t member) {
  auto& round = *static_cast<Round*>(context);
  if (round.abort->load(std::memory_order_relaxed)) return;
  Work work = round.work;
  work.tile = tile;
  work.scratch = round.scratch + member * round.scratchBytesPerThread;
  work.ahead = round.ahead->of(member);
  const Fault f = round.run(work);
  if (f != Fault::none) round.fault.store(static_cast<uint32_t>(f), std::memory_order_relaxed);
}

static uint64_t nowNs() { return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()); }

RunResult execute(const std::vector<Instruction>& code, const std::vector<OperandRef>& operands,
                  const SegmentBases& bases, Team& team, const std::atomic<bool>& abort, uint64_t* timesNs,
                  void (*afterInstruction)(void*, uint32_t), void* context) {
  const Team::Run run(team);
  std::vector<std::byte*> pointers;
  WeightsAhead ahead(code, operands, *bases.weights, team.threads());
  for (uint32_t pc = 0; pc < code.size(); pc++) {
    const Instruction& in = code[pc];
    const uint64_t start = timesNs ? nowNs() : 0;
    pointers.clear();
    for (uint32_t i = 0; i < in.operandCount; i++) pointers.push_back(resolve(operands[in.firstOperand + i], bases));
    ahead.before(pc);
    Round round{{in.params, pointers.data(), in.operandCount, 0, in.tiles, nullptr},
                in.kernel->run,
                bases.scratch,
                bases.scratchBytesPerThread,
                &abort,
                &ahead};
    team.parallel(in.tiles, runTile, &round);
    if (abort.load(std::memory_order_relaxed)) return {RunResult::aborted, static_cast<int32_t>(pc), Fault::none, {}};
    if (const auto f = round.fault.load(std::memory_order_relaxed)) {
      return {RunResult::fault, static_cast<int32_t>(pc), static_cast<Fault>(f), {}};
    }
    if (timesNs) timesNs[pc] = nowNs() - start;
    if (afterInstruction) afterInstruction(context, pc);
  }
  return {};
}

}  // namespace dsnk
