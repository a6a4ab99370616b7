// Mutates the words of compiled programs and loads them. Whatever `load` accepts is then run kernel by kernel, every
// operand and the scratch in an allocation of exactly its size and filled with anything, so that AddressSanitizer sees
// every byte touched outside them. Where the contract allows it, output 0 now and then is the memory of an input.
//
//   fuzz_load <mutations> <seed> <corpus file>…     files as test/native/corpus.ts writes them
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "runtime/executor.h"
#include "sample.h"

using namespace dsnk;

namespace {

// What is at work, for the report of a sanitizer or of the alarm clock.
struct {
  const Sample* sample = nullptr;
  long mutation = 0;
  const Kernel* kernel = nullptr;
  const uint32_t* params = nullptr;
  std::vector<uint64_t> operandBytes;
} now;

void printNow() {
  if (now.sample == nullptr) return;
  std::fprintf(stderr, "fuzz_load: mutation %ld of %s", now.mutation, now.sample->name.c_str());
  if (now.kernel != nullptr) {
    std::fprintf(stderr, ", running %s, parameters", now.kernel->name);
    for (uint32_t i = 0; i < now.kernel->contract->paramBytes / 4; i++) {
      std::fprintf(stderr, " %d", static_cast<int>(now.params[i]));
    }
    std::fprintf(stderr, ", operand bytes");
    for (uint64_t b : now.operandBytes) std::fprintf(stderr, " %llu", static_cast<unsigned long long>(b));
  }
  std::fprintf(stderr, "\n");
}

constexpr unsigned kMostSeconds = 20;   // of processor time for one program, under sanitizers
constexpr unsigned kMostWaiting = 300;  // seconds on the clock: only a deadlock takes that long

// UBSan ends by abort(), with abort_on_error=1.
void aborted(int) {
  printNow();
  std::_Exit(1);
}

void tooSlow(int) {
  std::fprintf(stderr, "fuzz_load: a program took too long\n");
  printNow();
  std::_Exit(1);
}

constexpr uint64_t kMostOperandBytes = 1u << 20;

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}
  uint64_t operator()() { return random_(); }

  void mutate(std::vector<uint32_t>& words) {
    if (random_() % 4 == 0) resizeOperand(words);
    if (random_() % 4 == 0) replaceKernel(words);
    const int edits = 1 + static_cast<int>(random_() % 4);
    for (int i = 0; i < edits && !words.empty(); i++) {
      // mostly behind the header, where the instructions stand
      const size_t first = random_() % 8 != 0 && words.size() > kHeaderWords ? kHeaderWords : 0;
      const size_t at = first + random_() % (words.size() - first);
      uint32_t& w = words[at];
      switch (random_() % 10) {
        case 0: w = static_cast<uint32_t>(random_()); break;
        case 1: w ^= 1u << random_() % 32; break;
        case 2: w += static_cast<uint32_t>(random_() % 17) - 8; break;
        case 3: w = kEdges[random_() % std::size(kEdges)]; break;
        case 4: w *= 2; break;
        case 5: w = words[random_() % words.size()]; break;
        case 6: w = static_cast<uint32_t>(random_() % 64); break;
        case 7: w = 0 - w; break;
        case 8:  // a 64-bit number: a small one, or a power of two
          w = static_cast<uint32_t>(random_() % 256);
          if (at + 1 < words.size()) words[at + 1] = 0;
          break;
        case 9:
          if (at + 1 < words.size()) words[at + 1] = 1u << random_() % 32;
          break;
      }
    }
    if (random_() % 50 == 0) words.resize(random_() % (words.size() + 1));
    if (random_() % 4 != 0 && words.size() > 2) words[2] = static_cast<uint32_t>(words.size());
    limitInit(words);
  }
  void fill(std::byte* p, size_t n) {
    const uint64_t kind = random_() % 4;
    if (kind == 0) {
      std::memset(p, 0, n);
      return;
    }
    for (size_t i = 0; i < n; i += 8) {
      uint64_t v = random_();
      if (kind == 1) v &= 0x0303030303030303;
      if (kind == 2) v &= 0x0000000300000003;  // small 32-bit integers
      std::memcpy(p + i, &v, n - i < 8 ? n - i : 8);
    }
  }

 private:
  // Gives one operand of a program of one instruction another size and lays all of them out anew.
  void resizeOperand(std::vector<uint32_t>& words) {
    Header h{};
    if (words.size() < kHeaderWords + 3) return;
    std::memcpy(&h, words.data(), sizeof h);
    const uint32_t count = words[kHeaderWords + 1];
    if (h.initCount != 0 || h.mainCount != 1 || count == 0) return;
    if (words.size() < kHeaderWords + 3 + size_t{count} * 5) return;
    const uint32_t chosen = static_cast<uint32_t>(random_() % count);
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
      uint32_t* o = &words[kHeaderWords + 3 + size_t{i} * 5];
      if (i == chosen) {
        const uint32_t sizes[] = {0, 1, 4, 8, o[3] - 1, o[3] + 1, o[3] - 4, o[3] / 2, o[3] * 2, o[3] * 16, 65536};
        o[3] = sizes[random_() % std::size(sizes)] & 0xfffff;
        o[0] = static_cast<uint32_t>(Segment::io);
      }
      if (o[0] == 0) continue;
      o[1] = at;
      at += (o[3] + 63) / 64 * 64;
    }
    h.ioLo = at;
    std::memcpy(words.data(), &h, sizeof h);
  }
  // Calls another row of the same contract: other types, another ISA.
  void replaceKernel(std::vector<uint32_t>& words) {
    if (words.size() <= kHeaderWords || words[kHeaderWords] >= kKernelCount) return;
    uint32_t& id = words[kHeaderWords];
    std::vector<uint32_t> rows;
    for (uint32_t i = 0; i < kKernelCount; i++) {
      if (kKernels[i].contract == kKernels[id].contract) rows.push_back(i);
    }
    id = rows[random_() % rows.size()];
  }
  // `init` runs inside `load`, so its memory is kept small enough to be filled in no time: or else absurd.
  static void limitInit(std::vector<uint32_t>& words) {
    Header h{};
    if (words.size() < kHeaderWords) return;
    std::memcpy(&h, words.data(), sizeof h);
    for (auto [lo, hi] : {std::pair{&h.weightsLo, &h.weightsHi}, std::pair{&h.initArenaLo, &h.initArenaHi}}) {
      if (*hi < 1u << 14) *hi = 0, *lo &= 2 * kMostOperandBytes - 1;
    }
    std::memcpy(words.data(), &h, sizeof h);
  }

  static constexpr uint32_t kEdges[] = {0,          1,          2,          0x7fffffff, 0x80000000, 0xffffffff,
                                        0xfffffffe, 0x00010000, 0x40000000, 64,         4096,       0x7f800000};
  std::mt19937_64 random_;
};

// An allocation of exactly `bytes`, now and then only 8-byte aligned, which is all that a program promises.
class Exact {
 public:
  Exact(uint64_t bytes, bool odd) {
    const size_t skip = odd ? 8 : 0;
    memory_.reset(static_cast<std::byte*>(std::malloc(bytes + skip ? bytes + skip : 1)));
    if (memory_ == nullptr) std::abort();
    ASAN_POISON_MEMORY_REGION(memory_.get(), skip ? skip : bytes ? 0 : 1);
    base_ = memory_.get() + skip;
  }
  std::byte* base() const { return base_; }

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::byte* base_;
};

// Runs one instruction with every operand in memory of its own.
void runAlone(const Program& p, const Instruction& in, Mutator& mutator) {
  const Contract& contract = *in.kernel->contract;
  const OperandRef* refs = p.operands.data() + in.firstOperand;
  uint64_t total = 0;
  now.operandBytes.clear();
  for (uint32_t i = 0; i < in.operandCount; i++) {
    total += refs[i].bytes;
    now.operandBytes.push_back(refs[i].bytes);
  }
  if (total > kMostOperandBytes) return;
  now.kernel = in.kernel;
  now.params = in.params;
  std::vector<std::byte*> pointers(in.operandCount);
  std::vector<Exact> owned;
  for (uint32_t i = 0; i < in.operandCount; i++) {
    if (refs[i].segment == Segment::none) continue;
    owned.emplace_back(refs[i].bytes, mutator() % 2 != 0);
    mutator.fill(owned.back().base(), refs[i].bytes);
    pointers[i] = owned.back().base();
  }
  for (uint32_t i = 1; i < in.operandCount && i < 32; i++) {
    if (!(contract.inPlace >> i & 1) || refs[i].bytes != refs[0].bytes || pointers[i] == nullptr) continue;
    if (mutator() % 2 != 0) continue;
    pointers[0] = pointers[i];
    break;
  }
  uint64_t scratchBytes = contract.scratchBytes ? contract.scratchBytes(*in.kernel, in.params) : 0;
  void* scratch = nullptr;
  if (scratchBytes && posix_memalign(&scratch, 64, scratchBytes) != 0) std::abort();
  for (uint32_t tile = 0; tile < in.tiles; tile++) {
    const Work work{in.params, pointers.data(), in.operandCount, tile, in.tiles, static_cast<std::byte*>(scratch)};
    in.kernel->run(work);
  }
  std::free(scratch);
  now.kernel = nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: fuzz_load mutations seed corpus…\n");
    return 2;
  }
  const long mutations = std::atol(argv[1]);
  Mutator mutator(std::strtoull(argv[2], nullptr, 10));
  std::vector<Sample> corpus;
  std::map<std::string, std::vector<size_t>> kinds;  // samples by the kernel they call: all get their share
  for (int i = 3; i < argc; i++) {
    const std::string path = argv[i], file = path.substr(path.rfind('/') + 1);
    kinds[file.substr(0, file.find('.'))].push_back(corpus.size());
    corpus.push_back(readSample(argv[i]));
  }
  std::vector<const std::vector<size_t>*> shares;
  for (const auto& [name, samples] : kinds) shares.push_back(&samples);
  __sanitizer_set_death_callback(printNow);
  std::signal(SIGABRT, aborted);
  std::signal(SIGALRM, tooSlow);
  std::signal(SIGPROF, tooSlow);
  Team teams[] = {Team(1), Team(3)};
  long accepted = 0;
  double slowest = 0;
  std::string slowestName;
  for (long n = -static_cast<long>(corpus.size()); n < mutations; n++) {
    // the first rounds run every sample as it is
    size_t chosen = static_cast<size_t>(n + static_cast<long>(corpus.size()));
    if (n >= 0) {
      const std::vector<size_t>& share = *shares[mutator() % shares.size()];
      chosen = share[mutator() % share.size()];
    }
    const Sample& sample = corpus[chosen];
    now.sample = &sample;
    now.mutation = n;
    std::vector<uint32_t> words = sample.words;
    if (n >= 0) mutator.mutate(words);
    LoadError error;
    auto store = std::make_shared<WeightStore>();
    const itimerval most{{0, 0}, {kMostSeconds, 0}};
    setitimer(ITIMER_PROF, &most, nullptr);
    alarm(kMostWaiting);
    const std::clock_t start = std::clock();
    const auto program = load(words.data(), words.size(), store, sample.sourceList(), teams[mutator() % 2], error);
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
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    if (seconds > slowest) {
      slowest = seconds;
      slowestName = sample.name;
    }
  }
  alarm(0);
  const itimerval never{};
  setitimer(ITIMER_PROF, &never, nullptr);
  std::printf("fuzz_load: %ld mutations of %zu programs with seed %s, %ld accepted and run, slowest %.2f s (%s)\n",
              mutations, corpus.size(), argv[2], accepted, slowest, slowestName.c_str());
  return 0;
}
