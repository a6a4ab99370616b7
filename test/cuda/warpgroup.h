// Part of emulator.cc: barriers, bulk copies and products of a warpgroup (cuda/sm90.cuh), element by element as the PTX manual lays
// them out, and the mistakes that must be noticed.
#pragma once

struct WarpgroupOperands {
  double a[64][32], b[256][32];
  unsigned char bytes[2048 + 8192] = {};
  int depth;

  explicit WarpgroupOperands(int kind) : depth(kind == 2 ? 32 : 16) {
    const Type typeA = kind == 0 ? Type::f16 : kind == 1 ? Type::bf16 : Type::u8, typeB = kind == 2 ? Type::s8 : typeA;
    const int each = bytesOf(typeA), wide = 16 / each;  // elements of 16 bytes
    for (int k = 0; k < depth; k++) {
      for (int i = 0; i < 64; i++) {
        a[i][k] = randomValue(typeA);
        put(k / wide * 1024 + i / 8 * 128 + i % 8 * 16 + k % wide * each, bitsOf(typeA, a[i][k]), each);
      }
      for (int j = 0; j < 256; j++) {
        b[j][k] = randomValue(typeB);
        const int at = kind == 2 ? k / 16 * 4096 + j / 8 * 128 + j % 8 * 16 + k % 16
                                 : j / 8 * 256 + k / 8 * 128 + k % 8 * 16 + j % 8 * 2;
        put(2048 + at, bitsOf(typeB, b[j][k]), each);
      }
    }
  }
  void put(int at, uint32_t bits, int each) { std::memcpy(bytes + at, &bits, static_cast<size_t>(each)); }
};

inline void checkWarpgroups(Session& session) {
  for (int kind = 0; kind < 3; kind++) {
    const auto o = std::make_unique<WarpgroupOperands>(kind);
    const DevicePointer in = session.alloc(sizeof o->bytes, o->bytes), out = session.alloc(128 * 512);
    for (const char* seed : {"0", "1", "2", "77"}) {
      setenv("DSNK_EMULATOR_SEED", seed, 1);
      EXPECT(session.launch("check_warpgroup", 1, 128, 10240, workOf({out, in}), {kind, 0}) == kSuccess, "launch");
      const auto got = session.read<uint32_t>(out, 128 * 128);
      int wrong = 0;
      for (int thread = 0; thread < 128; thread++) {
        for (int v = 0; v < 128; v++) {
          // of four values two are in a row, the others eight rows further; four lanes have eight columns
          const int row = thread / 32 * 16 + thread % 32 / 4 + v % 4 / 2 * 8,
                    column = v / 4 * 8 + thread % 4 * 2 + v % 2;
          double sum = 0;
          for (int k = 0; k < o->depth; k++) sum += 2 * o->a[row][k] * o->b[column][k];
          float f;
          int32_t n;
          std::memcpy(&f, &got[static_cast<size_t>(thread * 128 + v)], 4);
          std::memcpy(&n, &got[static_cast<size_t>(thread * 128 + v)], 4);
          wrong += (kind == 2 ? static_cast<double>(n) : static_cast<double>(f)) != sum;
        }
      }
      EXPECT(wrong == 0, "warpgroup, kind %d, seed %s: %d sums differ", kind, seed, wrong);
    }
    unsetenv("DSNK_EMULATOR_SEED");
  }
}

inline void checkWarpgroupMistakes() {
  const char* expected[] = {"",
                            "without a fence",
                            "",
                            "that nothing ends",
                            "is not aligned",
                            "has not been published",
                            "has not been initialised",
                            "copies to its shared memory under way",
                            "products under way",
                            "more arrive",
                            "without swizzling",
                            "copies to its shared memory under way"};
  for (int mistake = 1; mistake < 12; mistake++) {
    Session session;
    const WarpgroupOperands o(0);
    const DevicePointer in = session.alloc(sizeof o.bytes, o.bytes), out = session.alloc(128 * 512);
    EXPECT(session.launch("check_warpgroup", 1, 128, 10240 + 16, workOf({out, in}), {0, mistake}) == kSuccess,
           "launch");
    const Result result = session.wait();
    const char* text = "";
    api.cuGetErrorString(result, &text);
    const bool noticed = expected[mistake][0] != 0;
    EXPECT((result == kLaunchFailed) == noticed && std::strstr(text, expected[mistake]), "warpgroup, mistake %d: %d %s",
           mistake, result, text);
    if (noticed || mistake != 2) continue;
    int poison = 0;
    for (uint32_t w : session.read<uint32_t>(out, 128 * 128)) poison += w == ~0u;
    EXPECT(poison == 128 * 128, "%d sums are poison", poison);
  }
}
