// A team of threads that runs the tiles of one instruction after another. Between the instructions of a run a member
// spins (the next one is close, and a wake-up costs as much as many instructions); after it, for some tens of
// microseconds more, then it parks on a futex: an idle team costs no CPU.
#pragma once
#include <sched.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace dsnk {

class Team {
 public:
  // The calling thread is member 0 of every `parallel`; threads-1 more are started.
  explicit Team(uint32_t threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  uint32_t threads() const { return static_cast<uint32_t>(members_.size()) + 1; }

  // While one exists, members wait for the next `parallel` without parking. One at a time.
  class Run {
   public:
    explicit Run(Team& team) : team_(team) { team_.running_.store(true, std::memory_order_relaxed); }
    ~Run() { team_.running_.store(false, std::memory_order_relaxed); }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

   private:
    Team& team_;
  };

  // Calls body(context, tile, member) for every tile and returns when all are done. One caller at a time.
  using Body = void (*)(void* context, uint32_t tile, uint32_t member);
  void parallel(uint32_t tiles, Body body, void* context);

 private:
  struct Member;
  void serve(Member& self, uint32_t member);
  void work(uint32_t member);
  bool spinForRound(uint32_t seen) const;
  void park(Member& self, uint32_t seen);
  void wake();

  // A round is one 64-bit word, epoch:24 | tiles:20 | next:20, so that claiming a tile and knowing that it exists is
  // one atomic step. body_ and context_ are read only after a claim, and `parallel` does not return, so nobody
  // rewrites them, before every claimed tile is done. A member that wakes late finds nothing to claim and delays
  // nobody.
  Body body_ = nullptr;
  void* context_ = nullptr;
  std::atomic<bool> stop_{false};
  std::atomic<bool> running_{false};  // a Run exists
  alignas(64) std::atomic<uint64_t> round_{0};
  alignas(64) std::atomic<uint32_t> epoch_{0};  // what members spin and park on
  alignas(64) std::atomic<uint32_t> done_{0};
  alignas(64) std::atomic<uint32_t> parked_{0};
  std::vector<std::unique_ptr<Member>> members_;
};

// Every member may overshoot `next` once a round: it must not carry into `tiles`.
constexpr uint32_t kMaxTeam = 256;
constexpr uint32_t kMaxTiles = (1u << 20) - 1 - kMaxTeam;

// Spins up to `spins` rounds until `value` differs from `old`; false when it never did.
bool spinUntilChanged(const std::atomic<uint32_t>& value, uint32_t old, uint32_t spins);
void futexWait(std::atomic<uint32_t>& value, uint32_t old);
void futexWakeAll(std::atomic<uint32_t>& value);

}  // namespace dsnk
