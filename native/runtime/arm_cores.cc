#include "runtime/arm_cores.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace dsnk {

// Implementer and part, as MIDR has them.
struct ArmCore {
  uint32_t implementer, part;
};

struct NamedCore {
  uint32_t implementer, part;
  const char* name;
};

static constexpr uint32_t kArm = 0x41;
static constexpr NamedCore kCores[] = {
    {kArm, 0xc05, "Cortex-A5"},     {kArm, 0xc07, "Cortex-A7"},     {kArm, 0xc08, "Cortex-A8"},
    {kArm, 0xc09, "Cortex-A9"},     {kArm, 0xc0d, "Cortex-A12"},    {kArm, 0xc0e, "Cortex-A17"},
    {kArm, 0xc0f, "Cortex-A15"},    {kArm, 0xd01, "Cortex-A32"},    {kArm, 0xd02, "Cortex-A34"},
    {kArm, 0xd03, "Cortex-A53"},    {kArm, 0xd04, "Cortex-A35"},    {kArm, 0xd05, "Cortex-A55"},
    {kArm, 0xd06, "Cortex-A65"},    {kArm, 0xd07, "Cortex-A57"},    {kArm, 0xd08, "Cortex-A72"},
    {kArm, 0xd09, "Cortex-A73"},    {kArm, 0xd0a, "Cortex-A75"},    {kArm, 0xd0b, "Cortex-A76"},
    {kArm, 0xd0c, "Neoverse N1"},   {kArm, 0xd0d, "Cortex-A77"},    {kArm, 0xd0e, "Cortex-A76AE"},
    {kArm, 0xd40, "Neoverse V1"},   {kArm, 0xd41, "Cortex-A78"},    {kArm, 0xd42, "Cortex-A78AE"},
    {kArm, 0xd43, "Cortex-A65AE"},  {kArm, 0xd44, "Cortex-X1"},     {kArm, 0xd46, "Cortex-A510"},
    {kArm, 0xd47, "Cortex-A710"},   {kArm, 0xd48, "Cortex-X2"},     {kArm, 0xd49, "Neoverse N2"},
    {kArm, 0xd4a, "Neoverse E1"},   {kArm, 0xd4b, "Cortex-A78C"},   {kArm, 0xd4c, "Cortex-X1C"},
    {kArm, 0xd4d, "Cortex-A715"},   {kArm, 0xd4e, "Cortex-X3"},     {kArm, 0xd4f, "Neoverse V2"},
    {kArm, 0xd80, "Cortex-A520"},   {kArm, 0xd81, "Cortex-A720"},   {kArm, 0xd82, "Cortex-X4"},
    {kArm, 0xd83, "Neoverse V3AE"}, {kArm, 0xd84, "Neoverse V3"},   {kArm, 0xd85, "Cortex-X925"},
    {kArm, 0xd87, "Cortex-A725"},   {kArm, 0xd8e, "Neoverse N3"},   {0x43, 0x0a1, "ThunderX"},
    {0x43, 0x0af, "ThunderX2"},     {0x48, 0xd01, "Kunpeng 920"},   {0x4e, 0x003, "NVIDIA Denver 2"},
    {0x4e, 0x004, "NVIDIA Carmel"}, {0x51, 0x800, "Kryo 2xx Gold"}, {0x51, 0x801, "Kryo 2xx Silver"},
    {0x51, 0x802, "Kryo 385 Gold"}, {0x51, 0x804, "Kryo 485 Gold"}, {0xc0, 0xac3, "AmpereOne"},
};

static std::string coreName(uint32_t implementer, uint32_t part) {
  for (const NamedCore& core : kCores) {
    if (core.implementer == implementer && core.part == part) return core.name;
  }
  if (implementer == 0x61) return "Apple";
  char text[48];
  std::snprintf(text, sizeof text, "ARM implementer 0x%02x part 0x%03x", implementer, part);
  return text;
}

// Implementer and part of every core that /proc/cpuinfo names.
static std::vector<ArmCore> coresIn(const std::vector<std::string>& cpuinfo) {
  std::vector<ArmCore> cores;
  uint32_t implementer = 0;
  for (const std::string& line : cpuinfo) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    const auto number = static_cast<uint32_t>(std::strtoul(line.c_str() + colon + 2, nullptr, 0));
    if (line.rfind("CPU implementer", 0) == 0) implementer = number;
    if (line.rfind("CPU part", 0) == 0) cores.push_back({implementer, number});
  }
  return cores;
}

std::string armCores(const std::vector<std::string>& cpuinfo) {
  struct Kind {
    std::string name;
    int count;
  };
  std::vector<Kind> kinds;
  for (const ArmCore& core : coresIn(cpuinfo)) {
    const std::string name = coreName(core.implementer, core.part);
    size_t k = 0;
    while (k < kinds.size() && kinds[k].name != name) k++;
    if (k == kinds.size()) kinds.push_back({name, 0});
    kinds[k].count++;
  }
  std::string text;
  for (const Kind& kind : kinds) {
    if (!text.empty()) text += " + ";
    if (kinds.size() > 1) text += std::to_string(kind.count) + "x ";
    text += kind.name;
  }
  std::string board;
  for (const std::string& line : cpuinfo) {
    const size_t colon = line.find(": ");
    if (line.rfind("Model", 0) == 0 && colon != std::string::npos) board = line.substr(colon + 2);
  }
  return text.empty() || board.empty() ? text : text + " (" + board + ")";
}

bool armInOrder(uint64_t implementer, uint64_t part) {
  // Cortex-A34, A35, A53, A55; A510 and A520 share units of 128 bits between two cores.
  constexpr uint64_t parts[] = {0xd02, 0xd04, 0xd03, 0xd05, 0xd46, 0xd80};
  for (uint64_t p : parts) {
    if (implementer == kArm && part == p) return true;
  }
  return implementer == 0x51 && (part == 0x801 || part == 0x803 || part == 0x805);  // Kryo Silver: A53 and A55
}

ArmPipelines armPipelines(const std::vector<std::string>& cpuinfo) {
  const std::vector<ArmCore> cores = coresIn(cpuinfo);
  if (cores.empty()) return ArmPipelines::unknown;
  for (const ArmCore& core : cores) {
    if (!armInOrder(core.implementer, core.part)) return ArmPipelines::outOfOrder;
  }
  return ArmPipelines::inOrder;
}

}  // namespace dsnk
