// Included by recurrent_f32_<isa>.cc inside that ISA's region, after math.inl and sweep.inl.

constexpr int kPanelVecs = static_cast<int>(kCellPanel) / F32::lanes;

struct CellActivations {
  const int32_t* kind;
  const float *alpha, *beta;
};

DSNK_INLINE F32 activate(const CellActivations& a, int which, F32 x) {
  const F32 alpha = F32::set(a.alpha[which]), beta = F32::set(a.beta[which]);
  switch (static_cast<CellActivation>(a.kind[which])) {
    case CellActivation::sigmoid: return sigmoid(x);
    case CellActivation::tanh: return tanh(x);
    case CellActivation::relu: return max(F32::zero(), x);
    case CellActivation::affine: return alpha * x + beta;
    case CellActivation::leakyRelu: return select(less(x, F32::zero()), alpha * x, x);
    case CellActivation::thresholdedRelu: return select(lessEqual(x, alpha), F32::zero(), x);
    case CellActivation::scaledTanh: return alpha * tanh(beta * x);
    case CellActivation::hardSigmoid: return max(F32::zero(), min(F32::set(1.0f), alpha * x + beta));
    case CellActivation::elu: return select(less(x, F32::zero()), alpha * expm1(x), x);
    case CellActivation::softsign: return x / (F32::set(1.0f) + abs(x));
    case CellActivation::softplus: return softplus(x);
  }
  return x;
}

// gates[r][panel] += Σ_k h[r][k]·panel[k], `panels` neighbouring panels for `rows` sequences at once.
template <int rows, int panels>
DSNK_INLINE void panelStep(const float* h, int64_t hRow, const float* packed, int64_t k, float* gates,
                           int64_t gateRow) {
  constexpr int vecs = panels * kPanelVecs;
  F32 acc[rows][vecs];
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++) {
#pragma GCC unroll 16
    for (int v = 0; v < vecs; v++) acc[r][v] = F32::load(gates + r * gateRow + v * F32::lanes);
  }
  for (int64_t i = 0; i < k; i++) {
#pragma GCC unroll 16
    for (int v = 0; v < vecs; v++) {
      const F32 w =
          F32::load(packed + (v / kPanelVecs) * k * kCellPanel + i * kCellPanel + (v % kPanelVecs) * F32::lanes);
#pragma GCC unroll 8
      for (int r = 0; r < rows; r++) acc[r][v] = fma(F32::set(h[r * hRow + i]), w, acc[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++) {
#pragma GCC unroll 16
    for (int v = 0; v < vecs; v++) acc[r][v].store(gates + r * gateRow + v * F32::lanes);
  }
}

// The k-loop's order is that of one row alone: how many rows go together does not change a bit.
static void multiplyState(int rows, const float* h, int64_t hRow, const float* packed, int64_t k, int64_t panels,
                          float* gates, int64_t gateRow) {
  // One row: 8 accumulators hide the latency of fma. Four rows: 16 accumulators (ymm: 8 of 16 registers).
  constexpr int wide = F32::lanes == 16 ? 8 : F32::lanes == 4 ? 2 : 4;
  constexpr int narrow = F32::lanes == 16 ? 4 : 1;
  int64_t p = 0;
  if (rows == kCellRows) {
    for (; p + narrow <= panels; p += narrow)
      panelStep<kCellRows, narrow>(h, hRow, packed + p * k * kCellPanel, k, gates + p * kCellPanel, gateRow);
    for (; p < panels; p++)
      panelStep<kCellRows, 1>(h, hRow, packed + p * k * kCellPanel, k, gates + p * kCellPanel, gateRow);
    return;
  }
  for (int r = 0; r < rows; r++) {
    for (p = 0; p + wide <= panels; p += wide)
      panelStep<1, wide>(h + r * hRow, hRow, packed + p * k * kCellPanel, k, gates + r * gateRow + p * kCellPanel,
                         gateRow);
    for (; p < panels; p++)
      panelStep<1, 1>(h + r * hRow, hRow, packed + p * k * kCellPanel, k, gates + r * gateRow + p * kCellPanel,
                      gateRow);
  }
}

// One block of sequences of one direction.
struct Layer {
  const RecurrentParams& p;
  CellActivations f;
  int64_t hidden, padded, gates;
  const float *projection, *weights, *bias, *peephole;  // of this direction; bias: the recurrent half

  inline __attribute__((always_inline)) F32 limit(F32 x) const {
    if (!(p.clip > 0)) return x;
    return min(F32::set(p.clip), max(F32::set(-p.clip), x));
  }
  // The element-wise inputs of a gate: vectors that end where the gate ends.
  inline __attribute__((always_inline)) F32 tail(const float* from, int64_t j) const {
    const int64_t left = hidden - j;
    if (!from || left <= 0) return F32::zero();
    return left >= F32::lanes ? F32::load(from + j) : F32::loadFirst(from + j, static_cast<int>(left));
  }

  // Gates before the state's part: projection + recurrent bias.
  void start(const float* x, float* gate) const {
    for (int64_t g = 0; g < gates; g++) {
      // a gate that is reset after its product keeps its input apart
      const bool apart = static_cast<Cell>(p.kind) == Cell::gru && g == 2;
      const bool own = !apart || !p.linearBeforeReset;
      for (int64_t j = 0; j < padded; j += F32::lanes) {
        const F32 b = tail(bias ? bias + g * hidden : nullptr, j);
        (own ? tail(x + g * hidden, j) + b : b).store(gate + g * padded + j);
      }
    }
  }

  void lstm(const float* gate, float* h, float* c) const {
    const float *pi = peephole, *po = peephole ? peephole + hidden : nullptr,
                *pf = peephole ? peephole + 2 * hidden : nullptr;
    for (int64_t j = 0; j < padded; j += F32::lanes) {
      const F32 before = F32::load(c + j);
      const F32 in = activate(f, 0, limit(F32::load(gate + j) + tail(pi, j) * before));
      const F32 forget = p.inputForget ? F32::set(1.0f) - in
                                       : activate(f, 0, limit(F32::load(gate + 2 * padded + j) + tail(pf, j) * before));
      const F32 candidate = activate(f, 1, limit(F32::load(gate + 3 * padded + j)));
      const F32 now = forget * before + in * candidate;
      const F32 out = activate(f, 0, limit(F32::load(gate + padded + j) + tail(po, j) * now));
      now.store(c + j);
      (out * activate(f, 2, now)).store(h + j);
    }
  }

  // First half of a GRU step: update and reset gates; `reset` becomes r·h where the product comes after.
  void gruGates(float* gate, const float* h, float* reset) const {
    for (int64_t j = 0; j < padded; j += F32::lanes) {
      activate(f, 0, limit(F32::load(gate + j))).store(gate + j);
      const F32 r = activate(f, 0, limit(F32::load(gate + padded + j)));
      (p.linearBeforeReset ? r : r * F32::load(h + j)).store(reset + j);
    }
  }
  void gruState(const float* gate, const float* x, const float* reset, float* h) const {
    for (int64_t j = 0; j < padded; j += F32::lanes) {
      F32 a = F32::load(gate + 2 * padded + j);
      if (p.linearBeforeReset) a = tail(x + 2 * hidden, j) + F32::load(reset + j) * a;
      const F32 candidate = activate(f, 1, limit(a)), z = F32::load(gate + j);
      ((F32::set(1.0f) - z) * candidate + z * F32::load(h + j)).store(h + j);
    }
  }
  void rnn(const float* gate, float* h) const {
    for (int64_t j = 0; j < padded; j += F32::lanes) activate(f, 0, limit(F32::load(gate + j))).store(h + j);
  }
};

static Fault stepBlock(const Work& w, int direction, int64_t first, int rows) {
  const auto& p = w.as<RecurrentParams>();
  const auto kind = static_cast<Cell>(p.kind);
  const int64_t gates = cellGates(kind), hidden = p.hidden, padded = cellPadded(p);
  const float* bias = w.at<float>(6);
  const float* peephole = w.at<float>(10);
  const Layer layer{p,
                    {p.activation + 3 * direction, p.alpha + 3 * direction, p.beta + 3 * direction},
                    hidden,
                    padded,
                    gates,
                    w.at<float>(3 + direction),
                    w.at<float>(5) + direction * gates * padded * hidden,
                    bias ? bias + (direction * 2 + 1) * gates * hidden : nullptr,
                    peephole ? peephole + direction * 3 * hidden : nullptr};
  auto* gate = reinterpret_cast<float*>(w.scratch);
  const int64_t gateRow = gates * padded;
  float *h = gate + kCellRows * gateRow, *c = h + kCellRows * padded, *reset = c + kCellRows * padded;
  const bool backwards = (p.reverse >> direction) & 1, batchFirst = p.layout == 1;
  const auto stateAt = [&](int64_t b) {
    return (batchFirst ? b * p.directions + direction : direction * p.batch + b) * hidden;
  };
  const auto stepAt = [&](int64_t t, int64_t b) {
    return (batchFirst ? (b * p.steps + t) * p.directions + direction : (t * p.directions + direction) * p.batch + b) *
           hidden;
  };
  const size_t rowBytes = static_cast<size_t>(hidden) * 4;

  int64_t length[kCellRows];
  int64_t longest = 0;
  ::memset(gate, 0, static_cast<size_t>(cellScratchFloats(p)) * 4);
  for (int r = 0; r < rows; r++) {
    const int64_t b = first + r;
    length[r] = w.at<int32_t>(7) ? w.at<int32_t>(7)[b] : p.steps;
    if (length[r] < 0 || length[r] > p.steps) return Fault::invalidValue;
    if (length[r] > longest) longest = length[r];
    if (w.at<float>(8)) ::memcpy(h + r * padded, w.at<float>(8) + stateAt(b), rowBytes);
    if (w.at<float>(9)) ::memcpy(c + r * padded, w.at<float>(9) + stateAt(b), rowBytes);
    if (w.at<float>(0)) {
      for (int64_t t = length[r]; t < p.steps; t++) ::memset(w.at<float>(0) + stepAt(t, b), 0, rowBytes);
    }
  }
  for (int64_t s = 0; s < longest; s++) {
    const auto timeOf = [&](int r) { return backwards ? length[r] - 1 - s : s; };
    const auto inputOf = [&](int r) {
      const int64_t b = first + r, t = timeOf(r);
      return layer.projection + (batchFirst ? b * p.steps + t : t * p.batch + b) * gates * hidden;
    };
    for (int r = 0; r < rows; r++) {
      if (s < length[r]) layer.start(inputOf(r), gate + r * gateRow);
    }
    const bool late = kind == Cell::gru && !p.linearBeforeReset;  // the last gate waits for r·h
    const int64_t panels = padded / kCellPanel;
    multiplyState(rows, h, padded, layer.weights, hidden, (late ? 2 : gates) * panels, gate, gateRow);
    if (kind == Cell::gru) {
      for (int r = 0; r < rows; r++) {
        if (s < length[r]) layer.gruGates(gate + r * gateRow, h + r * padded, reset + r * padded);
      }
      if (late)
        multiplyState(rows, reset, padded, layer.weights + 2 * padded * hidden, hidden, panels, gate + 2 * padded,
                      gateRow);
    }
    for (int r = 0; r < rows; r++) {
      if (s >= length[r]) continue;  // this sequence has ended and keeps its state
      float *own = h + r * padded, *g = gate + r * gateRow;
      if (kind == Cell::lstm)
        layer.lstm(g, own, c + r * padded);
      else if (kind == Cell::gru)
        layer.gruState(g, inputOf(r), reset + r * padded, own);
      else
        layer.rnn(g, own);
      if (w.at<float>(0)) ::memcpy(w.at<float>(0) + stepAt(timeOf(r), first + r), own, rowBytes);
    }
  }
  for (int r = 0; r < rows; r++) {
    if (w.at<float>(1)) ::memcpy(w.at<float>(1) + stateAt(first + r), h + r * padded, rowBytes);
    if (w.at<float>(2)) ::memcpy(w.at<float>(2) + stateAt(first + r), c + r * padded, rowBytes);
  }
  return Fault::none;
}

static Fault recurrent(const Work& w) {
  const auto& p = w.as<RecurrentParams>();
  const int64_t blocks = cellBlocks(p);
  const Range part = tileRange(p.directions * blocks, w.tile, w.tiles);
  for (int64_t i = part.begin; i < part.end; i++) {
    const int64_t first = (i % blocks) * kCellRows;
    const int rows = static_cast<int>(p.batch - first < kCellRows ? p.batch - first : kCellRows);
    const Fault fault = stepBlock(w, static_cast<int>(i / blocks), first, rows);
    if (fault != Fault::none) return fault;
  }
  return Fault::none;
}
