// What the cores of an ARM machine are called.
#pragma once
#include <string>
#include <vector>

namespace dsnk {

// From the lines of /proc/cpuinfo, where cores are numbers: "Cortex-A72 (Raspberry Pi 4 Model B Rev 1.4)", "4x Cortex-A76 + 4x
// Cortex-A55". Empty where the text names no core.
std::string armCores(const std::vector<std::string>& cpuinfo);

}  // namespace dsnk
