// Where Node enters the addon. Everything else is compiled for x86-64-v2; this file, for any x86-64 (CMakeLists.txt), looks
// whether the processor is one before the first instruction of the rest, so that an old one gives an error and no crash.
// The other architectures have nothing to ask here: every arm64 is armv8-a, and 32-bit Arm is asked about before the addon
// is opened (lib/runtime/native.ts), because an ARMv6 could not even run the start files of the library.
#include <node_api.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#endif

namespace dsnk {
napi_value registerAddon(napi_env env, napi_value exports);
}

#if defined(__x86_64__)
// What x86-64-v2 has beyond x86-64: bits of ECX in leaf 1, and LAHF in leaf 0x80000001.
static const struct {
  unsigned bit;
  const char* name;
} kRequired[] = {{0, "SSE3"}, {9, "SSSE3"}, {13, "CMPXCHG16B"}, {19, "SSE4.1"}, {20, "SSE4.2"}, {23, "POPCNT"}};

static bool runsHere(char* missing, size_t room) {
  unsigned a = 0, b = 0, c = 0, d = 0, extended = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) c = 0;
  if (!__get_cpuid(0x80000001, &a, &b, &extended, &d)) extended = 0;
  missing[0] = 0;
  auto add = [&](const char* name) {
    const size_t used = strlen(missing);
    snprintf(missing + used, room - used, "%s%s", used == 0 ? "" : ", ", name);
  };
  for (const auto& feature : kRequired) {
    if ((c >> feature.bit & 1) == 0) add(feature.name);
  }
  if ((extended & 1) == 0) add("LAHF");
  return missing[0] == 0;
}
#endif

NAPI_MODULE_INIT() {
#if defined(__x86_64__)
  char missing[96], message[192];
  if (!runsHere(missing, sizeof missing)) {
    snprintf(message, sizeof message, "the processor must be of x86-64-v2 (2009 and later), this one lacks %s",
             missing);
    napi_throw_error(env, "ERR_DSNK_OLD_CPU", message);
    return nullptr;
  }
#endif
  return dsnk::registerAddon(env, exports);
}
