// Teams, the device's lanes and concurrent loads and runs of programs that share their weights, for ThreadSanitizer.
//
//   stress_threads <corpus file>…     whole programs, as test/native/corpus.ts writes them
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/device.h"
#include "runtime/executor.h"
#include "runtime/thread_pool.h"
#include "sample.h"

using namespace dsnk;

static void check(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "stress_threads: %s\n", what);
  std::exit(1);
}

// Every tile of every round runs exactly once, whatever the number of tiles and however late members wake.
static void teams() {
  for (uint32_t threads : {1u, 2u, 3u, 5u}) {
    Team team(threads);
    for (uint32_t round = 0; round < 3000; round++) {
      const uint32_t tiles = round % 17;
      struct Seen {
        std::atomic<uint32_t> count{0}, sum{0};
      } seen;
      team.parallel(
          tiles,
          [](void* context, uint32_t tile, uint32_t) {
            auto& s = *static_cast<Seen*>(context);
            s.count.fetch_add(1, std::memory_order_relaxed);
            s.sum.fetch_add(tile, std::memory_order_relaxed);
          },
          &seen);
      check(seen.count == tiles && seen.sum == tiles * (tiles ? tiles - 1 : 0) / 2, "a tile ran twice or never");
      if (round % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));  // let the members park
    }
    // The most tiles a program may have: members that find none left must not start the round anew.
    std::atomic<uint32_t> count{0};
    team.parallel(
        kMaxTiles,
        [](void* context, uint32_t, uint32_t) {
          static_cast<std::atomic<uint32_t>*>(context)->fetch_add(1, std::memory_order_relaxed);
        },
        &count);
    check(count == kMaxTiles, "a tile of the largest round ran twice or never");
  }
}

// Jobs of several team sizes, submitted from several threads, all finish.
static void lanes() {
  std::mutex mutex;
  std::condition_variable done;
  int finished = 0;
  constexpr int kEach = 200, kThreads = 4;
  std::vector<std::thread> submitters;
  for (int t = 0; t < kThreads; t++) {
    submitters.emplace_back([&, t] {
      for (int i = 0; i < kEach; i++) {
        auto job = std::make_unique<Job>();
        job->threads = 1 + static_cast<uint32_t>((t + i) % 3);
        job->work = [](Team& team) {
          std::atomic<uint32_t> n{0};
          team.parallel(
              8, [](void* c, uint32_t, uint32_t) { static_cast<std::atomic<uint32_t>*>(c)->fetch_add(1); }, &n);
          check(n == 8, "a job's tiles are missing");
        };
        job->finished = [&] {
          const std::lock_guard lock(mutex);
          finished++;
          done.notify_all();
        };
        CpuDevice::instance().submit(std::move(job));
      }
    });
  }
  for (auto& s : submitters) s.join();
  std::unique_lock lock(mutex);
  done.wait(lock, [&] { return finished == kEach * kThreads; });
}

// The words with their own weight block numbered `block` instead of 0.
static std::vector<uint32_t> numbered(std::vector<uint32_t> words, uint32_t block) {
  Header h{};
  std::memcpy(&h, words.data(), sizeof h);
  h.weightBlock = block;
  std::memcpy(words.data(), &h, sizeof h);
  size_t at = kHeaderWords;
  for (uint32_t i = 0; i < h.initCount + h.mainCount; i++) {
    const uint32_t operandCount = words[at + 1], paramWords = words[at + 2];
    at += 3;
    for (uint32_t o = 0; o < operandCount; o++, at += 5) {
      if (words[at] == static_cast<uint32_t>(Segment::weights)) words[at] |= block << 8;
    }
    at += paramWords;
  }
  return words;
}

// One run whose inputs are ones of int64, which float32 reads as tiny numbers; the bytes of all outputs.
static std::vector<std::byte> runOnce(Program& p, Team& team) {
  Block io = p.takeIo();
  auto workspace = p.takeWorkspace();
  const Block state = Block::allocate(p.stateBytes);
  check(io.ok() && state.ok() && workspace != nullptr, "no memory for a run");
  for (const IoRange& in : p.inputs) {
    for (uint64_t i = 0; i < in.bytes; i += 8) io.base()[in.offset + i] = std::byte{1};
  }
  const std::atomic<bool> never{false};
  const SegmentBases bases{workspace->arena.base(), io.base(),      state.base(), workspace->scratch.base(),
                           p.scratchBytesPerThread, &p.weightBases, nullptr};
  check(execute(p.main, p.operands, bases, team, never, nullptr).code == RunResult::ok, "a run failed");
  std::vector<std::byte> result;
  for (const IoRange& out : p.outputs) {
    result.insert(result.end(), io.base() + out.offset, io.base() + out.offset + out.bytes);
  }
  p.giveIo(std::move(io));
  p.giveWorkspace(std::move(workspace));
  return result;
}

// One program runs in several threads at once, with teams of its own, while the same network is loaded again and again
// into its store. All must agree.
static void programs(const Sample& sample) {
  constexpr uint32_t kTeam = 2, kRunners = 3, kRuns = 40, kLoads = 8;
  auto store = std::make_shared<WeightStore>();
  const auto sources = sample.sourceList();
  auto loadNext = [&](uint32_t block, Team& team) {
    const auto words = numbered(sample.words, block);
    LoadError error;
    auto program = load(words.data(), words.size(), store, sources, team, error);
    if (!program) std::fprintf(stderr, "%s: %s\n", sample.name.c_str(), error.what.c_str());
    check(program != nullptr, "a program was refused");
    return program;
  };
  Team first(kTeam);
  const auto program = loadNext(0, first);
  const auto expected = runOnce(*program, first);
  check(!expected.empty(), "a program without outputs");
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < kRunners; t++) {
    threads.emplace_back([&] {
      Team team(kTeam);
      for (uint32_t i = 0; i < kRuns; i++) {
        check(runOnce(*program, team) == expected, "concurrent runs differ");
        if (i % 10 == 9) program->trim();
      }
    });
  }
  threads.emplace_back([&] {
    Team team(kTeam);
    for (uint32_t block = 1; block <= kLoads; block++) {
      check(runOnce(*loadNext(block, team), team) == expected, "a program loaded again differs");
      check(store->bytes.load() > 0 || program->weightBases[0] == nullptr, "the store lost its weights");
    }
  });
  for (auto& t : threads) t.join();
}

int main(int argc, char** argv) {
  teams();
  lanes();
  for (int i = 1; i < argc; i++) programs(readSample(argv[i]));
  std::printf("stress_threads: teams, lanes and %d programs ok\n", argc - 1);
  // Executors are detached and asleep: leave without tearing their lanes down.
  std::fflush(stdout);
  std::_Exit(0);
}
