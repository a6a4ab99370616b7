#include "runtime/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace dsnk {

// Below kMapFrom a mapping of its own wastes pages and a system call. AddressSanitizer sees only what malloc gives,
// and every page of that is written at once, so there the limit is low.
#if defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kMapFrom = ~uint64_t{0};
constexpr uint64_t kMaxBytes = uint64_t{1} << 28;
#else
constexpr uint64_t kMapFrom = 256 * 1024;
// In 32 bits also the most that a difference of pointers can say.
constexpr uint64_t kMaxBytes = sizeof(void*) == 8 ? uint64_t{1} << 46 : uint64_t{INT32_MAX};
#endif

// From here on a block begins at a multiple of a huge page and asks for such pages: weights that are streamed from
// memory then cost no page walks (24 MB on Zen 4: 43 instead of 27 GB/s). What is left behind the last whole one stays
// in small pages, so no memory is wasted.
constexpr uint64_t kHugePage = uint64_t{2} << 20;

static void* mapPages(uint64_t bytes, Pages pages) {
  const bool huge =
      pages == Pages::huge && bytes >= kHugePage && sizeof(void*) == 8;  // in 32 bits addresses are scarce
  const uint64_t spare = huge ? kHugePage : 0;
  void* p = mmap(nullptr, bytes + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  if (!huge) {
#if defined(MADV_NOHUGEPAGE)
    if (pages == Pages::small) madvise(p, bytes, MADV_NOHUGEPAGE);
#endif
    return p;
  }
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const auto at = reinterpret_cast<uintptr_t>(p);
  const uintptr_t begin = (at + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t end = (begin + bytes + page - 1) / page * page,
                  mapped = (at + bytes + spare + page - 1) / page * page;
  if (begin > at) munmap(p, begin - at);
  if (mapped > end) munmap(reinterpret_cast<void*>(end), mapped - end);
  void* base = reinterpret_cast<void*>(begin);
#if defined(MADV_HUGEPAGE)
  madvise(base, bytes, MADV_HUGEPAGE);  // a wish: without it everything works as well
#endif
  return base;
}

Block Block::allocate(uint64_t bytes, Pages pages) {
  Block b;
  if (bytes == 0) return b;
  b.ok_ = false;
  if (bytes > kMaxBytes) return b;
  if (bytes >= kMapFrom) {
    void* p = mapPages(bytes, pages);
    if (p == nullptr) return b;
    b.base_ = static_cast<std::byte*>(p);
  } else {
    void* p = nullptr;
    if (posix_memalign(&p, 64, bytes) != 0) return b;
    std::memset(p, 0, bytes);
    b.base_ = static_cast<std::byte*>(p);
  }
  b.bytes_ = bytes;
  b.ok_ = true;
  return b;
}

Block Block::of(std::byte* base, uint64_t bytes, void (*free)(std::byte*)) {
  Block b;
  b.base_ = base;
  b.bytes_ = bytes;
  b.ok_ = base != nullptr || bytes == 0;
  b.free_ = free;
  return b;
}

Block::~Block() {
  if (base_ == nullptr) return;
  if (free_ != nullptr) {
    free_(base_);
    return;
  }
  if (bytes_ >= kMapFrom) {
    munmap(base_, bytes_);
  } else {
    std::free(base_);
  }
}

bool Block::discard(uint64_t offset, uint64_t bytes) const {
  if (free_ != nullptr || bytes_ < kMapFrom || offset > bytes_ || bytes > bytes_ - offset) return false;
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t begin = (offset + page - 1) / page * page;
  const uint64_t end = (offset + bytes) / page * page;
  return begin >= end || madvise(base_ + begin, end - begin, MADV_DONTNEED) == 0;
}

void Block::clear() const {
  if (bytes_ == 0) return;
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  uint64_t whole = bytes_ / page * page;
  if (!discard(0, whole)) whole = 0;
  std::memset(base_ + whole, 0, bytes_ - whole);
}

}  // namespace dsnk
