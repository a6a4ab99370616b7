#include "cuda/emulator/block.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <vector>

#include "cuda/emulator/fiber.h"

namespace dsnk::emulated {

Place place;
MatrixReads matrixReads;

namespace {

constexpr unsigned kThreads = 1024, kWarps = kThreads / 32;
constexpr size_t kStack = 128 * 1024, kPage = 4096, kSharedMost = 256 * 1024;
constexpr int kPoison = 0xff;  // NaN in every float format, -1 in every integer

struct Copy {
  void* to;
  const void* from;
  unsigned bytes;
  bool take;
};

struct Thread {
  void* stack;
  std::vector<Copy> copies;    // issued and not yet waited for
  std::vector<size_t> groups;  // where in `copies` each committed group ends
};

struct Warp {
  uint32_t ready = 0;    // lanes that can go on, the running one among them
  uint32_t met = 0;      // lanes that have come to the meeting
  uint32_t waiting = 0;  // lanes that have come to the block's barrier
  uint32_t asleep = 0;   // lanes that wait for a phase to end
  Together work;
  At at;
  void* lanes[32];
};

struct Block {
  Thread threads[kThreads];
  Warp warps[kWarps];
  unsigned count, warpCount, current, arrived, ended;
  At barrier, sleeper;
  // Lanes and warps run in an order that changes from block to block: what relies on one is found.
  unsigned rotation;
  bool descending;
  void* host;  // where to go back to when all is done
  const Entry* entry;
  const GpuWork* work;
  const void* params;
  LaunchShape shape;
  Outcome outcome;
  std::string why;
};
Block block;

uint64_t randomState = 1;

// Stacks end at different lines of the cache, and each has a page below it that faults.
std::byte* stacks() {
  static std::byte* const memory = [] {
    void* p =
        mmap(nullptr, kStack * kThreads, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) abort();
    for (unsigned i = 0; i < kThreads; i++) mprotect(static_cast<std::byte*>(p) + i * kStack, kPage, PROT_NONE);
    return static_cast<std::byte*>(p);
  }();
  return memory;
}

// Dynamic shared memory ends where a page faults.
std::byte* sharedEnd() {
  static std::byte* const end = [] {
    void* p =
        mmap(nullptr, kSharedMost + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) abort();
    std::byte* last = static_cast<std::byte*>(p) + kSharedMost;
    mprotect(last, kPage, PROT_NONE);
    return last;
  }();
  return end;
}
constexpr unsigned kSlack = 1024;  // shared memory begins at a multiple of this
constexpr int kCanary = 0xa5;      // between its end and the page that faults

void resume(unsigned next) {
  Thread& from = block.threads[block.current];
  if (next == block.current) return;
  block.current = next;
  place.thread.x = next;
  dsnk_switch(&from.stack, block.threads[next].stack);
}

[[noreturn]] void leave() {
  void* nowhere;
  dsnk_switch(&nowhere, block.host);
  __builtin_unreachable();
}

unsigned pickLane(uint32_t ready) {
  const unsigned r = block.rotation;
  const uint32_t turned = ready >> r | ready << ((32 - r) & 31);
  const unsigned at = block.descending ? 31u - static_cast<unsigned>(__builtin_clz(turned))
                                       : static_cast<unsigned>(__builtin_ctz(turned));
  return (at + r) & 31;
}

void shuffleOrder() {
  const uint32_t bits = randomBits();
  block.rotation = bits & 31;
  block.descending = (bits >> 5 & 1) != 0;
}

// The next thread to run; does not return where none can.
unsigned next() {
  const unsigned own = block.current >> 5;
  const Warp& w = block.warps[own];
  if (w.ready) return own * 32 + pickLane(w.ready);
  if (w.met && !w.asleep) {
    fail("warp %u: lanes %08x wait at %s:%d, which lanes %08x do not reach: they %s", own, w.met, w.at.file, w.at.line,
         ~w.met, w.waiting ? "wait at the block's barrier" : "have ended");
  }
  for (unsigned i = 1; i < block.warpCount; i++) {
    const unsigned other = (block.descending ? own + block.warpCount - i : own + i) % block.warpCount;
    if (block.warps[other].ready) return other * 32 + pickLane(block.warps[other].ready);
  }
  for (unsigned i = 0; i < block.warpCount; i++) {
    if (!block.warps[i].asleep) continue;
    if (arriveOne()) return next();
    fail("warp %u: lanes %08x wait for a phase, as at %s:%d, that nothing ends", i, block.warps[i].asleep,
         block.sleeper.file, block.sleeper.line);
  }
  if (block.arrived) {
    fail("%u threads wait at the barrier of %s:%d, which %u do not reach: they have ended", block.arrived,
         block.barrier.file, block.barrier.line, block.ended);
  }
  leave();
}

void runThread() {
  block.entry->run(*block.work, block.params);
  block.warps[block.current >> 5].ready &= ~(1u << (block.current & 31));
  block.ended++;
  resume(next());
  abort();
}

// Faults in device code end the launch. Anything else goes to whoever handled faults before.
struct sigaction oldActions[2];
thread_local bool inDeviceCode = false;

void onFault(int signal, siginfo_t* info, void*) {
  if (!inDeviceCode) {
    sigaction(signal, &oldActions[signal == SIGBUS], nullptr);
    return;
  }
  block.outcome = Outcome::outOfBounds;
  fail("address %p is not the device's", info->si_addr);
}

struct FaultHandlers {
  FaultHandlers() {
    struct sigaction action = {};
    action.sa_sigaction = onFault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &action, &oldActions[0]);
    sigaction(SIGBUS, &action, &oldActions[1]);
    inDeviceCode = true;
  }
  ~FaultHandlers() {
    inDeviceCode = false;
    sigaction(SIGSEGV, &oldActions[0], nullptr);
    sigaction(SIGBUS, &oldActions[1], nullptr);
  }
};

void runBlock() {
  const LaunchShape& shape = block.shape;
  const unsigned reserved = (shape.sharedBytes + kSlack - 1) / kSlack * kSlack;
  std::byte* const shared = sharedEnd() - reserved;
  place.shared = reinterpret_cast<unsigned char*>(shared);
  std::memset(shared, kPoison, shape.sharedBytes);
  std::memset(shared + shape.sharedBytes, kCanary, reserved - shape.sharedBytes);
  if (shape.statics.begin)
    std::memset(shape.statics.begin, kPoison, static_cast<size_t>(shape.statics.end - shape.statics.begin));

  for (unsigned i = 0; i < block.count; i++) {
    Thread& thread = block.threads[i];
    // a line further for each thread: stacks at equal distances would share a few sets of the cache
    thread.stack = newStack(stacks() + (i + 1) * kStack - i * 192 % 4096, runThread);
    thread.copies.clear();
    thread.groups.clear();
  }
  for (unsigned w = 0; w < block.warpCount; w++) {
    block.warps[w].ready = block.count - w * 32 >= 32 ? ~0u : (1u << (block.count & 31)) - 1;
    block.warps[w].met = block.warps[w].waiting = block.warps[w].asleep = 0;
  }
  block.arrived = block.ended = 0;
  clearWarpgroups();
  shuffleOrder();
  block.current = randomBits() % block.warpCount * 32;
  block.current += pickLane(block.warps[block.current >> 5].ready);
  place.thread = {block.current, 0, 0};
  dsnk_switch(&block.host, block.threads[block.current].stack);

  if (block.outcome == Outcome::done) {
    if (const char* left = leftByWarpgroups()) {
      block.outcome = Outcome::failed;
      block.why = std::string(block.entry->name) + " " + left;
      return;
    }
    for (unsigned i = shape.sharedBytes; i < reserved; i++) {
      if (shared[i] == std::byte{kCanary}) continue;
      block.outcome = Outcome::outOfBounds;
      block.why = std::string(block.entry->name) + " wrote beyond its shared memory";
      return;
    }
  }
}

}  // namespace

void meet(Together work, void* mine, At at) {
  Warp& w = block.warps[block.current >> 5];
  const unsigned lane = block.current & 31;
  if (w.met == 0) {
    w.work = work;
    w.at = at;
  } else if (w.work != work || w.at.line != at.line) {
    fail("lanes of warp %u meet at %s:%d and %s:%d", block.current >> 5, w.at.file, w.at.line, at.file, at.line);
  }
  w.lanes[lane] = mine;
  w.met |= 1u << lane;
  if (w.met == ~0u) {
    w.met = 0;
    w.ready = ~0u;
    work(w.lanes);
    return;
  }
  w.ready &= ~(1u << lane);
  resume(next());
}

void sync_block(At at) {
  Warp& w = block.warps[block.current >> 5];
  if (block.arrived == 0) {
    block.barrier = at;
  } else if (block.barrier.line != at.line) {
    fail("threads of one block wait at barriers of %s:%d and %s:%d", block.barrier.file, block.barrier.line, at.file,
         at.line);
  }
  w.ready &= ~(1u << (block.current & 31));
  w.waiting |= 1u << (block.current & 31);
  if (++block.arrived == block.count) {
    for (unsigned i = 0; i < block.warpCount; i++) {
      block.warps[i].ready = block.warps[i].waiting;
      block.warps[i].waiting = 0;
    }
    block.arrived = 0;
    shuffleOrder();
    const unsigned first = randomBits() % block.warpCount;
    resume(first * 32 + pickLane(block.warps[first].ready));
    return;
  }
  resume(next());
}

void sleep(At at) {
  Warp& w = block.warps[block.current >> 5];
  block.sleeper = at;
  w.ready &= ~(1u << (block.current & 31));
  w.asleep |= 1u << (block.current & 31);
  resume(next());
}

void wakeAll() {
  for (unsigned i = 0; i < block.warpCount; i++) {
    block.warps[i].ready |= block.warps[i].asleep;
    block.warps[i].asleep = 0;
  }
}

uint32_t randomBits() {
  randomState ^= randomState << 13;
  randomState ^= randomState >> 7;
  randomState ^= randomState << 17;
  return static_cast<uint32_t>(randomState >> 32);
}

void fail(const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  char where[128];
  std::snprintf(where, sizeof where, ", block %u,%u,%u thread %u: ", place.block.x, place.block.y, place.block.z,
                place.thread.x);
  block.why = std::string(block.entry->name) + where + text;
  if (block.outcome == Outcome::done) block.outcome = Outcome::failed;
  leave();
}

void checkShared(const void* p, size_t bytes) {
  const Extent dynamic{sharedEnd() - kSharedMost, sharedEnd()};
  if (!dynamic.has(p, bytes) && !block.shape.statics.has(p, bytes)) fail("%p is not in shared memory", p);
  aligned(p, bytes);
}

void copy_async(void* shared, const void* global, unsigned bytes, bool take) {
  checkShared(shared, bytes);
  if (take) aligned(global, bytes);
  std::memset(shared, kPoison, bytes);
  block.threads[block.current].copies.push_back({shared, global, bytes, take});
}

void commit_copies() {
  Thread& thread = block.threads[block.current];
  thread.groups.push_back(thread.copies.size());
}

void wait_copies(unsigned newest) {
  Thread& thread = block.threads[block.current];
  if (thread.groups.size() <= newest) return;
  const size_t groups = thread.groups.size() - newest, copies = thread.groups[groups - 1];
  for (size_t i = 0; i < copies; i++) {
    const Copy& copy = thread.copies[i];
    if (copy.take) {
      std::memcpy(copy.to, copy.from, copy.bytes);
    } else {
      std::memset(copy.to, 0, copy.bytes);
    }
  }
  thread.copies.erase(thread.copies.begin(), thread.copies.begin() + static_cast<ptrdiff_t>(copies));
  thread.groups.erase(thread.groups.begin(), thread.groups.begin() + static_cast<ptrdiff_t>(groups));
  for (size_t& end : thread.groups) end -= copies;
}

// ---- launches ----

Outcome runLaunch(const Entry& entry, const LaunchShape& shape, const GpuWork& work, const void* params,
                  std::string& why) {
  block.entry = &entry;
  block.work = &work;
  block.params = params;
  block.shape = shape;
  block.outcome = Outcome::done;
  block.why.clear();
  matrixReads = {};
  block.count = shape.block.x * shape.block.y * shape.block.z;
  block.warpCount = (block.count + 31) / 32;
  place = {{0, 0, 0}, {0, 0, 0}, shape.block, shape.grid, nullptr};
  const char* seed = std::getenv("DSNK_EMULATOR_SEED");
  randomState = (seed ? std::strtoull(seed, nullptr, 10) : 1) * 0x9e3779b97f4a7c15 + 0x2545f4914f6cdd1d;
  for (const char* c = entry.name; *c; c++)
    randomState = (randomState ^ static_cast<unsigned char>(*c)) * 0x100000001b3;
  if (randomState == 0) randomState = 1;

  // Blocks run in the order start, start + step, …: with a step that has no divisor in common with their number, all do.
  const uint64_t blocks = static_cast<uint64_t>(shape.grid.x) * shape.grid.y * shape.grid.z;
  uint64_t step = randomBits() % blocks | 1;
  while (std::gcd(step, blocks) != 1) step++;
  uint64_t at = randomBits() % blocks;
  {
    const FaultHandlers handlers;
    for (uint64_t i = 0; i < blocks && block.outcome == Outcome::done; i++) {
      place.block = {static_cast<unsigned>(at % shape.grid.x), static_cast<unsigned>(at / shape.grid.x % shape.grid.y),
                     static_cast<unsigned>(at / shape.grid.x / shape.grid.y)};
      runBlock();
      at = (at + step) % blocks;
    }
  }
  why = block.why;
  return block.outcome;
}

}  // namespace dsnk::emulated
