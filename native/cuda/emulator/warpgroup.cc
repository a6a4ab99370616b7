// Hopper's barriers, bulk copies and products of shared memory (cuda/sm90.cuh). What runs on its own does so at random as soon
// or as late as it may: a copy arrives when some thread waits, or only when none can go on; a product reads its operands at
// once, or when it is waited for. Until then the places that will be written hold poison. Each warp of a warpgroup multiplies
// its own rows. Floats: as in products.cc.
#include <cstring>
#include <map>
#include <vector>

#include "cuda/emulator/block.h"
#include "cuda/emulator/warpgroup.h"
#include "simd/half.h"

namespace dsnk::emulated {

namespace {

constexpr int kPoison = 0xff, kColumns = 256, kRows = 16, kRowBytes = 32;
constexpr unsigned kWarps = 32;
constexpr int64_t kMostBytes = (1 << 20) - 1;  // that a phase can count

// ---- barriers and copies ----

struct Phases {
  uint32_t arrivals, missing, phase = 0;
  int64_t bytes = 0;  // expected and not come; less than 0 where they came first
};
struct Bulk {
  void* to;
  const void* from;
  uint32_t bytes;
  void* barrier;
};
std::map<const void*, Phases> barriers;
std::vector<Bulk> bulks;
bool published = false;

Phases& phasesOf(const void* barrier) {
  checkShared(barrier, 8);
  const auto found = barriers.find(barrier);
  if (found == barriers.end()) fail("the barrier at %p has not been initialised", barrier);
  if (!published) fail("the barrier at %p has not been published", barrier);
  return found->second;
}

void endPhase(Phases& p) {
  if (p.missing != 0 || p.bytes != 0) return;
  p.missing = p.arrivals;
  p.phase ^= 1;
  wakeAll();
}

// ---- products ----

// What one warp's product reads, taken from shared memory at the chosen moment.
struct Operands {
  uint8_t a[kRows][kRowBytes];
  uint8_t b[kColumns * kRowBytes];  // [column][32 bytes of k], or where columns run along the row [k][column]
};
struct Pending {
  uint64_t a, b;
  Together kind;
  bool taken;
  Operands operands;
};
struct WarpProducts {
  bool fenced = false;
  std::vector<Pending> pending;
  std::vector<size_t> groups;  // where in `pending` each committed group ends
  uint32_t sums[kRows][kColumns];
  void* d[32];
};
WarpProducts warps[kWarps];

WarpProducts& own() { return warps[place.thread.x / 32]; }

// Where block (i, j) of 8 x 16 bytes stands: j along k.
struct Matrix {
  const unsigned char* start;
  uint32_t alongK, across;
  explicit Matrix(uint64_t bits)
      : start(place.shared + (bits & 0x3fff) * 16),
        alongK(static_cast<uint32_t>(bits >> 16 & 0x3fff) * 16),
        across(static_cast<uint32_t>(bits >> 32 & 0x3fff) * 16) {
    if (bits >> 46 != 0) fail("a matrix in shared memory: only layouts without swizzling are emulated");
    if (reinterpret_cast<uintptr_t>(start) % 16 != 0) fail("a matrix in shared memory must begin at a multiple of 16");
  }
  void row(void* to, int i, int j, int inBlock) const {
    const unsigned char* from = start + i * across + j * alongK + inBlock * 16;
    checkShared(from, 16);
    std::memcpy(to, from, 16);
  }
};

template <bool columnsAlong>
void take(Pending& p) {
  const Matrix a(p.a), b(p.b);
  const int first = static_cast<int>(place.thread.x / 32 % 4) * kRows;
  for (int i = 0; i < kRows; i++) {
    for (int j = 0; j < 2; j++) a.row(p.operands.a[i] + j * 16, (first + i) / 8, j, i % 8);
  }
  for (int n = 0; n < kColumns; n += 8) {
    for (int i = 0; i < 8; i++) {
      for (int j = 0; j < 2; j++) {
        uint8_t* to = p.operands.b + (columnsAlong ? ((j * 8 + i) * kColumns + n) * 2 : (n + i) * kRowBytes + j * 16);
        b.row(to, n / 8, j, i);
      }
    }
  }
  p.taken = true;
}

float fromHalf(uint16_t bits) { return halfToFloat(bits); }
float fromBfloat(uint16_t bits) { return floatOfBits(static_cast<uint32_t>(bits) << 16); }

template <float (*widen)(uint16_t)>
void addFloats(WarpProducts& w, const Operands& o) {
  static float b[16][kColumns];
  uint16_t bits[16][kColumns], rows[kRows][16];
  std::memcpy(bits, o.b, sizeof bits);
  std::memcpy(rows, o.a, sizeof rows);
  for (int k = 0; k < 16; k++) {
    for (int j = 0; j < kColumns; j++) b[k][j] = widen(bits[k][j]);
  }
  for (int i = 0; i < kRows; i++) {
    float sums[kColumns];
    std::memcpy(sums, w.sums[i], sizeof sums);
    for (int k = 0; k < 16; k++) {
      const float a = widen(rows[i][k]);
      for (int j = 0; j < kColumns; j++) sums[j] += a * b[k][j];
    }
    std::memcpy(w.sums[i], sums, sizeof sums);
  }
}

void addBytes(WarpProducts& w, const Operands& o) {
  for (int i = 0; i < kRows; i++) {
    for (int j = 0; j < kColumns; j++) {
      const uint8_t* b = o.b + j * kRowBytes;
      int32_t sum = 0;
      for (int k = 0; k < kRowBytes; k++) sum += o.a[i][k] * static_cast<int8_t>(b[k]);
      w.sums[i][j] += static_cast<uint32_t>(sum);
    }
  }
}

// Sums between the registers of the lanes and rows, as the fragments of an m64n256 product lie.
template <class F>
void eachSum(const WarpProducts& w, F f) {
  for (int l = 0; l < 32; l++) {
    for (int v = 0; v < 128; v++)
      f(static_cast<uint32_t*>(w.d[l]) + v, l / 4 + v % 4 / 2 * 8, v / 4 * 8 + l % 4 * 2 + v % 2);
  }
}

template <bool columnsAlong>
void issue(void* const* lanes, Together kind) {
  WarpProducts& w = own();
  const auto& first = *static_cast<const SharedProduct*>(lanes[0]);
  for (int l = 0; l < 32; l++) {
    const auto& mine = *static_cast<const SharedProduct*>(lanes[l]);
    if (mine.a != first.a || mine.b != first.b) fail("lanes of a warp multiply different matrices");
    if (!w.pending.empty() && w.d[l] != mine.d) fail("sums change while products are on their way");
    w.d[l] = mine.d;
  }
  if (!w.fenced) fail("a product without a fence before it");
  if (w.pending.empty()) {
    eachSum(w, [&](uint32_t* d, int row, int column) {
      w.sums[row][column] = *d;
      std::memset(d, kPoison, sizeof *d);
    });
  }
  w.pending.push_back({first.a, first.b, kind, false, {}});
  if (randomBits() & 1) take<columnsAlong>(w.pending.back());
}

void finish(WarpProducts& w, Pending& p) {
  const bool columnsAlong = p.kind != multiply_u8s8_lanes;
  if (!p.taken) columnsAlong ? take<true>(p) : take<false>(p);
  if (p.kind == multiply_f16_lanes)
    addFloats<fromHalf>(w, p.operands);
  else if (p.kind == multiply_bf16_lanes)
    addFloats<fromBfloat>(w, p.operands);
  else
    addBytes(w, p.operands);
}

}  // namespace

void init_barrier(void* barrier, uint32_t arrivals) {
  checkShared(barrier, 8);
  if (arrivals == 0 || arrivals > kMostBytes) fail("a barrier of %u arrivals", arrivals);
  barriers[barrier] = {arrivals, arrivals};
  published = false;
}

void publish_barriers() { published = true; }

void arrive(void* barrier, uint32_t expectedBytes) {
  Phases& p = phasesOf(barrier);
  if (p.missing == 0) fail("more arrive at the barrier at %p than it counts", barrier);
  p.bytes += expectedBytes;
  if (p.bytes > kMostBytes) fail("the barrier at %p expects %lld bytes", barrier, static_cast<long long>(p.bytes));
  p.missing--;
  endPhase(p);
}

void wait_barrier(void* barrier, uint32_t parity, At at) {
  if (parity > 1) fail("a phase of parity %u", parity);
  Phases& p = phasesOf(barrier);
  if (randomBits() & 1) arriveOne();
  while (p.phase == parity) sleep(at);
}

void copy_bulk(void* shared, const void* global, uint32_t bytes, void* barrier) {
  phasesOf(barrier);
  if (bytes % 16 != 0) fail("a copy of %u bytes", bytes);
  aligned(global, 16);
  for (uint32_t i = 0; i < bytes; i += 16) checkShared(static_cast<unsigned char*>(shared) + i, 16);
  std::memset(shared, kPoison, bytes);
  bulks.push_back({shared, global, bytes, barrier});
}

bool arriveOne() {
  if (bulks.empty()) return false;
  const size_t i = randomBits() % bulks.size();
  const Bulk bulk = bulks[i];
  bulks[i] = bulks.back();
  bulks.pop_back();
  std::memcpy(bulk.to, bulk.from, bulk.bytes);
  Phases& p = phasesOf(bulk.barrier);
  p.bytes -= bulk.bytes;
  endPhase(p);
  return true;
}

void clearWarpgroups() {
  barriers.clear();
  bulks.clear();
  published = false;
  for (WarpProducts& w : warps) {
    w.fenced = false;
    w.pending.clear();
    w.groups.clear();
  }
}

const char* leftByWarpgroups() {
  if (!bulks.empty()) return "ended with copies to its shared memory under way";
  for (const WarpProducts& w : warps) {
    if (!w.pending.empty()) return "ended with products under way";
  }
  return nullptr;
}

void fence_lanes(void* const*) { own().fenced = true; }

void commit_lanes(void* const*) { own().groups.push_back(own().pending.size()); }

void wait_lanes(void* const* lanes) {
  WarpProducts& w = own();
  const auto newest = static_cast<size_t>(*static_cast<const int*>(lanes[0]));
  if (w.groups.size() > newest) {
    const size_t groups = w.groups.size() - newest, end = w.groups[groups - 1];
    for (size_t i = 0; i < end; i++) finish(w, w.pending[i]);
    w.pending.erase(w.pending.begin(), w.pending.begin() + static_cast<ptrdiff_t>(end));
    w.groups.erase(w.groups.begin(), w.groups.begin() + static_cast<ptrdiff_t>(groups));
    for (size_t& g : w.groups) g -= end;
    if (w.pending.empty() && end > 0) eachSum(w, [&](uint32_t* d, int row, int column) { *d = w.sums[row][column]; });
  }
  if (w.pending.empty()) w.fenced = false;
}

void multiply_f16_lanes(void* const* lanes) { issue<true>(lanes, multiply_f16_lanes); }
void multiply_bf16_lanes(void* const* lanes) { issue<true>(lanes, multiply_bf16_lanes); }
void multiply_u8s8_lanes(void* const* lanes) { issue<false>(lanes, multiply_u8s8_lanes); }

}  // namespace dsnk::emulated
