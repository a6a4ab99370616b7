// What loaded programs and states hold: memory for their runs, and what runs keep.
#include "runtime/program.h"

#include <cstring>

namespace dsnk {

bool State::allocate(uint64_t wanted, Accelerator* on) {
  bytes = wanted;
  if (on != nullptr) return on->allocate(wanted, onDevice);
  // A cache has room for the longest text, and most texts are short: each head's strip of it stays empty behind them. Steps
  // with 1,900 of 2,048 tokens are as fast as from huge pages.
  block = Block::allocate(wanted, Pages::small);
  return block.ok();
}

void State::clear() {
  block.clear();
  if (onDevice.of() != nullptr) onDevice.of()->clear(onDevice);
}

// Kept for reuse, of each: one for the run at work, one of io for the next one being filled, one workspace for runs side
// by side.
constexpr size_t kKept = 2;

Block Program::takeIo() {
  {
    std::lock_guard lock(mutex_);
    if (!idleIo_.empty()) {
      Block io = std::move(idleIo_.back());
      idleIo_.pop_back();
      return io;
    }
  }
  return accelerated ? accelerated->takeIo() : Block::allocate(ioBytes);
}

void Program::giveIo(Block io) {
  std::lock_guard lock(mutex_);
  if (idleIo_.size() < kKept) idleIo_.push_back(std::move(io));
}

std::unique_ptr<Workspace> Program::takeWorkspace() {
  {
    std::lock_guard lock(mutex_);
    if (!idleWorkspaces_.empty()) {
      auto w = std::move(idleWorkspaces_.back());
      idleWorkspaces_.pop_back();
      return w;
    }
  }
  auto w = std::make_unique<Workspace>();
  w->arena = Block::allocate(arenaBytes);
  w->scratch = Block::allocate(scratchBytesPerThread * threads);
  if (!w->arena.ok() || !w->scratch.ok()) return nullptr;
  return w;
}

void Program::giveWorkspace(std::unique_ptr<Workspace> w) {
  std::lock_guard lock(mutex_);
  if (idleWorkspaces_.size() < kKept) idleWorkspaces_.push_back(std::move(w));
}

void Program::trim() {
  if (accelerated) accelerated->trim();
  std::lock_guard lock(mutex_);
  idleIo_.clear();
  idleWorkspaces_.clear();
}

}  // namespace dsnk
