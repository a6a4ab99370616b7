// Teams, the device's lanes and concurrent runs of one program, for ThreadSanitizer.
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/device.h"
#include "runtime/thread_pool.h"

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

int main() {
  teams();
  lanes();
  std::printf("stress_threads: ok\n");
  // Executors are detached and asleep: leave without tearing their lanes down.
  std::fflush(stdout);
  std::_Exit(0);
}
