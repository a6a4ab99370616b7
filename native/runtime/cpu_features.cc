#include "runtime/cpu_features.h"

#include <sched.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/arm_cores.h"

namespace dsnk {

// What DSNK_ISA may name in a build for this architecture, weakest first.
#if defined(__x86_64__)
static constexpr Isa kIsas[] = {Isa::scalar,     Isa::avx2,       Isa::avxvnni, Isa::avx512,
                                Isa::avx512vnni, Isa::avx512bf16, Isa::amx};
#elif defined(__aarch64__)
static constexpr Isa kIsas[] = {Isa::scalar, Isa::neon, Isa::neona53, Isa::neonfp16, Isa::dotprod, Isa::i8mm};
#elif defined(__ARM_NEON)
static constexpr Isa kIsas[] = {Isa::scalar, Isa::neon};
#else
static constexpr Isa kIsas[] = {Isa::scalar};
#endif

const char* isaName(Isa isa) {
  switch (isa) {
    case Isa::scalar: return "scalar";
    case Isa::avx2: return "avx2";
    case Isa::avxvnni: return "avxvnni";
    case Isa::avx512: return "avx512";
    case Isa::avx512vnni: return "avx512vnni";
    case Isa::avx512bf16: return "avx512bf16";
    case Isa::amx: return "amx";
    case Isa::neon: return "neon";
    case Isa::neona53: return "neona53";
    case Isa::neonfp16: return "neonfp16";
    case Isa::dotprod: return "dotprod";
    case Isa::i8mm: return "i8mm";
    case Isa::sm72: return "sm72";
    case Isa::sm75: return "sm75";
    case Isa::sm80: return "sm80";
    case Isa::sm90: return "sm90";
  }
  return "scalar";
}

#if defined(__x86_64__)
// VPDPBUSD in its VEX form (leaf 7.1: EAX bit 4). Its registers are those of AVX2.
static bool avxvnniUsable() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1) != 0;
}

// Tiles of bfloats and of bytes: the processor has them (leaf 7: EDX bits 22 AMX-BF16, 24 AMX-TILE and 25 AMX-INT8), the
// system saves them (XCR0 bits 17 and 18), and Linux lets this process use them, which it wants to be asked for: once,
// for all threads.
static bool amxUsable() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d >> 22 & 1) == 0 || (d >> 24 & 3) != 3) return false;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c >> 27 & 1) == 0) return false;  // XGETBV
  uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low >> 17 & 3) != 3) return false;
  constexpr long requestPermission = 0x1023, tileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
}
#endif

#if defined(__aarch64__)
// Linux says what it lets processes use. The bits are of its uapi header asm/hwcap.h, which older systems have without
// the newer ones. As each ISA has what those before it have, detection ends at the first that is missing.
static Isa armIsa() {
  const unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
  constexpr unsigned long halfVectors = 1ul << 10, dotProducts = 1ul << 20;  // AT_HWCAP: ASIMDHP, ASIMDDP
  constexpr unsigned long byteMatrices = 1ul << 13;                          // AT_HWCAP2: I8MM
  if ((first & halfVectors) == 0) return Isa::neon;
  if ((first & dotProducts) == 0) return Isa::neonfp16;
  return (second & byteMatrices) == 0 ? Isa::dotprod : Isa::i8mm;
}
#endif

static Isa detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  // __builtin_cpu_supports looks at XGETBV too, so "yes" means the operating system saves the registers.
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma")) {
    if (!__builtin_cpu_supports("avx512vnni")) return Isa::avx512;
    // Cooper Lake alone has BF16 without VBMI, which tables of bytes want.
    if (!__builtin_cpu_supports("avx512bf16") || !__builtin_cpu_supports("avx512vbmi")) return Isa::avx512vnni;
    return amxUsable() ? Isa::amx : Isa::avx512bf16;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return avxvnniUsable() ? Isa::avxvnni : Isa::avx2;
  }
#elif defined(__aarch64__)
  return armIsa();
#elif defined(__ARM_NEON)
  // What all of this build needs: whether the processor has it was asked before it was loaded (lib/runtime/native.ts).
  return Isa::neon;
#endif
  return Isa::scalar;
}

// The lines of a file of /proc or /sys; none where it cannot be read. Streams of C: those of C++ bring 400 KB into the addon.
static std::vector<std::string> linesOf(const std::string& path) {
  std::vector<std::string> lines;
  FILE* const file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return lines;
  char* line = nullptr;
  size_t room = 0;
  for (ssize_t length; (length = getline(&line, &room, file)) >= 0;) {
    if (length > 0 && line[length - 1] == '\n') length--;
    lines.emplace_back(line, static_cast<size_t>(length));
  }
  std::free(line);
  std::fclose(file);
  return lines;
}

// Whether every core issues in order. /proc/cpuinfo names them all; where it does not (emulators), the one that this
// runs on is asked: Linux answers where AT_HWCAP says CPUID.
static bool inOrderCores() {
#if defined(__aarch64__)
  const ArmPipelines pipelines = armPipelines(linesOf("/proc/cpuinfo"));
  if (pipelines != ArmPipelines::unknown) return pipelines == ArmPipelines::inOrder;
  if ((getauxval(AT_HWCAP) >> 11 & 1) == 0) return false;
  uint64_t midr = 0;
  asm("mrs %0, midr_el1" : "=r"(midr));
  return armInOrder(midr >> 24 & 0xff, midr >> 4 & 0xfff);
#else
  return false;
#endif
}

static std::string firstLine(const std::string& path) {
  const auto lines = linesOf(path);
  return lines.empty() ? std::string() : lines.front();
}

static double quotaOf(const std::string& text) {  // "max 100000" or "150000 100000"
  char* rest = nullptr;
  const double quota = std::strtod(text.c_str(), &rest);
  const double period = std::strtod(rest, nullptr);
  return period > 0 ? quota / period : 0;
}

// The tightest CPU quota on the way from this process's cgroup to the root; 0 = none.
static double cgroupQuota() {
  double tightest = 0;
  auto note = [&](double q) {
    if (q > 0 && (tightest == 0 || q < tightest)) tightest = q;
  };
  for (const std::string& line : linesOf("/proc/self/cgroup")) {
    const size_t a = line.find(':'), b = line.find(':', a + 1);
    if (a == std::string::npos || b == std::string::npos) continue;
    const std::string controllers = "," + line.substr(a + 1, b - a - 1) + ",";  // cpuset is another one
    const bool v2 = controllers == ",,";
    if (!v2 && controllers.find(",cpu,") == std::string::npos) continue;
    for (std::string path = line.substr(b + 1);; path = path.substr(0, path.rfind('/'))) {
      const std::string dir = path == "/" ? "" : path;
      if (v2) {
        note(quotaOf(firstLine("/sys/fs/cgroup" + dir + "/cpu.max")));
      } else {
        const double quota = std::atof(firstLine("/sys/fs/cgroup/cpu" + dir + "/cpu.cfs_quota_us").c_str());
        const double period = std::atof(firstLine("/sys/fs/cgroup/cpu" + dir + "/cpu.cfs_period_us").c_str());
        if (quota > 0 && period > 0) note(quota / period);
      }
      if (dir.empty() || dir.find('/') == std::string::npos) break;
    }
  }
  return tightest;
}

static uint32_t usableThreads() {
  uint32_t n = 1;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    n = static_cast<uint32_t>(CPU_COUNT(&set));
  } else {
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    if (online > 0) n = static_cast<uint32_t>(online);
  }
  const double quota = cgroupQuota();
  if (quota > 0) {
    const auto q = static_cast<uint32_t>(std::ceil(quota));
    if (q < n) n = q;
  }
  return n < 1 ? 1 : n;
}

static uint64_t cacheBytes(int level) {
  for (int i = 0; i < 8; i++) {
    const std::string dir = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i);
    if (std::atoi(firstLine(dir + "/level").c_str()) != level) continue;
    if (firstLine(dir + "/type") == "Instruction") continue;
    const std::string size = firstLine(dir + "/size");
    const uint64_t n = std::strtoull(size.c_str(), nullptr, 10);
    return size.find('M') != std::string::npos ? n << 20 : n << 10;
  }
  return 0;
}

static std::string cpuModel() {
  const auto lines = linesOf("/proc/cpuinfo");
#if defined(__aarch64__) || defined(__arm__)
  if (const std::string cores = armCores(lines); !cores.empty()) return cores;
#endif
  for (const std::string& line : lines) {
    if (line.rfind("model name", 0) == 0 || line.rfind("Model", 0) == 0) {
      const size_t colon = line.find(": ");
      if (colon != std::string::npos) return line.substr(colon + 2);
    }
  }
  return "unknown";
}

static CpuFeatures probe() {
  CpuFeatures f;
  f.model = cpuModel();
  f.best = detect();
  f.inOrder = inOrderCores();
  if (f.best == Isa::neon && f.inOrder) f.best = Isa::neona53;
  f.cap = f.best;
  for (Isa isa : kIsas) {
    if (isa <= f.best || (isa == Isa::neona53 && f.best == Isa::neon)) f.isas.push_back(isa);
  }
  if (const char* env = std::getenv("DSNK_ISA"); env != nullptr && *env != 0) {
    f.unknownCap = env;
    for (Isa isa : f.isas) {
      if (std::strcmp(env, isaName(isa)) != 0) continue;
      f.unknownCap.clear();
      f.cap = isa;
      f.inOrder = f.inOrder || isa == Isa::neona53;
    }
  }
  f.threads = usableThreads();
  f.l1dBytes = cacheBytes(1);
  f.l2Bytes = cacheBytes(2);
  f.l3Bytes = cacheBytes(3);
  return f;
}

const CpuFeatures& cpuFeatures() {
  static const CpuFeatures* features = new CpuFeatures(probe());  // never destroyed: threads may outlive main
  return *features;
}

bool narrowFloatsPay(Isa isa) {
  if (isGpu(isa)) return true;
#if defined(__x86_64__)
  // VDPBF16PS of 512 bits: one a cycle on Zen 4 and 5, like an FMA, so twice the products. Intel's take two cycles
  // where two FMAs are done in one: half the products of float32.
  if (isa == Isa::avx512bf16) return __builtin_cpu_is("amd");
  return isa == Isa::amx;
#else
  // FMLA on eight halves takes as long as on four floats, on every core that has it.
  return isa == Isa::neonfp16;
#endif
}

bool isaUsable(Isa isa) {
  if (isGpu(isa)) return false;
#if defined(__x86_64__)
  static const bool vnni = avxvnniUsable();
  if (isa == Isa::avxvnni && !vnni) return false;
#endif
  const CpuFeatures& f = cpuFeatures();
  return isa <= f.cap && (isa != Isa::neona53 || f.inOrder);
}

}  // namespace dsnk
