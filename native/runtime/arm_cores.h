// What the cores of an ARM machine are called.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace dsnk {

// From the lines of /proc/cpuinfo, where cores are numbers: "Cortex-A72 (Raspberry Pi 4 Model B Rev 1.4)", "4x Cortex-A76 + 4x
// Cortex-A55". Empty where the text names no core.
std::string armCores(const std::vector<std::string>& cpuinfo);

// Whether a core, by the implementer and the part of its MIDR, issues in order through vector units of 64 bits.
bool armInOrder(uint64_t implementer, uint64_t part);

// inOrder: all cores that /proc/cpuinfo names; mixed machines are outOfOrder, whichever core this runs on, so that every
// process chooses the same kernels.
enum class ArmPipelines { unknown, inOrder, outOfOrder };
ArmPipelines armPipelines(const std::vector<std::string>& cpuinfo);

}  // namespace dsnk
