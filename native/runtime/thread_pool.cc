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
  __asm__ volatile("yield");
#endif
}

// One pause is 20–60 ns on current x86 and ARM cores: this many are some tens of microseconds.
static constexpr uint32_t kSpins = 1000;

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
    try {
      members_.emplace_back([this, i] { serve(i); });
    } catch (...) {
      break;  // fewer threads than asked for: the work is done by those there are
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Team::~Team() {
  stop_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_seq_cst);
  futexWakeAll(epoch_);
  for (auto& m : members_) m.join();
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

void Team::serve(uint32_t member) {
  pthread_setname_np(pthread_self(), "dsnk-team");
  for (uint32_t seen = 0;;) {
    if (!spinUntilChanged(epoch_, seen, kSpins)) {
      parked_.fetch_add(1, std::memory_order_seq_cst);
      while (epoch_.load(std::memory_order_seq_cst) == seen) futexWait(epoch_, seen);
      parked_.fetch_sub(1, std::memory_order_relaxed);
    }
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
  if (parked_.load(std::memory_order_seq_cst) > 0) futexWakeAll(epoch_);
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
