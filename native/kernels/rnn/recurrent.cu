// Computes  steps of RNN, GRU and LSTM: recurrent_f32_scalar.cc has the equations
// Shapes    as there
// Numerics  as there, but the products with h are summed by 8 lanes and by the slices that cuda.cc cuts k into, joined in
//           one order: |error| <= hidden·2^-24·Σ|h·R| a step all the same, and equal bits for any number of sequences
// Tiling    small weights: one block walks all steps of R sequences of a direction, its state in shared memory; larger ones:
//           a launch a step, a block for 16 units of R sequences, so that all multiprocessors read weights, the state in
//           scratch twice, read from one half and written to the other. A gru whose reset comes before its product needs
//           two launches: every unit's r·h goes into every candidate. A warp multiplies a panel of 16 columns: 4 lanes are
//           a row of it, 8 rows a load of 512 bytes, four of them on their way, used for R sequences. 94 … 128 registers
//           (nvcc 13), nothing spilled. Compiled and emulated; not yet run on a GPU
// Packing   gemm_pack_b, nr 16, as the processor's rows have it
// Source    none
#include "cuda/elements.cuh"
#include "kernels/epilogue/epilogue.cuh"
#include "kernels/rnn/cell.h"

namespace dsnk {

// A call, for it is long and stands at ten places.
static __device__ __attribute__((noinline)) float activateCell(CellActivation kind, float x, float alpha, float beta) {
  const auto usual = [&](Activation a) { return activate(x, static_cast<int32_t>(a), alpha, beta); };
  switch (kind) {
    case CellActivation::sigmoid: return usual(Activation::sigmoid);
    case CellActivation::tanh: return usual(Activation::tanh);
    case CellActivation::relu: return usual(Activation::relu);
    case CellActivation::affine: return alpha * x + beta;
    case CellActivation::leakyRelu: return usual(Activation::leakyRelu);
    case CellActivation::thresholdedRelu: return x <= alpha ? 0.0f : x;
    case CellActivation::scaledTanh: return alpha * tanhf(beta * x);
    case CellActivation::hardSigmoid: return usual(Activation::hardSigmoid);
    case CellActivation::elu: return usual(Activation::elu);
    case CellActivation::softsign: return x / (1.0f + fabsf(x));
    case CellActivation::softplus: return usual(Activation::softplus);
  }
  return x;
}

// States of a block's sequences, `row` apart; nullptr: zeros.
struct CellStates {
  float* first;
  int64_t row;

  __device__ __forceinline__ float* at(int r, int64_t unit) const { return first + r * row + unit; }
  __device__ __forceinline__ float value(int r, int64_t unit) const { return first == nullptr ? 0.0f : *at(r, unit); }
};

// One of two, member by member: a choice between addresses would put both into memory.
__device__ __forceinline__ CellStates chosen(bool first, const CellStates& a, const CellStates& b) {
  return {first ? a.first : b.first, first ? a.row : b.row};
}

// What one block steps: up to R sequences of a direction, units of some panels.
template <int R>
struct CellBlock {
  const GpuWork& work;
  const RecurrentParams& p;
  int64_t direction, sequence;  // the first one
  int rows;
  int64_t panel, panels;
  float* sums;               // [slice][R][gate][panel][16]
  CellStates second, reset;  // c of an lstm, z of a gru; r·h, or r where the product comes first
  int64_t columns = 0;       // of sums
  int slices = 0;

  __device__ __forceinline__ CellBlock(const GpuWork& w, const RecurrentParams& params, int64_t firstPanel,
                                       int64_t panelCount, int64_t rowBlock)
      : work(w), p(params), direction(blockIdx.y), sequence(rowBlock * R), panel(firstPanel), panels(panelCount) {
    rows = p.batch - sequence < R ? static_cast<int>(p.batch - sequence) : R;
  }
  __device__ __forceinline__ bool isLate() const {
    return static_cast<Cell>(p.kind) == Cell::gru && p.linearBeforeReset == 0;
  }
  __device__ __forceinline__ int64_t gates() const { return cellGates(static_cast<Cell>(p.kind)); }
  __device__ __forceinline__ int64_t stateAt(int r) const {
    const int64_t b = sequence + r;
    return (p.layout == 1 ? b * p.directions + direction : direction * p.batch + b) * p.hidden;
  }
  // Initial states, operand 8 or 9.
  __device__ __forceinline__ CellStates initial(int operand) const {
    float* first = work.at<float>(operand);
    return {first == nullptr ? nullptr : first + stateAt(0), p.layout == 1 ? p.directions * p.hidden : p.hidden};
  }
  __device__ __forceinline__ int64_t lengthOf(int r) const {
    const auto* lengths = work.at<const int32_t>(7);
    if (lengths == nullptr) return p.steps;
    const int64_t length = lengths[sequence + r];
    if (length >= 0 && length <= p.steps) return length;
    return fault(work, Fault::invalidValue), 0;
  }
  __device__ __forceinline__ float* outputAt(int r, int64_t t, int64_t unit) const {
    const int64_t b = sequence + r, row = p.layout == 1 ? (b * p.steps + t) * p.directions + direction
                                                        : (t * p.directions + direction) * p.batch + b;
    return work.at<float>(0) + row * p.hidden + unit;
  }

  // The sums over h of `count` gates from `gate` on. Barriers stand around it.
  __device__ __forceinline__ void multiply(const CellStates& h, int64_t gate, int64_t count) {
    const int warps = static_cast<int>(blockDim.x) / kWarp;
    const int64_t items = count * panels, all = cellPanels(p.hidden);
    columns = items * kCellPanel;
    slices = h.first == nullptr ? 0 : items < warps ? warps / static_cast<int>(items) : 1;
    const int64_t each = ceil_div(ceil_div(p.hidden, static_cast<int64_t>(max(slices, 1))), int64_t{8}) * 8;
    const float* const weights = work.at<const float>(5) + direction * gates() * all * kCellPanel * p.hidden;
    const bool wide = isAligned(weights, 16);
    const int own = lane() % 4 * 4;
    int64_t row[R];
#pragma unroll
    for (int r = 0; r < R; r++) row[r] = (r < rows ? r : 0) * h.row;
    for (int64_t item = warp(); item < items * slices; item += warps) {
      const int64_t q = item % items, slice = item / items, begin = slice * each;
      const int64_t end = p.hidden - begin < each ? p.hidden : begin + each;
      const float* from = weights + ((gate + q / panels) * all + panel + q % panels) * p.hidden * kCellPanel + own;
      float acc[R][4] = {};
      // Without a branch in it, four loads are on their way at once.
      const auto walk = [&](auto load) {
#pragma unroll 4
        for (int64_t k = begin + lane() / 4; k < end; k += 8) {
          const Quad w = load(from + k * kCellPanel);
#pragma unroll
          for (int r = 0; r < R; r++) {
            const float x = h.first[row[r] + k];
#pragma unroll
            for (int j = 0; j < 4; j++) acc[r][j] = fmaf(x, w.v[j], acc[r][j]);
          }
        }
      };
      if (wide)
        walk([](const float* w) { return load_quad(w); });
      else
        walk([](const float* w) { return Quad{{w[0], w[1], w[2], w[3]}}; });
#pragma unroll
      for (int r = 0; r < R; r++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
#pragma unroll
          for (int by = 16; by >= 4; by /= 2) acc[r][j] += shuffle_xor(acc[r][j], by);
          if (lane() < 4) sums[(slice * R + r) * columns + q * kCellPanel + own + j] = acc[r][j];
        }
      }
    }
  }
  __device__ __forceinline__ float sumOf(int r, int64_t gate, int64_t j) const {
    float sum = 0.0f;
    for (int s = 0; s < slices; s++) sum += sums[(s * R + r) * columns + gate * panels * kCellPanel + j];
    return sum;
  }
  __device__ __forceinline__ float biasOf(int64_t gate, int64_t unit) const {
    const float* bias = work.at<const float>(6);
    return bias == nullptr ? 0.0f : bias[((direction * 2 + 1) * gates() + gate) * p.hidden + unit];
  }
  __device__ __forceinline__ float peepholeOf(int64_t which, int64_t unit) const {
    const float* peephole = work.at<const float>(10);
    return peephole == nullptr ? 0.0f : peephole[(direction * 3 + which) * p.hidden + unit];
  }
  __device__ __forceinline__ float gateOf(int which, float x) const {
    if (p.clip > 0) x = clamped(x, -p.clip, p.clip);
    return activated(which, x);
  }
  __device__ __forceinline__ float activated(int which, float x) const {
    // Constant places: at others, parameters would be copied to memory first.
    const auto own = [&](const auto& of) { return direction == 0 ? of[which] : of[3 + which]; };
    return activateCell(static_cast<CellActivation>(own(p.activation)), x, own(p.alpha), own(p.beta));
  }

  __device__ __forceinline__ float inputOf(const float* x, int r, int64_t gate, int64_t j, int64_t unit) const {
    return x[gate * p.hidden] + biasOf(gate, unit) + sumOf(r, gate, j);
  }

  // Calls each(r, j, unit): unit j of the block's, which is `unit` of the layer.
  template <class Each>
  __device__ __forceinline__ void forUnits(Each each) const {
    const int64_t units = panels * kCellPanel;
    for (int64_t i = threadIdx.x; i < rows * units; i += blockDim.x) {
      const Quotient at = divide(i, units);
      const int64_t unit = panel * kCellPanel + at.rest;
      if (unit < p.hidden) each(static_cast<int>(at.whole), at.rest, unit);
    }
  }
  __device__ __forceinline__ void end(int r, int64_t unit, float h, float c) const {
    if (work.at<float>(1) != nullptr) work.at<float>(1)[stateAt(r) + unit] = h;
    if (work.at<float>(2) != nullptr) work.at<float>(2)[stateAt(r) + unit] = c;
  }

  // First half of a step of a gru that is reset before its product: z, and r·h.
  __device__ __forceinline__ void stepReset(int64_t s, const CellStates& h) {
    multiply(h, 0, 2);
    sync_block();
    forUnits([&](int r, int64_t j, int64_t unit) {
      const int64_t length = lengthOf(r);
      if (s >= length) return;
      const float* x = projectionOf(r, s, length) + unit;
      *second.at(r, unit) = gateOf(0, inputOf(x, r, 0, j, unit));
      *reset.at(r, unit) = gateOf(0, inputOf(x, r, 1, j, unit)) * h.value(r, unit);
    });
  }
  __device__ __forceinline__ int64_t timeOf(int64_t s, int64_t length) const {
    return (p.reverse >> direction & 1) != 0 ? length - 1 - s : s;
  }
  __device__ __forceinline__ const float* projectionOf(int r, int64_t s, int64_t length) const {
    const int64_t b = sequence + r, t = timeOf(s, length);
    return (direction == 0 ? work.at<const float>(3) : work.at<const float>(4)) +
           (p.layout == 1 ? b * p.steps + t : t * p.batch + b) * gates() * p.hidden;
  }

  // The step, or its second half: from state h and c to `next` and `second`, which may be where they are.
  __device__ __forceinline__ void step(int64_t s, const CellStates& h, const CellStates& c, const CellStates& next) {
    const auto kind = static_cast<Cell>(p.kind);
    if (isLate())
      multiply(chosen(h.first == nullptr, h, reset), 2, 1);
    else
      multiply(h, 0, gates());
    sync_block();
    forUnits([&](int r, int64_t j, int64_t unit) {
      const int64_t length = lengthOf(r);
      float now = h.value(r, unit), cell = kind == Cell::lstm ? c.value(r, unit) : 0.0f;
      if (s < length) {
        const float* x = projectionOf(r, s, length) + unit;
        if (kind == Cell::lstm) {
          const float before = cell, in = gateOf(0, inputOf(x, r, 0, j, unit) + peepholeOf(0, unit) * before);
          const float forget =
              p.inputForget != 0 ? 1.0f - in : gateOf(0, inputOf(x, r, 2, j, unit) + peepholeOf(2, unit) * before);
          cell = forget * before + in * gateOf(1, inputOf(x, r, 3, j, unit));
          now = gateOf(0, inputOf(x, r, 1, j, unit) + peepholeOf(1, unit) * cell) * activated(2, cell);
        } else if (kind == Cell::gru) {
          float z, a;
          if (isLate()) {
            z = *second.at(r, unit);
            a = x[2 * p.hidden] + biasOf(2, unit) + sumOf(r, 0, j);
          } else {
            z = gateOf(0, inputOf(x, r, 0, j, unit));
            a = x[2 * p.hidden] + gateOf(0, inputOf(x, r, 1, j, unit)) * (biasOf(2, unit) + sumOf(r, 2, j));
          }
          now = (1.0f - z) * gateOf(1, a) + z * now;
        } else {
          now = gateOf(0, inputOf(x, r, 0, j, unit));
        }
      }
      if (kind == Cell::lstm) *second.at(r, unit) = cell;
      *next.at(r, unit) = now;
      // Each sequence writes as many steps as there are: those behind its end are zeros.
      if (work.operand[0] != nullptr) *outputAt(r, s < length ? timeOf(s, length) : s, unit) = s < length ? now : 0.0f;
      if (s + 1 == p.steps) end(r, unit, now, cell);
    });
  }
};

// All steps. number[0]: whether states fit shared memory.
template <int R>
__device__ __forceinline__ void recurrentBlock(const GpuWork& work, const RecurrentParams& p) {
  CellBlock<R> block(work, p, 0, cellPanels(p.hidden), blockIdx.x);
  const int64_t padded = block.panels * kCellPanel, warps = blockDim.x / kWarp;
  auto* const space = reinterpret_cast<float*>(
      work.number[0] != 0 ? shared_memory()
                          : reinterpret_cast<unsigned char*>(work.scratch) +
                                (int64_t{blockIdx.y} * gridDim.x + blockIdx.x) * cellBlockBytes(p, R, warps));
  const CellStates state{space, padded};
  block.second = {space + R * padded, padded};
  block.reset = {space + 2 * R * padded, padded};
  block.sums = space + 3 * R * padded;
  const CellStates h0 = block.initial(8), c0 = block.initial(9);
  if (p.steps == 0)
    block.forUnits([&](int r, int64_t, int64_t unit) { block.end(r, unit, h0.value(r, unit), c0.value(r, unit)); });
  for (int64_t s = 0; s < p.steps; s++) {
    const CellStates h = chosen(s == 0, h0, state);
    if (block.isLate()) {
      block.stepReset(s, h);
      sync_block();
    }
    block.step(s, h, chosen(s == 0, c0, block.second), state);
    sync_block();
  }
}

// One step. number[0]: which; number[1]: whether it is the first half.
template <int R>
__device__ __forceinline__ void recurrentStep(const GpuWork& work, const RecurrentParams& p) {
  alignas(16) __shared__ float sums[kCellStepSums * R];
  const int64_t all = cellPanels(p.hidden), s = work.number[0];
  const Quotient at = divide(blockIdx.x, all);
  CellBlock<R> block(work, p, at.rest, 1, at.whole);
  block.sums = sums;
  const int64_t padded = all * kCellPanel, part = p.directions * p.batch * padded;
  auto* const space = reinterpret_cast<float*>(work.scratch) + (block.direction * p.batch + block.sequence) * padded;
  block.second = {space + 2 * part, padded};
  block.reset = {space + 3 * part, padded};
  const CellStates h = chosen(s == 0, block.initial(8), {space + (s & 1) * part, padded});
  if (work.number[1] != 0)
    block.stepReset(s, h);
  else
    block.step(s, h, chosen(s == 0, block.initial(9), block.second), {space + ((s + 1) & 1) * part, padded});
}

DSNK_ENTRY(512, 1, recurrent_block1, RecurrentParams) { recurrentBlock<1>(work, params); }
DSNK_ENTRY(512, 1, recurrent_block4, RecurrentParams) { recurrentBlock<4>(work, params); }
DSNK_ENTRY(256, 2, recurrent_step1, RecurrentParams) { recurrentStep<1>(work, params); }
DSNK_ENTRY(256, 2, recurrent_step4, RecurrentParams) { recurrentStep<4>(work, params); }

}  // namespace dsnk
