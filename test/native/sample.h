// Programs that tests have left for the native tests: see test/native/corpus.ts for the format.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "runtime/program.h"

namespace dsnk {

struct Sample {
  std::string name;
  std::vector<uint32_t> words;
  std::vector<std::vector<std::byte>> sources;

  std::vector<Source> sourceList() const {
    std::vector<Source> list;
    for (const auto& s : sources) list.push_back({s.data(), s.size(), nullptr});
    return list;
  }
};

inline Sample readSample(const char* path) {
  std::ifstream f(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(f)), std::istreambuf_iterator<char>());
  size_t at = 0;
  auto u32 = [&] {
    uint32_t v = 0;
    if (at + 4 <= bytes.size()) std::memcpy(&v, &bytes[at], 4);
    at += 4;
    return v;
  };
  Sample s;
  s.name = path;
  s.words.resize(u32());
  for (auto& w : s.words) w = u32();
  s.sources.resize(u32());
  for (auto& source : s.sources) {
    source.resize(u32());
    if (!source.empty()) std::memcpy(source.data(), &bytes[at], source.size());
    at += source.size();
  }
  return s;
}

}  // namespace dsnk
