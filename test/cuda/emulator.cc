// Asks the emulated driver what the engine asks a driver, and holds the emulated GPU to the PTX manual. The folder of
// libcuda.so.1 is the argument; says what fails and ends with 1, or says how many checks held. With a second argument, "time":
// how long the steps of a warp take. With "gpu" and a fatbin of check_emulator.cu, the driver of this machine in place of the
// emulated one: a GPU is held to the same manual.
#include <dlfcn.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "cuda/driver_api.h"
#include "cuda/work.h"
#include "simd/half.h"

using namespace dsnk;
using namespace dsnk::cuda;

namespace {

int checks = 0, failures = 0;
#define EXPECT(condition, ...)                                          \
  do {                                                                  \
    checks++;                                                           \
    if (!(condition)) {                                                 \
      failures++;                                                       \
      std::printf("line %d: %s does not hold: ", __LINE__, #condition); \
      std::printf(__VA_ARGS__);                                         \
      std::printf("\n");                                                \
    }                                                                   \
  } while (0)

struct Api {
#define DSNK_MEMBER(name, exported, since, parameters) Result(*name) parameters;
  DSNK_CUDA_FUNCTIONS(DSNK_MEMBER)
};
Api api;
GetProcAddressV2 find;

struct CheckParams {
  int32_t kind, value;
};

uint32_t state = 12345;
uint32_t randomWord() {
  state = state * 1664525u + 1013904223u;
  return state ^ state >> 15;
}

std::string image = "DSNK-EMULATED\ncheck_emulator\n";

// A context with a module of entries, memory and a stream; gone at the end, with what was lost.
struct Session {
  Context context;
  Module module;
  Stream stream;
  std::vector<DevicePointer> memory;

  Session() {
    EXPECT(api.cuDevicePrimaryCtxRetain(&context, 0) == kSuccess, "retain");
    EXPECT(api.cuCtxSetCurrent(context) == kSuccess, "current");
    EXPECT(api.cuModuleLoadData(&module, image.c_str()) == kSuccess, "module");
    EXPECT(api.cuStreamCreate(&stream, kStreamNonBlocking) == kSuccess, "stream");
  }
  ~Session() {
    api.cuCtxSetCurrent(nullptr);
    api.cuDevicePrimaryCtxRelease(0);
  }
  DevicePointer alloc(size_t bytes, const void* from = nullptr) {
    DevicePointer p = 0;
    EXPECT(api.cuMemAlloc(&p, bytes) == kSuccess, "%zu bytes", bytes);
    if (from) EXPECT(api.cuMemcpyHtoDAsync(p, from, bytes, stream) == kSuccess, "copy");
    return p;
  }
  Function entry(const char* name) {
    Function f = nullptr;
    EXPECT(api.cuModuleGetFunction(&f, module, name) == kSuccess, "%s", name);
    return f;
  }
  Result launch(const char* name, unsigned grid, unsigned threads, unsigned shared, GpuWork work, CheckParams params) {
    void* arguments[] = {&work, &params};
    return api.cuLaunchKernel(entry(name), grid, 1, 1, threads, 1, 1, shared, stream, arguments, nullptr);
  }
  Result wait() { return api.cuStreamSynchronize(stream); }
  template <class T>
  std::vector<T> read(DevicePointer p, size_t count) {
    std::vector<T> v(count);
    EXPECT(api.cuMemcpyDtoHAsync(v.data(), p, count * sizeof(T), stream) == kSuccess, "read");
    return v;
  }
};

GpuWork workOf(std::initializer_list<DevicePointer> operands) {
  GpuWork work = {};
  int i = 0;
  for (DevicePointer p : operands) work.operand[i++] = reinterpret_cast<std::byte*>(p);
  return work;
}

// ---- products: fragments as the PTX manual gives them, element by element ----

enum class Type { f16, bf16, tf32, u8, s8 };
struct Shape {
  const char* name;
  Type a, b;
  int rows, depth;
  bool sparse;
  int selector = 0;
};
constexpr Shape kShapes[] = {
    {"mma_f16", Type::f16, Type::f16, 16, 16, false},
    {"mma_bf16", Type::bf16, Type::bf16, 16, 16, false},
    {"mma_tf32", Type::tf32, Type::tf32, 16, 8, false},
    {"mma_f16_k8", Type::f16, Type::f16, 16, 8, false},
    {"mma_u8s8", Type::u8, Type::s8, 16, 32, false},
    {"mma_s8s8", Type::s8, Type::s8, 16, 32, false},
    {"mma_u8s8_k16", Type::u8, Type::s8, 8, 16, false},
    {"mma_s8s8_k16", Type::s8, Type::s8, 8, 16, false},
    {"mma_sparse_f16", Type::f16, Type::f16, 16, 32, true},
    {"mma_sparse_bf16", Type::bf16, Type::bf16, 16, 32, true},
    {"mma_sparse_s8", Type::s8, Type::s8, 16, 64, true},
    {"mma_sparse_s8u8", Type::s8, Type::u8, 16, 64, true},
    {"mma_sparse_f16", Type::f16, Type::f16, 16, 32, true, 1},
    {"mma_sparse_bf16", Type::bf16, Type::bf16, 16, 32, true, 1},
};
int bytesOf(Type t) { return t == Type::tf32 ? 4 : t == Type::f16 || t == Type::bf16 ? 2 : 1; }

// Small integers: exact in every type, and so is every sum.
double randomValue(Type t) {
  const int v = static_cast<int>(randomWord() >> 8 & 0xff);
  return t == Type::u8 ? v : t == Type::s8 ? v - 128 : v % 31 - 15;
}
uint32_t bitsOf(Type t, double v) {
  switch (t) {
    case Type::f16: return floatToHalf(static_cast<float>(v));
    case Type::bf16: return floatToBfloat(static_cast<float>(v));
    case Type::tf32: return bitsOfFloat(static_cast<float>(v)) | 0x1abc;  // bits that must not matter
    default: return static_cast<uint32_t>(static_cast<int>(v)) & 0xff;
  }
}

// Row and column of element i of the fragment of A (stored columns where it is sparse).
void placeOfA(const Shape& s, int lane, int i, int& row, int& column) {
  const int group = lane >> 2, t = lane % 4;
  switch (bytesOf(s.a)) {
    case 4:  // m16n8k8, .tf32
      row = i == 0 || i == 2 ? group : group + 8;
      column = i < 2 ? t : t + 4;
      return;
    case 2:  // m16n8k8 and m16n8k16, .f16
      row = (i >= 0 && i < 2) || (i >= 4 && i < 6) ? group : group + 8;
      column = t * 2 + (i & 1) + (i >= 4 ? 8 : 0);
      return;
    default:  // m8n8k16, m16n8k32
      row = s.rows == 8 || (i >= 0 && i < 4) || (i >= 8 && i < 12) ? group : group + 8;
      column = t * 4 + (i & 3) + (i >= 8 ? 16 : 0);
  }
}
void placeOfB(const Shape& s, int lane, int i, int& row, int& column) {
  const int t = lane % 4;
  column = lane >> 2;
  switch (bytesOf(s.b)) {
    case 4: row = i == 0 ? t : t + 4; return;
    case 2: row = t * 2 + (i & 1) + 8 * (i / 2); return;
    default: row = t * 4 + (i & 3) + 16 * (i / 4);
  }
}

void checkProducts(Session& session) {
  for (int kind = 0; kind < 14; kind++) {
    const Shape& s = kShapes[kind];
    const int stored = s.sparse ? s.depth / 2 : s.depth;
    double a[16][64] = {}, kept[16][32] = {}, b[64][8], d[16][8];
    int positions[16][16][2];
    for (int r = 0; r < s.rows; r++) {
      for (int k = 0; k < stored; k++) kept[r][k] = randomValue(s.a);
      for (int g = 0; g < stored / 2; g++) {
        const int first = static_cast<int>(randomWord() >> 9) % 3,
                  second = first + 1 + static_cast<int>(randomWord() >> 9) % (3 - first);
        positions[r][g][0] = first;
        positions[r][g][1] = second;
        for (int i = 0; i < 2; i++) a[r][s.sparse ? g * 4 + positions[r][g][i] : g * 2 + i] = kept[r][g * 2 + i];
      }
    }
    for (int k = 0; k < s.depth; k++) {
      for (int j = 0; j < 8; j++) b[k][j] = randomValue(s.b);
    }
    for (int r = 0; r < 16; r++) {
      for (int j = 0; j < 8; j++) d[r][j] = static_cast<int>(randomWord() >> 10 & 1023) - 512;
    }
    const bool integer = bytesOf(s.a) == 1;
    uint32_t words[32][13] = {};
    for (int lane = 0; lane < 32; lane++) {
      const int each = 4 / bytesOf(s.a), aCount = s.rows * stored / 32, bCount = s.depth * 8 / 32;
      int row, column;
      for (int i = 0; i < aCount; i++) {
        placeOfA(s, lane, i, row, column);
        words[lane][i / each] |= bitsOf(s.a, kept[row][column]) << i % each * (32 / each);
      }
      for (int i = 0; i < bCount; i++) {
        placeOfB(s, lane, i, row, column);
        words[lane][4 + i / each] |= bitsOf(s.b, b[row][column]) << i % each * (32 / each);
      }
      for (int i = 0; i < (s.rows == 8 ? 2 : 4); i++) {
        row = (lane >> 2) + (i < 2 ? 0 : 8);
        column = lane % 4 * 2 + (i & 1);
        const double v = d[row][column];
        words[lane][8 + i] = integer ? static_cast<uint32_t>(static_cast<int>(v)) : bitsOfFloat(static_cast<float>(v));
      }
      // 16-bit elements: lanes 0 and 1 of four have columns 0 to 15 and 16 to 31 of rows g and g + 8, or lanes 2 and 3 where the
      // selector is 1. Bytes: lanes 0 and 1 have columns 0 to 31 of rows g and g + 8, lanes 2 and 3 columns 32 to 63.
      const int g = lane >> 2, t = integer ? lane % 4 : (lane - 2 * s.selector) & 3;
      for (int j = 0; s.sparse && j < 8; j++) {
        const int r = integer ? g + 8 * (t & 1) : g + 8 * (j / 4), group = integer ? 8 * (t / 2) + j : 4 * t + j % 4;
        if (integer || t < 2)
          words[lane][12] |= static_cast<uint32_t>(positions[r][group][0] | positions[r][group][1] << 2) << 4 * j;
      }
      if (s.sparse && !integer && t >= 2) words[lane][12] = randomWord();  // not looked at
    }
    const DevicePointer in = session.alloc(sizeof words, words), out = session.alloc(32 * 16);
    EXPECT(session.launch("check_products", 1, 32, 0, workOf({out, in}), {kind, 0}) == kSuccess, "%s", s.name);
    const auto got = session.read<uint32_t>(out, 128);
    int wrong = 0;
    for (int lane = 0; lane < 32; lane++) {
      for (int i = 0; i < (s.rows == 8 ? 2 : 4); i++) {
        const int row = (lane >> 2) + (i < 2 ? 0 : 8), column = lane % 4 * 2 + (i & 1);
        double sum = d[row][column];
        for (int k = 0; k < s.depth; k++) sum += a[row][k] * b[k][column];
        const uint32_t bits = got[static_cast<size_t>(lane * 4 + i)];
        const double came = integer ? static_cast<int32_t>(bits) : floatOfBits(bits);
        wrong += came != sum;
      }
    }
    EXPECT(wrong == 0, "%s: %d values differ", s.name, wrong);
  }
}

void checkMatrices(Session& session) {
  uint16_t matrices[4][8][8];
  for (auto& m : matrices) {
    for (auto& row : m) {
      for (uint16_t& v : row) v = static_cast<uint16_t>(randomWord() >> 7);
    }
  }
  const DevicePointer in = session.alloc(sizeof matrices, matrices), out = session.alloc(32 * 16);
  EXPECT(session.launch("check_matrices", 1, 32, 32 * 48, workOf({out, in}), {9, 0}) == kSuccess, "launch");
  for (int kind = 0; kind < 4; kind++) {
    EXPECT(session.launch("check_matrices", 1, 32, 32 * 48, workOf({out, in}), {kind, 0}) == kSuccess, "launch");
    const auto got = session.read<uint32_t>(out, 128);
    int wrong = 0;
    for (unsigned lane = 0; lane < 32; lane++) {
      for (unsigned m = 0; m < (kind < 2 ? 4u : 2u); m++) {
        const unsigned r = lane / 4, c = lane % 4 * 2;
        const uint32_t low = kind & 1 ? matrices[m][c][r] : matrices[m][r][c],
                       high = kind & 1 ? matrices[m][c + 1][r] : matrices[m][r][c + 1];
        wrong += got[lane * 4 + m] != (low | high << 16);
      }
    }
    EXPECT(wrong == 0, "matrices, kind %d: %d words differ", kind, wrong);
  }
}

void checkLanes(Session& session) {
  const uint32_t zero[2] = {};
  const DevicePointer out = session.alloc(64 * 44), counters = session.alloc(8, zero);
  GpuWork work = workOf({out});
  work.fault = reinterpret_cast<uint32_t*>(counters);
  work.scratch = reinterpret_cast<std::byte*>(counters + 4);
  EXPECT(session.launch("check_lanes", 1, 64, 0, work, {}) == kSuccess, "launch");
  const auto got = session.read<uint32_t>(out, 64 * 11), counts = session.read<uint32_t>(counters, 2);
  int wrong = 0;
  for (uint32_t i = 0; i < 64; i++) {
    const uint32_t l = i % 32, base = i / 32 * 1000;
    const uint32_t dot = 7 - 2 * 0xff + 3 * 1 + 4 * 2, signedDot = 7 + 2 + 3 * 1 + 4 * 2;
    const uint32_t expected[11] = {base + 31 - l,
                                   base + (l ^ 5),
                                   base + (l + 3 > 31 ? l : l + 3),
                                   0x49249249,
                                   496,
                                   496,
                                   31,
                                   dot,
                                   signedDot,
                                   0x3f802000,
                                   (0x3c00u | 0xc000u << 16) ^ (0x3f80u | 0xc000u << 16)};
    for (uint32_t j = 0; j < 11; j++) wrong += got[i * 11 + j] != expected[j];
  }
  EXPECT(wrong == 0, "%d words of lanes differ", wrong);
  EXPECT(counts[0] == 3 && counts[1] == 128, "fault %u, count %u", counts[0], counts[1]);
}

void checkBlocks(Session& session) {
  std::vector<uint32_t> words(7 * 256);
  for (uint32_t& w : words) w = randomWord();
  for (const char* seed : {"0", "1", "2", "77"}) {
    setenv("DSNK_EMULATOR_SEED", seed, 1);
    const DevicePointer in = session.alloc(words.size() * 4, words.data()), out = session.alloc(words.size() * 4);
    EXPECT(session.launch("check_blocks", 7, 256, 1024, workOf({out, in}), {}) == kSuccess, "launch");
    const auto got = session.read<uint32_t>(out, words.size());
    int wrong = 0;
    for (size_t i = 0; i < words.size(); i++) wrong += got[i] != words[i / 256 * 256 + ((255 - ((i % 256) ^ 1)) ^ 1)];
    EXPECT(wrong == 0, "seed %s: %d words differ", seed, wrong);
  }
  unsetenv("DSNK_EMULATOR_SEED");
}

void checkCopies(Session& session) {
  std::vector<uint32_t> words(512);
  for (uint32_t& w : words) w = randomWord() & 0x7fffffff;
  const DevicePointer in = session.alloc(2048, words.data()), out = session.alloc(2048);
  for (int kind = 0; kind < 4; kind++) {
    EXPECT(session.launch("check_copies", 1, 64, 2048, workOf({out, in}), {kind, 0}) == kSuccess, "launch");
    const auto got = session.read<uint32_t>(out, 512);
    int wrong[2] = {}, poison = 0;
    for (uint32_t i = 0; i < 512; i++) {
      const uint32_t from = i / 64 * 64 + 63 - i % 64, expected = from / 4 % 64 == 5 ? 0 : words[from];
      wrong[i / 256] += got[i] != expected;
      poison += got[i] == ~0u;
    }
    const bool sound = kind == 0   ? wrong[0] + wrong[1] == 0
                       : kind == 1 ? poison == 512
                       : kind == 2 ? wrong[0] == 0 && wrong[1] == 256
                                   : poison > 0;
    EXPECT(sound, "copies, kind %d: %d and %d words differ, %d are poison", kind, wrong[0], wrong[1], poison);
  }
}

void checkMistakes() {
  const struct {
    Result result;
    const char* says;
  } expected[] = {
      {kLaunchFailed, "wait at barriers of"},
      {kLaunchFailed, "they have ended"},
      {kLaunchFailed, "they have ended"},
      {kLaunchFailed, "meet at"},
      {kLaunchFailed, "wait at the block's barrier"},
      {kIllegalAddress, "is not the device's"},
      {kIllegalAddress, "beyond its shared memory"},
      {kIllegalAddress, "is not the device's"},
      {kLaunchFailed, "is not aligned"},
      {kLaunchFailed, "is not in shared memory"},
      {kSuccess, ""},
      {kLaunchFailed, "do not rise"},
  };
  for (int kind = 0; kind < 12; kind++) {
    Session session;
    const DevicePointer out = session.alloc(5000);
    GpuWork work = workOf({out});
    work.number[0] = 5000;
    EXPECT(session.launch("check_mistakes", 1, 64, 256, work, {kind, 256}) == kSuccess, "launch");
    const Result result = session.wait();
    const char* text = "";
    api.cuGetErrorString(result, &text);
    EXPECT(result == expected[kind].result && std::strstr(text, expected[kind].says), "mistake %d: %d %s", kind, result,
           text);
    DevicePointer p;
    if (result) {
      EXPECT(api.cuMemAlloc(&p, 4) == result, "what was lost stays so");
    } else {
      int poison = 0;
      for (uint32_t w : session.read<uint32_t>(out, 64)) poison += w == ~0u;
      EXPECT(poison == 64, "%d words are poison", poison);
    }
  }
}

// A graph does at launch what was asked for in the capture, with the arguments of then, and nothing before.
void checkGraphs(Session& session) {
  std::vector<uint32_t> words(256, 5);
  const DevicePointer in = session.alloc(1024, words.data()), out = session.alloc(1024);
  EXPECT(session.launch("check_blocks", 1, 256, 1024, workOf({in, out}), {}) == kSuccess, "poisons");
  EXPECT(session.wait() == kSuccess, "wait");
  void* staging = nullptr;
  EXPECT(api.cuMemHostAlloc(&staging, 1024, 0) == kSuccess, "pinned");
  uint32_t* pinned = static_cast<uint32_t*>(staging);
  EXPECT(api.cuStreamBeginCapture(session.stream, kCaptureThreadLocal) == kSuccess, "begin");
  EXPECT(api.cuMemcpyHtoDAsync(in, pinned, 1024, session.stream) == kSuccess, "copy");
  EXPECT(session.launch("check_blocks", 1, 256, 1024, workOf({out, in}), {}) == kSuccess, "launch");
  EXPECT(api.cuMemcpyDtoHAsync(pinned, out, 1024, session.stream) == kSuccess, "copy");
  EXPECT(session.wait() == kStreamCaptureUnsupported, "a stream that captures cannot be waited for");
  Graph graph;
  GraphExec exec;
  EXPECT(api.cuStreamEndCapture(session.stream, &graph) == kSuccess, "end");
  EXPECT(api.cuGraphInstantiateWithFlags(&exec, graph, 0) == kSuccess, "instantiate");
  EXPECT(api.cuGraphDestroy(graph) == kSuccess, "destroy");
  EXPECT(session.read<uint32_t>(out, 1)[0] == ~0u, "nothing ran in the capture");
  for (uint32_t run = 0; run < 3; run++) {
    for (uint32_t i = 0; i < 256; i++) pinned[i] = run * 1000 + i;
    EXPECT(api.cuGraphLaunch(exec, session.stream) == kSuccess, "launch");
    EXPECT(pinned[1] == run * 1000 + 1, "nothing is done before somebody waits");
    EXPECT(session.wait() == kSuccess, "wait");
    EXPECT(pinned[0] == run * 1000 + ((255 - (0 ^ 1)) ^ 1), "run %u gave %u", run, pinned[0]);
  }
  EXPECT(api.cuGraphExecDestroy(exec) == kSuccess, "destroy");
  Event begin, end;
  EXPECT(api.cuEventCreate(&begin, 0) == kSuccess && api.cuEventCreate(&end, 0) == kSuccess, "events");
  EXPECT(api.cuEventRecord(begin, session.stream) == kSuccess, "record");
  EXPECT(api.cuEventRecord(end, session.stream) == kSuccess, "record");
  float ms = -1;
  EXPECT(api.cuEventElapsedTime(&ms, begin, end) == kNotReady, "not reached");
  EXPECT(api.cuEventSynchronize(end) == kSuccess && api.cuEventElapsedTime(&ms, begin, end) == kSuccess && ms >= 0,
         "%f", ms);
}

#include "warpgroup.h"

void checkLimits(Session& session) {
  Function f = session.entry("check_mistakes");
  GpuWork work = {};
  CheckParams params = {10, 0};
  void* arguments[] = {&work, &params};
  const auto launch = [&](unsigned grid, unsigned threads, unsigned shared) {
    return api.cuLaunchKernel(f, grid, 1, 1, threads, 1, 1, shared, session.stream, arguments, nullptr);
  };
  EXPECT(launch(0, 64, 0) == kInvalidValue, "no blocks");
  EXPECT(launch(1, 65, 0) == kLaunchOutOfResources, "more threads than launch bounds");
  EXPECT(launch(1, 64, 49153) == kInvalidValue, "more shared memory than was asked for");
  EXPECT(api.cuFuncSetAttribute(f, kFunctionMaxDynamicSharedBytes, 163 * 1024) == kSuccess, "what 8.7 has");
  EXPECT(api.cuFuncSetAttribute(f, kFunctionMaxDynamicSharedBytes, 164 * 1024) == kInvalidValue, "more than 8.7 has");
  int threads = 0;
  EXPECT(api.cuFuncGetAttribute(&threads, kFunctionMaxThreads, f) == kSuccess && threads == 64, "%d threads", threads);
  Module module;
  EXPECT(api.cuModuleLoadData(&module, "\x50\xed\x55\xba") == kInvalidImage, "a fatbin of another kind");
  EXPECT(api.cuModuleLoadData(&module, "DSNK-EMULATED\nno_such_stem\n") == kInvalidImage, "a stem that is not there");
  EXPECT(api.cuModuleGetFunction(&f, session.module, "no_such_entry") == kNotFound, "an entry that is not there");
  uint32_t word;
  const DevicePointer p = session.alloc(100);
  EXPECT(api.cuMemcpyDtoHAsync(&word, p + 97, 4, session.stream) == kInvalidValue, "a copy beyond the end");
  EXPECT(api.cuMemFree(p + 4) == kInvalidValue && api.cuMemFree(p) == kSuccess && api.cuMemFree(p) == kInvalidValue,
         "free");
}

struct Setting {
  const char* name;
  Setting(const char* n, const char* value) : name(n) { setenv(n, value, 1); }
  ~Setting() { unsetenv(name); }
};

void checkFaults() {
  {
    const Setting memory("DSNK_EMULATOR_MEMORY", "1000000");
    Session session;
    DevicePointer p;
    size_t free, total;
    session.alloc(600000);
    EXPECT(api.cuMemAlloc(&p, 600000) == kOutOfMemory, "more than there is");
    EXPECT(api.cuMemGetInfo(&free, &total) == kSuccess && total == 1000000 && free <= 400000, "%zu of %zu", free,
           total);
  }
  {
    const Setting lose("DSNK_EMULATOR_LOSE_AFTER", "2");
    Session session;
    const DevicePointer out = session.alloc(256);
    for (int i = 0; i < 3; i++) {
      EXPECT(
          session.launch("check_mistakes", 1, 64, 256, workOf({out}), {10, 0}) == (i < 3 ? kSuccess : kIllegalAddress),
          "launch");
      EXPECT(session.wait() == (i < 2 ? kSuccess : kIllegalAddress), "launch %d", i);
    }
    EXPECT(api.cuMemFree(out) == kIllegalAddress, "every call");
  }
  {
    Session session;  // the device has come back
    session.alloc(4);
  }
  void* f;
  int status;
  {
    const Setting missing("DSNK_EMULATOR_MISSING", "cuGraphLaunch,cuMemAlloc");
    EXPECT(find("cuMemAlloc", &f, 12000, 0, &status) == kNotFound && !f && status == kSymbolMissing, "missing");
    EXPECT(find("cuMemFree", &f, 12000, 0, &status) == kSuccess && f, "not missing");
  }
  EXPECT(find("cuMemAlloc_v2", &f, 12000, 0, &status) == kNotFound, "not a base name");
  EXPECT(find("cuMemAlloc", &f, 2000, 0, &status) == kNotFound && status == kSymbolTooNew, "asked for as of 2.0");
  {
    const Setting old("DSNK_EMULATOR_DRIVER_VERSION", "11020");
    int version = 0;
    EXPECT(api.cuDriverGetVersion(&version) == kSuccess && version == 11020, "%d", version);
    EXPECT(find("cuGraphInstantiateWithFlags", &f, 12000, 0, &status) == kNotFound, "of 11.4");
  }
  {
    const Setting capability("DSNK_EMULATOR_CAPABILITY", "90"), integrated("DSNK_EMULATOR_INTEGRATED", "1");
    int major = 0, minor = -1, shared = 0, same = 0;
    api.cuDeviceGetAttribute(&major, kCapabilityMajor, 0);
    api.cuDeviceGetAttribute(&minor, kCapabilityMinor, 0);
    api.cuDeviceGetAttribute(&shared, kMaxSharedMemoryPerBlockOptin, 0);
    api.cuDeviceGetAttribute(&same, kIntegrated, 0);
    EXPECT(major == 9 && minor == 0 && shared == 227 * 1024 && same == 1, "%d.%d %d %d", major, minor, shared, same);
  }
  for (const char* of : {"89", "90", "100"}) {
    const Setting capability("DSNK_EMULATOR_CAPABILITY", of);
    Session session;
    session.launch("check_later", 1, 32, 0, workOf({session.alloc(128)}), {0, 1});
    EXPECT(session.wait() == (std::strcmp(of, "89") == 0 ? kLaunchFailed : kSuccess), "an entry from sm_90 on, on %s",
           of);
  }
}

void time(Session& session) {
  const DevicePointer out = session.alloc(1024);
  const char* const names[] = {"mma_f16", "mma_s8s8", "shuffle_xor", "sync_block (of 256)"};
  for (int kind = 0; kind < 4; kind++) {
    constexpr int kSteps = 2000;
    session.launch("check_speed", 1, 256, 0, workOf({out}), {kind, kSteps});
    const auto begin = std::chrono::steady_clock::now();
    session.wait();
    const double us = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%s: %.3f us a warp\n", names[kind], us / kSteps / 8);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[2] : "";
  const bool onGpu = what == "gpu" && argc > 3;
  const std::string path =
      onGpu ? "libcuda.so.1" : std::string(argc > 1 ? argv[1] : "build/cuda-emulator") + "/libcuda.so.1";
  void* library = dlopen(path.c_str(), RTLD_NOW);
  if (!library) {
    std::printf("%s\n", dlerror());
    return 1;
  }
  find = reinterpret_cast<GetProcAddressV2>(dlsym(library, "cuGetProcAddress_v2"));
#define DSNK_FIND(name, exported, since, parameters)                                                    \
  EXPECT(find(#name, reinterpret_cast<void**>(&api.name), 12000, 0, nullptr) == kSuccess, "%s", #name); \
  EXPECT(onGpu || dlsym(library, #exported) == reinterpret_cast<void*>(api.name), "%s", #exported);
  DSNK_CUDA_FUNCTIONS(DSNK_FIND)
  if (onGpu) {
    std::ifstream file(argv[3], std::ios::binary);
    image.assign(std::istreambuf_iterator<char>(file), {});
    EXPECT(api.cuInit(0) == kSuccess, "cuInit");
    {
      Session session;
      checkProducts(session);
      checkMatrices(session);
      checkLanes(session);
      checkBlocks(session);
      int major = 0;
      EXPECT(api.cuDeviceGetAttribute(&major, kCapabilityMajor, 0) == kSuccess, "capability");
      if (major == 9) checkWarpgroups(session);
    }
    std::printf("%d of %d checks failed\n", failures, checks);
    return failures != 0;
  }
  DevicePointer p;
  EXPECT(api.cuMemAlloc(&p, 1) == kNotInitialized, "before cuInit");
  {
    const Setting none("DSNK_EMULATOR_DEVICES", "0");
    EXPECT(api.cuInit(0) == kNoDevice, "no devices");
  }
  EXPECT(api.cuInit(0) == kSuccess, "cuInit");
  EXPECT(api.cuMemAlloc(&p, 1) == kInvalidContext, "without a context");
  {
    Session session;
    if (what == "time") {
      time(session);
      return failures != 0;
    }
    checkProducts(session);
    checkMatrices(session);
    checkLanes(session);
    checkBlocks(session);
    checkCopies(session);
    checkWarpgroups(session);
    checkGraphs(session);
    checkLimits(session);
  }
  checkMistakes();
  checkWarpgroupMistakes();
  checkFaults();
  std::printf("%d of %d checks failed\n", failures, checks);
  return failures != 0;
}
