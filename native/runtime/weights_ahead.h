// Which weights the threads of a run may fetch while they multiply: a queue of what later instructions read.
#pragma once
#include <algorithm>
#include <vector>

#include "runtime/program.h"

namespace dsnk {

// A network's weights rarely stay in a shared third-level cache from run to run, and products of few rows (classifiers,
// squeeze and excitation) wait for memory: MobileNetV3-L on one Zen 4 core spends 0.46 of 5.4 ms in six of them, at 26 GB/s,
// where the same kernel reads the third level at 80. The convolutions before them read little, and fetch a line every
// second step of k. Gained: MobileNetV3-L 2.2 %, with 2 or 4 MB ahead the same within 1 %; the classifier of MobileNetV2
// takes 193 in place of 221 µs and the convolution before it 384 in place of 375: its 1.7 MB of lines are a third of it.
class WeightsAhead {
 public:
  WeightsAhead(const std::vector<Instruction>& code, const std::vector<OperandRef>& operands,
               const std::vector<std::byte*>& bases, uint32_t threads)
      : code_(code), operands_(operands), bases_(bases), cursors_(threads) {}

  // To be called before each instruction, by the thread that hands out its tiles. Members then fetch until the next call.
  void before(uint32_t pc) {
    if (next_ <= pc) {  // an instruction reads its own weights by itself
      next_ = pc + 1;
      operand_ = 0;
      between_ = 0;
      for (auto& c : cursors_) c.range = {};
    } else {
      between_ -= bytesOf(pc);
    }
    while (fetched() && advance()) {
    }
  }

  Ahead* of(uint32_t member) { return &cursors_[member].range; }

 private:
  static constexpr uint64_t kLeast = 64 << 10;  // bytes of an operand that is worth it
  static constexpr uint64_t kMost = 1 << 20;    // bytes of instructions between the running one and the queue

  struct alignas(64) Cursor {
    Ahead range;
  };

  bool wanted(const OperandRef& o) const { return o.segment == Segment::weights && o.bytes >= kLeast; }

  uint64_t bytesOf(uint32_t pc) const {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < code_[pc].operandCount; i++) {
      const OperandRef& o = operands_[code_[pc].firstOperand + i];
      if (wanted(o)) sum += o.bytes;
    }
    return sum;
  }

  bool fetched() const {
    return std::all_of(cursors_.begin(), cursors_.end(), [](const Cursor& c) { return c.range.at >= c.range.end; });
  }

  // Each member gets its part of the next operand; false where there is none near.
  bool advance() {
    for (; next_ < code_.size() && between_ <= kMost; between_ += bytesOf(next_++), operand_ = 0) {
      while (operand_ < code_[next_].operandCount) {
        const OperandRef& o = operands_[code_[next_].firstOperand + operand_++];
        if (!wanted(o)) continue;
        const std::byte* base = bases_[o.index] + o.offset;
        const uint64_t n = cursors_.size();
        for (uint64_t m = 0; m < n; m++) cursors_[m].range = {base + o.bytes * m / n, base + o.bytes * (m + 1) / n};
        return true;
      }
    }
    return false;
  }

  const std::vector<Instruction>& code_;
  const std::vector<OperandRef>& operands_;
  const std::vector<std::byte*>& bases_;
  std::vector<Cursor> cursors_;
  uint32_t next_ = 0, operand_ = 0;  // what comes after the range of the cursors
  uint64_t between_ = 0;             // weights of the instructions from the next one to before next_
};

}  // namespace dsnk
