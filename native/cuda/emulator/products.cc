// The matrix instructions: operands are taken from the lanes as the PTX manual lays fragments out, multiplied in plain loops,
// and the results given back. Floats: products are exact in float32, sums are rounded after each addition, in the order of k.
// NVIDIA does not say in which order or with how many bits its hardware adds: it differs from this in the last bits.
#include <cstring>

#include "cuda/emulator/meeting.h"
#include "simd/half.h"

namespace dsnk::emulated {

namespace {

// Without branches, for the vectoriser; halfToFloat is the definition.
inline float fromHalf(uint16_t h) {
  const uint32_t magnitude = static_cast<uint32_t>(h & 0x7fff) << 13, sign = static_cast<uint32_t>(h & 0x8000) << 16;
  const uint32_t finite = bitsOfFloat(floatOfBits(magnitude) * 0x1p112f);
  return floatOfBits(((h & 0x7c00) == 0x7c00 ? magnitude | 0x7f800000 : finite) | sign);
}

// Elements as registers hold them, from the low bits on, and what they are multiplied as.
struct HalfKind {
  using Bits = uint16_t;
  using Wide = float;
  static Wide of(Bits bits) { return fromHalf(bits); }
};
struct BfloatKind {
  using Bits = uint16_t;
  using Wide = float;
  static Wide of(Bits bits) { return floatOfBits(static_cast<uint32_t>(bits) << 16); }
};
struct Tf32Kind {
  using Bits = uint32_t;
  using Wide = float;
  static Wide of(Bits bits) { return floatOfBits(bits & 0xffffe000); }  // the other bits are not looked at
};
struct S8Kind {
  using Bits = int8_t;
  using Wide = int32_t;
  static Wide of(Bits bits) { return bits; }
};
struct U8Kind {
  using Bits = uint8_t;
  using Wide = int32_t;
  static Wide of(Bits bits) { return bits; }
};
template <class Kind>
constexpr int kEach = 4 / sizeof(typename Kind::Bits);  // elements of a register

inline Product& product(void* lane) { return *static_cast<Product*>(lane); }

// Registers are laid into a matrix as they are, and the whole matrix is then converted: the compiler makes vectors of that.
template <class Kind, int kRows, int kColumns>
void widen(const typename Kind::Bits (&from)[kRows][kColumns], typename Kind::Wide (&to)[kRows][kColumns]) {
  for (int i = 0; i < kRows; i++) {
    for (int j = 0; j < kColumns; j++) to[i][j] = Kind::of(from[i][j]);
  }
}

// A: register r of lane 4g + t holds row g + 8 (r mod rows/8), and of it the columns each·t + 4·each·(r div rows/8) and on.
template <class Kind, int kRows, int kDepth>
void takeA(void* const* lanes, typename Kind::Wide (&a)[kRows][kDepth]) {
  constexpr int kHalves = kRows / 8, kRegisters = kRows * kDepth / 32 / kEach<Kind>;
  typename Kind::Bits bits[kRows][kDepth];
  for (int l = 0; l < 32; l++) {
    for (int r = 0; r < kRegisters; r++) {
      std::memcpy(&bits[l / 4 + 8 * (r % kHalves)][kEach<Kind> * (l % 4 + 4 * (r / kHalves))], &product(lanes[l]).a[r],
                  4);
    }
  }
  widen<Kind>(bits, a);
}

// B: register r of lane 4g + t holds rows each·t + 4·each·r and on of column g.
template <class Kind, int kDepth>
void takeB(void* const* lanes, typename Kind::Wide (&b)[kDepth][8]) {
  constexpr int kRegisters = kDepth * 8 / 32 / kEach<Kind>;
  typename Kind::Bits columns[8][kDepth], rows[kDepth][8];
  for (int l = 0; l < 32; l++) {
    for (int r = 0; r < kRegisters; r++)
      std::memcpy(&columns[l / 4][kEach<Kind> * (l % 4 + 4 * r)], &product(lanes[l]).b[r], 4);
  }
  for (int k = 0; k < kDepth; k++) {
    for (int j = 0; j < 8; j++) rows[k][j] = columns[j][k];
  }
  widen<Kind>(rows, b);
}

// D: values 0 and 1 of lane 4g + t are columns 2t and 2t + 1 of row g, values 2 and 3 those of row g + 8.
template <class Wide, int kRows>
void takeD(void* const* lanes, Wide (&d)[kRows][8]) {
  for (int l = 0; l < 32; l++) {
    for (int h = 0; h < kRows / 8; h++)
      std::memcpy(&d[l / 4 + 8 * h][l % 4 * 2], static_cast<Wide*>(product(lanes[l]).d) + 2 * h, 8);
  }
}
template <class Wide, int kRows>
void giveD(void* const* lanes, const Wide (&d)[kRows][8]) {
  for (int l = 0; l < 32; l++) {
    for (int h = 0; h < kRows / 8; h++)
      std::memcpy(static_cast<Wide*>(product(lanes[l]).d) + 2 * h, &d[l / 4 + 8 * h][l % 4 * 2], 8);
  }
}

// Integer sums wrap.
inline float plus(float sum, float a, float b) { return sum + a * b; }
inline int32_t plus(int32_t sum, int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(sum) + static_cast<uint32_t>(a * b));
}

template <class KindA, class KindB, int kRows, int kDepth>
void multiply(void* const* lanes) {
  using Wide = typename KindA::Wide;
  Wide a[kRows][kDepth], b[kDepth][8], d[kRows][8];
  takeA<KindA>(lanes, a);
  takeB<KindB>(lanes, b);
  takeD(lanes, d);
  for (int i = 0; i < kRows; i++) {
    Wide sums[8];
    for (int j = 0; j < 8; j++) sums[j] = d[i][j];
    for (int k = 0; k < kDepth; k++) {
      for (int j = 0; j < 8; j++) sums[j] = plus(sums[j], a[i][k], b[k][j]);
    }
    for (int j = 0; j < 8; j++) d[i][j] = sums[j];
  }
  giveD(lanes, d);
}

// The metadata of row `row` for the 16 columns (two bytes each) or the 32 columns (a byte each) of part `part`, four bits for
// each four columns. 16-bit elements: lanes 4g and 4g + 1 have the parts of row g in their low halves and those of row g + 8
// in their high ones; where the selector is 1, lanes 4g + 2 and 4g + 3. Bytes: lanes 4g and 4g + 2 have the parts of row g, the
// lanes after them those of row g + 8. Sources: kernels/sparse/fragments.h.
template <class Kind>
uint32_t metadataOf(void* const* lanes, int row, int part) {
  const int quad = row % 8 * 4, upper = row / 8;
  if (kEach<Kind> == 4) return product(lanes[quad + 2 * part + upper]).metadata;
  return product(lanes[quad + 2 * product(lanes[quad]).selector + part]).metadata >> 16 * upper & 0xffff;
}

template <class KindA, class KindB, int kDepth>
void multiplySparse(void* const* lanes) {
  using Wide = typename KindA::Wide;
  constexpr int kPart = kDepth / 2;  // columns of a metadata word of one row
  Wide stored[16][kDepth / 2], b[kDepth][8], d[16][8];
  takeA<KindA>(lanes, stored);
  takeB<KindB>(lanes, b);
  takeD(lanes, d);
  for (int i = 0; i < 16; i++) {
    for (int k = 0; k < kDepth / 2; k++) {
      const int group = k / 2;
      const uint32_t words = metadataOf<KindA>(lanes, i, group * 4 / kPart) >> group * 4 % kPart;
      const uint32_t first = words & 3, second = words >> 2 & 3;
      if (first >= second)
        fail("sparse metadata: indices %u and %u of row %d, group %d do not rise", first, second, i, group);
      const uint32_t column = static_cast<uint32_t>(group) * 4 + (k % 2 ? second : first);
      for (int j = 0; j < 8; j++) d[i][j] = plus(d[i][j], stored[i][k], b[column][j]);
    }
  }
  giveD(lanes, d);
}

}  // namespace

void mma_f16_lanes(void* const* lanes) { multiply<HalfKind, HalfKind, 16, 16>(lanes); }
void mma_f16_k8_lanes(void* const* lanes) { multiply<HalfKind, HalfKind, 16, 8>(lanes); }
void mma_bf16_lanes(void* const* lanes) { multiply<BfloatKind, BfloatKind, 16, 16>(lanes); }
void mma_tf32_lanes(void* const* lanes) { multiply<Tf32Kind, Tf32Kind, 16, 8>(lanes); }
void mma_u8s8_lanes(void* const* lanes) { multiply<U8Kind, S8Kind, 16, 32>(lanes); }
void mma_s8s8_lanes(void* const* lanes) { multiply<S8Kind, S8Kind, 16, 32>(lanes); }
void mma_u8s8_k16_lanes(void* const* lanes) { multiply<U8Kind, S8Kind, 8, 16>(lanes); }
void mma_s8s8_k16_lanes(void* const* lanes) { multiply<S8Kind, S8Kind, 8, 16>(lanes); }
void mma_sparse_f16_lanes(void* const* lanes) { multiplySparse<HalfKind, HalfKind, 32>(lanes); }
void mma_sparse_bf16_lanes(void* const* lanes) { multiplySparse<BfloatKind, BfloatKind, 32>(lanes); }
void mma_sparse_s8_lanes(void* const* lanes) { multiplySparse<S8Kind, S8Kind, 64>(lanes); }
void mma_sparse_s8u8_lanes(void* const* lanes) { multiplySparse<S8Kind, U8Kind, 64>(lanes); }

}  // namespace dsnk::emulated
