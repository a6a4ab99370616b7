// Computes  y[i] = program(x0[i'], x1[i'], …): a list of elementwise steps, i' = i with the broadcast coordinates zero
// Shapes    y: [dims]; each x: the dims in its mask, contiguous; up to 8 dims, 16 inputs, 64 steps
// Numerics  scalar rows: the C++ operators and <cmath>; vector rows: simd/math.inl (bounds in ULP stand there)
// Tiling    blocks of 1024 elements through all steps, so that intermediate values never leave L1
// Packing   none
// Source    own design
#include <cstring>

#include "kernels/pointwise/program.h"

namespace dsnk {

// Bytes of the row's element type, from its name: "f32", "i64", "u8".
static int64_t elementBytes(const Kernel& k) {
  int64_t bits = 0;
  for (const char* s = k.dtypes; *s; s++) {
    if (*s >= '0' && *s <= '9') bits = bits * 10 + (*s - '0');
  }
  return bits / 8;
}

static int64_t typeBytes(const Kernel& k, PointwiseType t) {
  switch (t) {
    case PointwiseType::own: return elementBytes(k);
    case PointwiseType::boolean:
    case PointwiseType::byte:
    case PointwiseType::signedByte: return 1;
    case PointwiseType::half:
    case PointwiseType::bfloat: return 2;
  }
  return 0;
}

static bool isFloatRow(const Kernel& k) { return k.dtypes[0] == 'f'; }

static bool typeFits(const Kernel& k, int32_t type) {
  if (type < 0 || type >= kPointwiseTypeCount) return false;
  return type <= static_cast<int32_t>(PointwiseType::boolean) || std::strcmp(k.dtypes, "f32") == 0;
}

static bool opFits(const Kernel& k, uint32_t op) {
  if (op >= static_cast<uint32_t>(kPointwiseOpCount)) return false;
  switch (static_cast<PointwiseOp>(op)) {
    case PointwiseOp::copy:
    case PointwiseOp::abs:
    case PointwiseOp::neg:
    case PointwiseOp::sign:
    case PointwiseOp::relu:
    case PointwiseOp::logicalNot:
    case PointwiseOp::add:
    case PointwiseOp::sub:
    case PointwiseOp::mul:
    case PointwiseOp::div:
    case PointwiseOp::pow:
    case PointwiseOp::mod:
    case PointwiseOp::fmod:
    case PointwiseOp::min:
    case PointwiseOp::max:
    case PointwiseOp::equal:
    case PointwiseOp::less:
    case PointwiseOp::lessOrEqual:
    case PointwiseOp::logicalAnd:
    case PointwiseOp::logicalOr:
    case PointwiseOp::logicalXor:
    case PointwiseOp::clip:
    case PointwiseOp::where: return true;
    case PointwiseOp::bitwiseNot:
    case PointwiseOp::bitwiseAnd:
    case PointwiseOp::bitwiseOr:
    case PointwiseOp::bitwiseXor:
    case PointwiseOp::shiftLeft:
    case PointwiseOp::shiftRight: return !isFloatRow(k);
    default: return isFloatRow(k);
  }
}

static const char* checkSource(const PointwiseParams& p, uint32_t source, uint32_t written) {
  const uint32_t index = sourceIndex(source);
  switch (sourceKind(source)) {
    case PointwiseSource::none: return nullptr;
    case PointwiseSource::register_:
      return index < 32 && (written >> index & 1) ? nullptr : "a step must read registers written before it";
    case PointwiseSource::input:
      return index < static_cast<uint32_t>(p.inputs) ? nullptr : "a step must read inputs that exist";
    case PointwiseSource::immediate:
      return index < static_cast<uint32_t>(p.immediates) ? nullptr : "a step must read immediates that exist";
  }
  return "a step's operand must be a register, an input or an immediate";
}

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<PointwiseParams>();
  if (p.rank < 1 || p.rank > kPointwiseRank) return "rank must be in 1 … 8";
  if (p.inputs < 1 || p.inputs > kPointwiseInputs) return "inputs must be in 1 … 16";
  if (p.immediates < 0 || p.immediates > 64) return "immediates must be in 0 … 64";
  if (p.steps < 1 || p.steps > kPointwiseSteps) return "steps must be in 1 … 64";
  if (p.registers < 0 || p.registers > kPointwiseRegisters) return "registers must be in 0 … 12";
  const uint32_t words = static_cast<uint32_t>(p.inputs + p.immediates + 4 * p.steps);
  if (c.paramBytes != sizeof(PointwiseParams) + words * 4) return "tail must hold inputs, immediates and steps";
  if (c.operandCount != static_cast<uint32_t>(p.inputs) + 1) return "operands must be one output and the inputs";
  if (!typeFits(k, p.outputType)) return "output type must be one of this row";
  // In-place use is sound only where output and input elements have one size.
  if (k.contract->inPlace != 0 && p.outputType != 0) return "output must have the row's own type";
  Size count(1);
  for (int32_t d = 0; d < p.rank; d++) count = count * Size(p.dims[d]);
  if (!(count * Size(typeBytes(k, static_cast<PointwiseType>(p.outputType)))).fits(c.operandBytes[0])) {
    return "output must hold [dims]";
  }
  const PointwiseProgram program(p);
  for (int32_t i = 0; i < p.inputs; i++) {
    const PointwiseInput in = program.inputs[i];
    if (in.word >> 16 || in.mask() >> p.rank) return "input mask must name dimensions that exist";
    if (!typeFits(k, static_cast<int32_t>(in.type()))) return "input type must be one of this row";
    Size elements(1);
    for (int32_t d = 0; d < p.rank; d++) {
      if (in.mask() >> d & 1) elements = elements * Size(p.dims[d]);
    }
    if (!(elements * Size(typeBytes(k, in.type()))).fits(c.operandBytes[i + 1]))
      return "input must hold the dims in its mask";
  }
  uint32_t written = 0;
  for (int32_t s = 0; s < p.steps; s++) {
    const PointwiseStep& step = program.steps[s];
    if (!opFits(k, step.head & 0xffff)) return "step must be an operation of this row";
    for (uint32_t source : step.source) {
      if (const char* why = checkSource(p, source, written)) return why;
    }
    if (s + 1 == p.steps) break;
    if (step.target() >= static_cast<uint32_t>(p.registers)) return "step must write a register that exists";
    written |= 1u << step.target();
  }
  return nullptr;
}

// Elementary operations of a step, roughly: what an element costs against an addition.
static int64_t costOf(PointwiseOp op) {
  switch (op) {
    case PointwiseOp::pow:
    case PointwiseOp::mod:
    case PointwiseOp::fmod: return 32;
    case PointwiseOp::copy:
    case PointwiseOp::abs:
    case PointwiseOp::neg:
    case PointwiseOp::relu:
    case PointwiseOp::add:
    case PointwiseOp::sub:
    case PointwiseOp::mul:
    case PointwiseOp::mulAdd:
    case PointwiseOp::min:
    case PointwiseOp::max:
    case PointwiseOp::clip:
    case PointwiseOp::where: return 1;
    default: return 6;
  }
}

static uint32_t tiles(const Kernel& k, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const PointwiseParams*>(params);
  const PointwiseWalk walk(p);
  const PointwiseProgram program(p);
  int64_t cost = 1 + p.inputs;  // memory traffic
  for (int32_t s = 0; s < p.steps; s++) cost += costOf(program.steps[s].op());
  if (k.isa == Isa::scalar) cost *= 4;
  return tilesFor(walk.units, cost * walk.piece * walk.rowsPerBlock, threads, 128 * 1024);
}

// One block per register and per input, and one for an output that must be converted.
static uint64_t scratchBytes(const Kernel& k, const void* params) {
  const auto& p = *static_cast<const PointwiseParams*>(params);
  const int64_t blocks = p.registers + p.inputs + 1;
  return static_cast<uint64_t>(blocks * (kPointwiseBlock + kPointwisePad) * elementBytes(k));
}

extern const Contract pointwise_contract{"pointwise", "wr*",  0x1fffe, sizeof(PointwiseParams),
                                         true,        verify, tiles,   scratchBytes};
// The same for outputs of another element type (bool, halves), which may not lie on an input.
extern const Contract pointwise_to_contract{"pointwiseTo", "wr*",  0,     sizeof(PointwiseParams),
                                            true,          verify, tiles, scratchBytes};

}  // namespace dsnk
