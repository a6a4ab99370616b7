#include "cuda/emulator/fiber.h"

#include <cstdint>

namespace dsnk::emulated {

// It ends with a return, which is predicted well: the fibers of a warp leave from and return to the same places.
#if defined(__x86_64__)
asm(R"(
.text
.globl dsnk_switch
.hidden dsnk_switch
.type dsnk_switch, @function
dsnk_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size dsnk_switch, .-dsnk_switch
)");
constexpr int kReturn = 6, kWords = 8;  // the last one so that the stack stands as after a call

#elif defined(__aarch64__)
asm(R"(
.text
.globl dsnk_switch
.hidden dsnk_switch
.type dsnk_switch, %function
dsnk_switch:
  stp x19, x20, [sp, #-160]!
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  ldp x19, x20, [sp], #160
  ret
.size dsnk_switch, .-dsnk_switch
)");
constexpr int kReturn = 11, kWords = 20;
#else
#error "the emulated GPU runs on x86-64 and AArch64"
#endif

void* newStack(std::byte* top, void (*start)()) {
  void** words = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(top) & ~uintptr_t{15}) - kWords;
  for (int i = 0; i < kWords; i++) words[i] = nullptr;
  words[kReturn] = reinterpret_cast<void*>(start);
  return words;
}

}  // namespace dsnk::emulated
