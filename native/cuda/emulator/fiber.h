// Switching between stacks: a few instructions, since a block of 256 threads switches at every step of every collective.
#pragma once
#include <cstddef>

namespace dsnk::emulated {

// Puts the registers that a call preserves on the stack, notes the stack in *from, and goes on where `to` was left.
extern "C" void dsnk_switch(void** from, void* to);

// A stack on which dsnk_switch calls `start`, which must not return. `top` is the end of its memory.
void* newStack(std::byte* top, void (*start)());

}  // namespace dsnk::emulated
