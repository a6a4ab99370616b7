// The interpreter's outer loops, for use inside a region (or a namespace of its own): cuts the output into blocks,
// finds or gathers each input's block, runs the steps. `Row` gives the element type and the arithmetic:
//   Row::Element
//   Row::fill(y, value, n), Row::move(y, x, n)      may write up to kPointwisePad elements past y + n
//   Row::widen(type, y, from, offset, n)            reads n elements of another type
//   Row::narrow(type, to, offset, x, n)             writes them
//   Row::step(op, y, a, b, c, n) → Fault            a, b, c: Operand; y may be one of them

template <class E>
struct Operand {
  const E* at;
  bool splat;  // one element stands for all
};

template <class Row>
struct Walker {
  using E = typename Row::Element;
  enum class Reach { splat, whole, row, repeated, scattered };

  const Work& w;
  const PointwiseProgram program;
  const PointwiseParams& p;
  const PointwiseWalk walk;
  Operand<E> input[kPointwiseInputs];
  Reach reach[kPointwiseInputs];
  int64_t stride[kPointwiseInputs][kPointwiseRank];
  int64_t ready[kPointwiseInputs];  // elements that lie gathered already (repeated inputs)

  explicit Walker(const Work& work)
      : w(work), program(work.as<PointwiseParams>()), p(program.params), walk(program.params) {
    const uint32_t last = 1u << (p.rank - 1), all = last | (last - 1);
    for (int32_t i = 0; i < p.inputs; i++) {
      const uint32_t mask = program.inputs[i].mask();
      int64_t s = 1;
      for (int32_t d = p.rank - 1; d >= 0; d--) {
        stride[i][d] = mask >> d & 1 ? s : 0;
        if (mask >> d & 1) s *= p.dims[d];
      }
      ready[i] = 0;
      if (mask == 0)
        reach[i] = Reach::splat;
      else if (mask == all)
        reach[i] = Reach::whole;
      else if (walk.rowsPerBlock == 1)
        reach[i] = Reach::row;
      else
        reach[i] = mask == last ? Reach::repeated : Reach::scattered;
      if (reach[i] == Reach::splat) {
        input[i] = {native(i) ? w.template at<E>(i + 1) : gathered(i), true};
        if (!native(i)) Row::widen(program.inputs[i].type(), gathered(i), w.operand[i + 1], 0, 1);
      }
    }
  }

  bool native(int32_t i) const { return program.inputs[i].type() == PointwiseType::own; }
  E* block(int32_t k) const { return reinterpret_cast<E*>(w.scratch) + k * (kPointwiseBlock + kPointwisePad); }
  E* gathered(int32_t i) const { return block(p.registers + i); }

  // Offset in input i of the first element of a row.
  int64_t rowOffset(int32_t i, int64_t row, int64_t* coordinate) const {
    int64_t offset = 0;
    for (int32_t d = p.rank - 2; d >= 0; d--) {
      const int64_t q = row / p.dims[d];
      coordinate[d] = row - q * p.dims[d];
      offset += coordinate[d] * stride[i][d];
      row = q;
    }
    return offset;
  }

  // n elements from `offset` on, where they lie or widened.
  Operand<E> direct(int32_t i, int64_t offset, int64_t n, bool splat) {
    if (native(i)) return {w.template at<E>(i + 1) + offset, splat};
    Row::widen(program.inputs[i].type(), gathered(i), w.operand[i + 1], offset, n);
    return {gathered(i), splat};
  }

  void copyRun(int32_t i, E* to, int64_t offset, int64_t n) {
    if (native(i))
      Row::move(to, w.template at<E>(i + 1) + offset, n);
    else
      Row::widen(program.inputs[i].type(), to, w.operand[i + 1], offset, n);
  }

  // Rows of an input that some outer dimension repeats, one after the other.
  void scatter(int32_t i, int64_t row, int64_t rows) {
    int64_t coordinate[kPointwiseRank] = {};
    int64_t offset = rowOffset(i, row, coordinate);
    const bool wide = stride[i][p.rank - 1] != 0;
    E* to = gathered(i);
    for (int64_t r = 0; r < rows; r++, to += walk.inner) {
      if (wide) {
        copyRun(i, to, offset, walk.inner);
      } else {
        copyRun(i, to, offset, 1);
        Row::fill(to, *to, walk.inner);
      }
      for (int32_t d = p.rank - 2; d >= 0; d--) {
        offset += stride[i][d];
        if (++coordinate[d] < p.dims[d]) break;
        offset -= stride[i][d] * p.dims[d];
        coordinate[d] = 0;
      }
    }
  }

  void fetch(int32_t i, int64_t row, int64_t rows, int64_t column, int64_t n) {
    switch (reach[i]) {
      case Reach::splat: break;
      case Reach::whole: input[i] = direct(i, row * walk.inner + column, n, false); break;
      case Reach::row: {
        int64_t coordinate[kPointwiseRank];
        const int64_t offset = rowOffset(i, row, coordinate);
        const bool wide = stride[i][p.rank - 1] != 0;
        input[i] = wide ? direct(i, offset + column, n, false) : direct(i, offset, 1, true);
        break;
      }
      case Reach::repeated:
        if (ready[i] < n) {
          for (int64_t at = 0; at < n; at += walk.inner) copyRun(i, gathered(i) + at, 0, walk.inner);
          ready[i] = n;
        }
        input[i] = {gathered(i), false};
        break;
      case Reach::scattered:
        scatter(i, row, rows);
        input[i] = {gathered(i), false};
        break;
    }
  }

  Fault run() {
    const Range units = tileRange(walk.units, w.tile, w.tiles);
    const auto outputType = static_cast<PointwiseType>(p.outputType);
    E immediate[64];
    for (int32_t i = 0; i < p.immediates; i++) immediate[i] = Row::immediate(program.immediates[i]);
    const E zero{};
    auto operand = [&](uint32_t source) -> Operand<E> {
      const uint32_t index = sourceIndex(source);
      switch (sourceKind(source)) {
        case PointwiseSource::register_: return {block(static_cast<int32_t>(index)), false};
        case PointwiseSource::input: return input[index];
        case PointwiseSource::immediate: return {&immediate[index], true};
        case PointwiseSource::none: break;
      }
      return {&zero, true};
    };
    for (int64_t u = units.begin; u < units.end; u++) {
      const int64_t row = u / walk.pieces * walk.rowsPerBlock, column = u % walk.pieces * walk.piece;
      const int64_t rows = walk.rows - row < walk.rowsPerBlock ? walk.rows - row : walk.rowsPerBlock;
      const int64_t columns = walk.inner - column < walk.piece ? walk.inner - column : walk.piece;
      const int64_t n = rows * columns, at = row * walk.inner + column;
      for (int32_t i = 0; i < p.inputs; i++) fetch(i, row, rows, column, n);
      E* const result = outputType == PointwiseType::own ? w.template at<E>(0) + at : gathered(p.inputs);
      for (int32_t s = 0; s < p.steps; s++) {
        const PointwiseStep& step = program.steps[s];
        E* const y = s + 1 == p.steps ? result : block(static_cast<int32_t>(step.target()));
        const Fault fault =
            Row::step(step.op(), y, operand(step.source[0]), operand(step.source[1]), operand(step.source[2]), n);
        if (fault != Fault::none) return fault;
      }
      if (outputType != PointwiseType::own) Row::narrow(outputType, w.operand[0], at, result, n);
    }
    return Fault::none;
  }
};
