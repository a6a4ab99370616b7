// The contract between the runtime and a kernel. A kernel is a pure function of (parameters, operand pointers, tile
// index, scratch): it allocates nothing, starts no thread, throws nothing and keeps no state.
#pragma once
#include <cstddef>
#include <cstdint>

namespace dsnk {

// Those of one architecture each have what its others before them have, but for avxvnni, which processors with AVX-512 may
// lack: `DSNK_ISA` caps them in this order. neona53 is no more than neon: its rows are those in the order that suits cores
// of the Cortex-A53 kind, and only such cores take them. Those from sm72 on are of NVIDIA's GPUs: the least compute capability.
enum class Isa : uint8_t {
  scalar,
  avx2,
  avxvnni,
  avx512,
  avx512vnni,
  avx512bf16,
  amx,
  neon,
  neona53,
  neonfp16,
  dotprod,
  i8mm,
  sm72,
  sm75,
  sm80,
  sm90
};

constexpr bool isGpu(Isa isa) { return isa >= Isa::sm72; }

// Vectors of a panel that dense NEON rows multiply: the tile is 8x12 with the 32 registers of AArch64, 6x8 with 16.
constexpr int kNeonVectors = sizeof(void*) == 8 ? 3 : 2;

// What a kernel can only find out while it runs. Everything else is settled by `verify` when a program is loaded.
enum class Fault : uint32_t {
  none = 0,
  indexOutOfRange = 1,  // an index tensor holds a value outside its axis
  divisionByZero = 2,   // an integer division by zero
  invalidValue = 3,     // any other value that the operator's definition excludes
};

// Weights of later instructions, for a kernel that has time to fetch them while it multiplies: memory gives a core 30 GB/s
// here, so what reads each weight once would wait. Whoever fetches moves `at` on; results do not depend on it.
struct Ahead {
  const std::byte* at = nullptr;
  const std::byte* end = nullptr;
};

// One tile of one instruction. Operands stand outputs first, then inputs; an optional operand left out is nullptr.
struct Work {
  const void* params;
  std::byte* const* operand;
  uint32_t operandCount;
  uint32_t tile;           // this tile, 0 … tiles-1
  uint32_t tiles;          // as returned by Contract::tiles
  std::byte* scratch;      // Contract::scratchBytes, 64-byte aligned, private to the running thread
  Ahead* ahead = nullptr;  // of the running thread, or nullptr

  template <class T>
  const T& as() const {
    return *static_cast<const T*>(params);
  }
  template <class T>
  T* at(uint32_t i) const {
    return reinterpret_cast<T*>(operand[i]);
  }
};

struct Kernel;
struct GpuProblem;  // gpu.h
class LaunchPlan;

// What `verify` may look at: parameters as they came, and the size of every operand (0 for one left out).
struct Check {
  const void* params;
  uint32_t paramBytes;  // at least Contract::paramBytes; more where Contract::tail holds
  const uint64_t* operandBytes;
  uint32_t operandCount;

  template <class T>
  const T& as() const {
    return *static_cast<const T*>(params);
  }
  // True when operand i exists and holds at least `bytes`.
  bool holds(uint32_t i, uint64_t bytes) const { return i < operandCount && operandBytes[i] >= bytes; }
  bool has(uint32_t i) const { return i < operandCount && operandBytes[i] > 0; }
};

// What every kernel of one operation shares, whatever its ISA: its interface. One per kernels/<family>/<op>.cc.
struct Contract {
  const char* op;
  // One letter per operand, outputs first: w written, r read, o read or left out, x written or left out, m modified
  // in place, n modified in place or left out; a last letter followed by '*' repeats (zero or more times).
  const char* operands;
  uint32_t inPlace;     // bit i set: output 0 may be exactly the memory of operand i
  uint32_t paramBytes;  // sizeof the generated parameter struct
  bool tail;            // a variable number of 32-bit words may follow the struct
  // nullptr when sound, else what must hold. After it says yes, `run` may not touch a byte outside its operands,
  // whatever the operands contain: a program's words are untrusted until here. Overflow-safe arithmetic: see sizes.h.
  const char* (*verify)(const Kernel&, const Check&);
  // How many independent tiles `run` is cut into for a team of that many threads; 0 = nothing to do. Every output
  // byte is written by exactly one tile, and the result does not depend on the number of tiles.
  uint32_t (*tiles)(const Kernel&, const void* params, uint32_t threads);
  // Scratch that one thread needs while it runs a tile; nullptr = none.
  uint64_t (*scratchBytes)(const Kernel&, const void* params);
};

// The letter of operand i in such a pattern; 0 where it has none.
inline char roleOf(const char* pattern, uint32_t i) {
  for (; *pattern; pattern++, i--) {
    if (pattern[1] == '*' || i == 0) return pattern[0];
  }
  return 0;
}
inline bool isWritten(char role) { return role == 'w' || role == 'x' || role == 'm' || role == 'n'; }

// One row of the table kernels.inc.
struct Kernel {
  const char* name;
  const Contract* contract;
  const char* dtypes;  // what the selection matches on: "f32", "i64", "f32bf16" … ; "any" moves bytes
  Isa isa;
  uint16_t nr, kr;                               // the layout its packed operand must have (0 = takes nothing packed)
  Fault (*run)(const Work&);                     // nullptr in a row for a GPU
  void (*plan)(const GpuProblem&, LaunchPlan&);  // nullptr in a row for a processor
};

extern const Kernel kKernels[];
extern const uint32_t kKernelCount;

}  // namespace dsnk
