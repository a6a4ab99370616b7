// Blocks of anonymous memory: 64-byte aligned, zero-filled, returned to the system when freed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>

namespace dsnk {

// Huge pages suit what is filled at once and streamed; small ones what may stay empty for the most part.
enum class Pages : uint8_t { huge, small };

class Block {
 public:
  Block() = default;
  // An empty block when the system has no memory for it: check `ok()`. A request of 0 bytes always succeeds.
  static Block allocate(uint64_t bytes, Pages pages = Pages::huge);
  // Takes over memory of another allocator, which `free` gives back; null means that there was none.
  static Block of(std::byte* base, uint64_t bytes, void (*free)(std::byte*));
  Block(Block&& o) noexcept
      : base_(std::exchange(o.base_, nullptr)), bytes_(std::exchange(o.bytes_, 0)), ok_(o.ok_), free_(o.free_) {}
  Block& operator=(Block&& o) noexcept {
    std::swap(base_, o.base_);
    std::swap(bytes_, o.bytes_);
    std::swap(ok_, o.ok_);
    std::swap(free_, o.free_);
    return *this;
  }
  ~Block();

  bool ok() const { return ok_; }
  std::byte* base() const { return base_; }
  uint64_t bytes() const { return bytes_; }
  // Gives the whole pages inside [offset, offset+bytes) back to the system; they read as zero afterwards. False where they
  // stay as they are: memory that is locked is not given back.
  bool discard(uint64_t offset, uint64_t bytes) const;
  // Zeros everywhere; pages go back to the system.
  void clear() const;

 private:
  std::byte* base_ = nullptr;
  uint64_t bytes_ = 0;
  bool ok_ = true;
  void (*free_)(std::byte*) = nullptr;
};

}  // namespace dsnk
