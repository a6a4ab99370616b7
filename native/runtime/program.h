// A program is a flat list of 32-bit words written by lib/compile/program.ts:
//
//   header       kHeaderWords words, see Header
//   instruction  kernelId, operandCount, paramWords,
//                operandCount × { segment | index << 8, offset lo, hi, bytes lo, hi },
//                paramWords parameter words
//   … initCount of them, then mainCount
//   io table     inputCount + outputCount × { offset lo, hi, bytes lo, hi } inside the io segment; bit 31 of offset hi: open
//
// `load` checks everything: after it the executor checks nothing.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kernels/kernel.h"
#include "runtime/accelerator.h"
#include "runtime/memory.h"

namespace dsnk {

constexpr uint32_t kProgramMagic = 0x4b4e5344;  // "DSNK"
constexpr uint32_t kProgramVersion = 1;

enum class Segment : uint8_t { none, weights, arena, io, state, source };

struct Header {
  uint32_t magic, version, words, catalogueHash;
  uint32_t arenaLo, arenaHi, ioLo, ioHi, stateLo, stateHi;
  uint32_t weightsLo, weightsHi;      // bytes of the weight block that `init` fills
  uint32_t initArenaLo, initArenaHi;  // scratch memory of `init` alone
  uint32_t weightBlock;               // index that block gets in the store
  uint32_t initCount, mainCount, inputCount, outputCount;
};
constexpr uint32_t kHeaderWords = sizeof(Header) / 4;

struct OperandRef {
  Segment segment;
  uint32_t index;  // weight block or source number
  uint64_t offset, bytes;
};

struct Instruction {
  const Kernel* kernel;
  uint32_t tiles;
  uint32_t firstOperand, operandCount;  // into Program::operands
  const uint32_t* params;               // into Program::paramStorage
  uint32_t paramBytes;
};

struct IoRange {
  uint64_t offset, bytes;
  bool open;  // a run may bring or take fewer bytes: the first of them
};

// Bytes of a model that `init` reads; they stay alive and unchanged during `load`.
struct Source {
  const std::byte* base;
  uint64_t bytes;
  std::shared_ptr<const Block> owner;  // when set, pages are given back as soon as `init` is through with them
};

// Packed weights, shared by all programs of a session. Blocks are only ever added.
class WeightStore {
 public:
  // One whose programs run on an accelerator, or on the processor where that is null.
  explicit WeightStore(Accelerator* on = nullptr) : accelerator(on) {}

  Accelerator* const accelerator;
  std::mutex mutex;  // held by `load`
  std::vector<Block> blocks;
  // The same on the accelerator, which is where they are kept: pages of the host's blocks are given back where nothing on the
  // processor reads them, and filled again when something does.
  std::vector<DeviceMemory> onDevice;
  std::vector<bool> onHost;
  std::atomic<uint64_t> bytes{0};  // of all blocks; may be read while a load holds the mutex
};

// What runs keep for the next one: a cache, the hidden state of a recurrent layer. Zeros at first. All programs of a
// model lay it out alike.
struct State {
  std::mutex mutex;  // held by the run at work
  uint64_t bytes = 0;
  Block block;
  DeviceMemory onDevice;  // instead of the block, for programs of an accelerator

  // False when there is no memory for it.
  bool allocate(uint64_t wanted, Accelerator* on);
  void clear();
};

// What a run computes in: held while it executes, so that there are as many as runs at work, however many wait.
struct Workspace {
  Block arena, scratch;
};

class Program {
 public:
  std::vector<OperandRef> operands;
  std::vector<Instruction> init, main;
  std::vector<IoRange> inputs, outputs;
  uint64_t arenaBytes = 0, ioBytes = 0, stateBytes = 0, scratchBytesPerThread = 0;
  uint32_t threads = 1;
  std::shared_ptr<WeightStore> store;
  std::vector<std::byte*> weightBases;              // of the store's blocks up to this program's own
  std::unique_ptr<AcceleratedProgram> accelerated;  // runs `main`, where the store belongs to an accelerator

  // Memory for one run, reused from an earlier one where possible; not ok() or null when there is none to be had. What
  // comes in and goes out is held from the call until its results are copied.
  Block takeIo();
  void giveIo(Block);
  std::unique_ptr<Workspace> takeWorkspace();
  void giveWorkspace(std::unique_ptr<Workspace>);
  void trim();  // frees the memory kept for reuse

 private:
  friend struct Loader;
  std::vector<uint32_t> paramStorage_;
  std::mutex mutex_;
  std::vector<Block> idleIo_;
  std::vector<std::unique_ptr<Workspace>> idleWorkspaces_;
};

// Why a load failed: a code for TypeScript to word, the instruction (or -1) and what must hold.
struct LoadError {
  enum Code : uint32_t { none, invalidProgram, outOfMemory, fault, deviceFailed } code = none;
  int32_t pc = -1;
  Fault fault_ = Fault::none;
  std::string what;
};

class Team;

// Checks the words, which nobody else may be able to write any more (the addon passes its own copy), fills the
// program's weight block by running `init` on the team, and binds kernels for a team of that size.
std::shared_ptr<Program> load(const uint32_t* words, size_t count, std::shared_ptr<WeightStore> store,
                              const std::vector<Source>& sources, Team& team, LoadError& error);

// Distinguishes the tables of different builds, so that kernel ids are never read with another table.
uint32_t catalogueHash();

}  // namespace dsnk
