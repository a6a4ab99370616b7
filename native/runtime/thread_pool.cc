#include "runtime/thread_pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace dsnk {

static inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("isb");  // `yield` does nothing on cores without hardware threads: it would last a cycle
#endif
}

// One pause is 20–60 ns on current x86 and ARM cores: this many are some tens of microseconds.
static constexpr uint32_t kSpins = 1000;
// Within a run: some milliseconds, longer than instructions of one tile take in any network of ours.
static constexpr uint32_t kSpinsInRun = 100000;

// A thread of the team besides the caller of `parallel`, and how it sleeps.
//
// A woken thread may be queued behind the one that woke it although another processor is about to fall idle, and stay
// there until the scheduler's next balance, milliseconds later: a run then has one thread less. So the caller takes its
// own processor out of a sleeping member's affinity before it wakes it, and the member puts it back once it runs.
// Measured with 15 ms of pause before every run, MobileNetV2 on two threads of a machine of two: a median of 9.1 ms
// without this, where the threads shared one processor for most of the run, and 5.4 ms with it.
struct Team::Member {
  enum State : uint32_t { awake, parked, moving, moved };
  std::atomic<uint32_t> state{awake};
  pid_t id = 0;          // of the thread; valid while it is parked
  cpu_set_t affinity{};  // likewise: what it was when the thread went to sleep
  std::thread thread;
};

bool spinUntilChanged(const std::atomic<uint32_t>& value, uint32_t old, uint32_t spins) {
  for (uint32_t i = 0; i < spins; i++) {
    if (value.load(std::memory_order_acquire) != old) return true;
    pause();
  }
  return false;
}

void futexWait(std::atomic<uint32_t>& value, uint32_t old) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&value), FUTEX_WAIT_PRIVATE, old, nullptr, nullptr, 0);
}

void futexWakeAll(std::atomic<uint32_t>& value) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&value), FUTEX_WAKE_PRIVATE, 0x7fffffff, nullptr, nullptr, 0);
}

Team::Team(uint32_t threads) {
  sigset_t all, before;  // signals belong to the threads of the host program
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (uint32_t i = 1; i < threads; i++) {
    members_.push_back(std::make_unique<Member>());
    try {
      Member& self = *members_.back();
      self.thread = std::thread([this, &self, i] { serve(self, i); });
    } catch (...) {
      members_.pop_back();
      break;  // fewer threads than asked for: the work is done by those there are
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Team::~Team() {
  stop_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_seq_cst);
  futexWakeAll(epoch_);
  for (auto& m : members_) m->thread.join();
}

void Team::work(uint32_t member) {
  for (;;) {
    const uint64_t round = round_.fetch_add(1, std::memory_order_acq_rel);
    constexpr uint32_t kField = (1u << 20) - 1;
    const auto tiles = static_cast<uint32_t>(round >> 20) & kField;
    const auto tile = static_cast<uint32_t>(round) & kField;
    if (tile >= tiles) return;
    body_(context_, tile, member);
    done_.fetch_add(1, std::memory_order_release);
  }
}

bool Team::spinForRound(uint32_t seen) const {
  for (uint32_t i = 0; i < kSpins || (i < kSpinsInRun && running_.load(std::memory_order_relaxed)); i++) {
    if (epoch_.load(std::memory_order_acquire) != seen) return true;
    pause();
  }
  return false;
}

void Team::park(Member& self, uint32_t seen) {
  self.id = static_cast<pid_t>(syscall(SYS_gettid));
  const bool known = sched_getaffinity(0, sizeof self.affinity, &self.affinity) == 0;
  self.state.store(known ? Member::parked : Member::awake, std::memory_order_release);
  parked_.fetch_add(1, std::memory_order_seq_cst);
  while (epoch_.load(std::memory_order_seq_cst) == seen) futexWait(epoch_, seen);
  parked_.fetch_sub(1, std::memory_order_relaxed);
  uint32_t state = Member::parked;
  if (!known || self.state.compare_exchange_strong(state, Member::awake)) return;
  while (self.state.load(std::memory_order_acquire) != Member::moved) pause();
  self.state.store(Member::awake, std::memory_order_relaxed);
  sched_setaffinity(0, sizeof self.affinity, &self.affinity);
}

void Team::wake() {
  const int here = sched_getcpu();
  for (auto& m : members_) {
    uint32_t state = Member::parked;
    if (here < 0 || !m->state.compare_exchange_strong(state, Member::moving)) continue;
    cpu_set_t others = m->affinity;
    if (here < CPU_SETSIZE) CPU_CLR(here, &others);
    if (CPU_COUNT(&others) > 0) sched_setaffinity(m->id, sizeof others, &others);
    m->state.store(Member::moved, std::memory_order_release);
  }
  futexWakeAll(epoch_);
}

void Team::serve(Member& self, uint32_t member) {
  pthread_setname_np(pthread_self(), "dsnk-team");
  for (uint32_t seen = 0;;) {
    if (!spinForRound(seen)) park(self, seen);
    seen = epoch_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_relaxed)) return;
    work(member);
  }
}

void Team::parallel(uint32_t tiles, Body body, void* context) {
  if (tiles <= 1 || members_.empty()) {
    for (uint32_t tile = 0; tile < tiles; tile++) body(context, tile, 0);
    return;
  }
  body_ = body;
  context_ = context;
  done_.store(0, std::memory_order_relaxed);
  const uint32_t epoch = epoch_.load(std::memory_order_relaxed) + 1;
  round_.store(uint64_t{epoch} << 40 | uint64_t{tiles} << 20, std::memory_order_release);
  epoch_.store(epoch, std::memory_order_seq_cst);
  if (parked_.load(std::memory_order_seq_cst) > 0) wake();
  work(0);
  // A member that the scheduler took away in mid-tile can keep us here for milliseconds: spin first, then give way.
  for (uint32_t i = 0; done_.load(std::memory_order_acquire) != tiles; i++) {
    if (i < 20000) {
      pause();
    } else {
      sched_yield();
    }
  }
}

}  // namespace dsnk
