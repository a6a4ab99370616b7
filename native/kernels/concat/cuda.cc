#include <cstring>

#include "kernels/concat/params.gen.h"
#include "kernels/launches.h"

namespace dsnk {

void concat_sm72(const GpuProblem& p, LaunchPlan& plan) {
  constexpr uint32_t kInputs = 8;  // of one launch
  const auto& q = p.as<ConcatParams>();
  const auto* tail = reinterpret_cast<const char*>(&q + 1);
  const uint32_t inputs = p.operandCount - 1;
  int64_t offset = 0;
  for (uint32_t first = 0; first < inputs; first += kInputs) {
    const uint32_t count = inputs - first < kInputs ? inputs - first : kInputs;
    Launch launch("concat", "concat_rows");
    int64_t longest = 0;
    launch.number[kInputs] = offset;
    for (uint32_t i = 0; i < count; i++) {
      uint32_t words[2];
      std::memcpy(words, tail + (first + i) * sizeof words, sizeof words);
      const int64_t bytes = static_cast<int64_t>(uint64_t{words[1]} << 32 | words[0]);
      launch.number[i] = bytes;
      launch.operand[1 + i] = static_cast<uint16_t>(1 + first + i);
      offset += bytes;
      if (bytes > longest) longest = bytes;
    }
    launch.grid[0] = blocksOver(p, q.outer * longest, 4096);
    launch.grid[1] = count;
    plan.add(launch);
  }
}

}  // namespace dsnk
