// Mutates the words of compiled programs and loads them. Whatever `load` accepts is then run kernel by kernel, every
// operand in an allocation of exactly its size, so that AddressSanitizer sees any byte touched outside it.
//
//   fuzz_load <mutations> <seed> <corpus file>…     files as scripts/test-native.mjs writes them
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "runtime/executor.h"
#include "runtime/program.h"

using namespace dsnk;

namespace {

struct Sample {
  std::string name;
  std::vector<uint32_t> words;
  std::vector<std::vector<std::byte>> sources;
};

Sample read(const char* path) {
  std::ifstream f(path, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(f)), std::istreambuf_iterator<char>());
  size_t at = 0;
  auto u32 = [&] {
    uint32_t v = 0;
    if (at + 4 <= bytes.size()) std::memcpy(&v, &bytes[at], 4);
    at += 4;
    return v;
  };
  Sample s;
  s.name = path;
  s.words.resize(u32());
  for (auto& w : s.words) w = u32();
  s.sources.resize(u32());
  for (auto& source : s.sources) {
    source.resize(u32());
    if (!source.empty()) std::memcpy(source.data(), &bytes[at], source.size());
    at += source.size();
  }
  return s;
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  void mutate(std::vector<uint32_t>& words) {
    const int edits = 1 + static_cast<int>(random_() % 4);
    for (int i = 0; i < edits && !words.empty(); i++) {
      uint32_t& w = words[random_() % words.size()];
      switch (random_() % 8) {
        case 0: w = static_cast<uint32_t>(random_()); break;
        case 1: w ^= 1u << random_() % 32; break;
        case 2: w += static_cast<uint32_t>(random_() % 17) - 8; break;
        case 3: w = kEdges[random_() % std::size(kEdges)]; break;
        case 4: w *= 2; break;
        case 5: w = words[random_() % words.size()]; break;
        case 6: w = static_cast<uint32_t>(random_() % 64); break;
        case 7: w = 0 - w; break;
      }
    }
    if (random_() % 50 == 0) words.resize(random_() % (words.size() + 1));
    if (random_() % 4 != 0 && words.size() > 2) words[2] = static_cast<uint32_t>(words.size());
  }
  void fill(std::byte* p, size_t n) {
    const uint64_t kind = random_() % 4;
    for (size_t i = 0; i < n; i++) {
      p[i] = kind == 0 ? std::byte{0} : static_cast<std::byte>(kind == 1 ? random_() & 3 : random_());
    }
  }

 private:
  static constexpr uint32_t kEdges[] = {0,          1,          2,          0x7fffffff, 0x80000000, 0xffffffff,
                                        0xfffffffe, 0x00010000, 0x40000000, 64,         4096,       0x7f800000};
  std::mt19937_64 random_;
};

constexpr uint64_t kMostOperandBytes = 64u << 20;

// Runs one instruction with every operand in memory of its own.
void runAlone(const Program& p, const Instruction& in, Mutator& mutator) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < in.operandCount; i++) total += p.operands[in.firstOperand + i].bytes;
  if (total > kMostOperandBytes) return;
  std::vector<std::byte*> pointers;
  std::vector<void*> owned;
  for (uint32_t i = 0; i < in.operandCount; i++) {
    const OperandRef& o = p.operands[in.firstOperand + i];
    if (o.segment == Segment::none) {
      pointers.push_back(nullptr);
      continue;
    }
    // malloc gives 16-byte alignment, as much as a program promises
    auto* memory = static_cast<std::byte*>(std::malloc(o.bytes ? o.bytes : 1));
    if (memory == nullptr) std::abort();
    mutator.fill(memory, o.bytes);
    owned.push_back(memory);
    pointers.push_back(memory);
  }
  // In-place operands share memory in a real run; give output 0 the same memory as the first such input now and then.
  void* scratch = nullptr;
  if (p.scratchBytesPerThread && posix_memalign(&scratch, 64, p.scratchBytesPerThread) != 0) std::abort();
  for (uint32_t tile = 0; tile < in.tiles; tile++) {
    const Work work{in.params, pointers.data(), in.operandCount, tile, in.tiles, static_cast<std::byte*>(scratch)};
    in.kernel->run(work);
  }
  std::free(scratch);
  for (void* m : owned) std::free(m);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: fuzz_load mutations seed corpus…\n");
    return 2;
  }
  const long mutations = std::atol(argv[1]);
  Mutator mutator(std::strtoull(argv[2], nullptr, 10));
  std::mt19937_64 choose(std::strtoull(argv[2], nullptr, 10) + 1);
  std::vector<Sample> corpus;
  for (int i = 3; i < argc; i++) corpus.push_back(read(argv[i]));
  Team team(1);
  long accepted = 0;
  double slowest = 0;
  for (long n = -static_cast<long>(corpus.size()); n < mutations; n++) {
    // the first rounds run every sample as it is
    const Sample& sample =
        corpus[n < 0 ? static_cast<size_t>(n + static_cast<long>(corpus.size())) : choose() % corpus.size()];
    std::vector<uint32_t> words = sample.words;
    if (n >= 0) mutator.mutate(words);
    std::vector<Source> sources;
    for (const auto& s : sample.sources) sources.push_back({s.data(), s.size(), nullptr});
    LoadError error;
    auto store = std::make_shared<WeightStore>();
    const auto start = std::chrono::steady_clock::now();
    const auto program = load(words.data(), words.size(), store, sources, team, error);
    if (program) {
      accepted++;
      for (const auto* code : {&program->init, &program->main}) {
        for (const Instruction& in : *code) runAlone(*program, in, mutator);
      }
    } else if (n < 0) {
      std::fprintf(stderr, "%s is refused unmutated: %s (instruction %d)\n", sample.name.c_str(), error.what.c_str(),
                   error.pc);
      return 1;
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (seconds > slowest) slowest = seconds;
    if (seconds > 20) {
      std::fprintf(stderr, "mutation %ld of %s took %.1f s\n", n, sample.name.c_str(), seconds);
      return 1;
    }
  }
  std::printf("fuzz_load: %ld mutations of %zu programs, %ld accepted and run, 0 faults, slowest %.2f s\n", mutations,
              corpus.size(), accepted, slowest);
  return 0;
}
