// Computes  of every four k of a row of weights the two that are not zero and where they stand; of bytes also
//           folded[i, j] = bias[i, j] - zero·Σ_k w[i, k, j]
// Shapes    packed: layout.h; folded, bias: int32 [count, n]; w: element (i, outer, inner, j) at i·stride +
//           outer·strideOuter + inner·strideInner + j·strideN
// Numerics  exact: moves numbers; the sums of `folded` wrap. A four with more than two of them is a fault
// Tiling    a tile is a run of panels
// Packing   this is it
// Source    the form is that of mma.sp, NVIDIA, PTX ISA, "Sparse matrix storage"
#include <cstring>
#include <initializer_list>

#include "kernels/sparse/layout.h"

namespace dsnk {

static int64_t elementOf(const Kernel& kernel) { return kernel.dtypes[0] == 'f' ? 4 : 1; }

static const char* verify(const Kernel& kernel, const Check& c) {
  const auto& p = c.as<SparseCompressParams>();
  const int64_t element = elementOf(kernel);
  if (const char* wrong = sparseWeightsVerify(p, c, 2, element)) return wrong;
  if (p.nr < 1 || p.nr > 64) return "nr must be 1 … 64";
  if ((p.apart | 1) != 1 || (p.apart != 0 && p.nr != 1)) return "only rows of their own stand apart";
  const Size block(sparseBlockBytes(p.nr, element));
  if (!(Size(p.count) * ceilDiv(p.n, p.nr) * sparseBlocks(p.outer * p.inner) * block).fits(c.operandBytes[0]))
    return "output must hold all panels";
  return sparseFoldedVerify(p, c);
}

static int64_t panelsOf(const SparseCompressParams& p) { return p.count * ceilDiv(p.n, p.nr); }

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const SparseCompressParams*>(params);
  return tilesFor(panelsOf(p), p.outer * p.inner * p.nr, threads, 64 * 1024);
}

extern const Contract sparse_compress_contract{
    "sparse_compress", "wxro", 0, sizeof(SparseCompressParams), false, verify, tiles, nullptr};

const char* sparseFoldedVerify(const SparseCompressParams& p, const Check& c) {
  if (p.zero < -255 || p.zero > 255) return "zero must be in [-255, 255]";
  if (p.flip < 0 || p.flip > 255) return "flip must be a byte";
  const Size folded = Size(p.count) * Size(p.n) * Size(4);
  if (c.has(1) && !folded.fits(c.operandBytes[1])) return "folded bias must hold every column";
  return c.has(3) && !folded.fits(c.operandBytes[3]) ? "bias must hold every column" : nullptr;
}

void sparseFold(const Work& w, const SparseCompressParams& p, int64_t i, int64_t column, int64_t columns) {
  if (w.operand[1] == nullptr) return;
  const auto* from = w.at<const int8_t>(2) + i * p.stride + column * p.strideN;
  const int32_t* bias = w.operand[3] == nullptr ? nullptr : w.at<const int32_t>(3) + i * p.n + column;
  for (int64_t j = 0; j < columns; j++) {
    uint32_t sum = 0;
    for (int64_t o = 0; o < p.outer; o++) {
      const int8_t* source = from + j * p.strideN + o * p.strideOuter;
      for (int64_t e = 0; e < p.inner; e++)
        sum += static_cast<uint32_t>(static_cast<int8_t>(source[e * p.strideInner] ^ p.flip));
    }
    const auto first = static_cast<uint32_t>(bias == nullptr ? 0 : bias[j]);
    w.at<int32_t>(1)[i * p.n + column + j] = static_cast<int32_t>(first - static_cast<uint32_t>(p.zero) * sum);
  }
}

// Position i of the sixteen of a word, transposed for bytes.
static int shiftOf(int i, bool transposed) { return transposed ? 8 * (i % 4) + 2 * (i / 4) : 2 * i; }

template <class Number>
static Fault compress(const Work& w) {
  constexpr bool bytes = sizeof(Number) == 1;
  const auto& p = w.as<SparseCompressParams>();
  const int64_t k = p.outer * p.inner, panels = ceilDiv(p.n, p.nr), blocks = sparseBlocks(k), nr = p.nr;
  const int64_t wordStride = p.apart != 0 ? 4 : sparseBlockBytes(nr, sizeof(Number));
  const int64_t valueStride = p.apart != 0 ? kSparseKept * static_cast<int64_t>(sizeof(Number)) : wordStride;
  const Range range = tileRange(panelsOf(p), w.tile, w.tiles);
  for (int64_t u = range.begin; u < range.end; u++) {
    const int64_t i = u / panels, column = u % panels * nr, columns = p.n - column < nr ? p.n - column : nr;
    std::byte* values = w.at<std::byte>(0) + u * blocks * valueStride;
    std::byte* words = w.at<std::byte>(0) + u * blocks * wordStride;
    if (p.apart != 0) {
      words += p.count * panels * blocks * valueStride;
    } else {
      values += 4 * nr;
    }
    const auto* from = w.at<const Number>(2) + i * p.stride + column * p.strideN;
    for (int64_t b = 0; b < blocks; b++, values += valueStride, words += wordStride) {
      auto* word = reinterpret_cast<uint32_t*>(words);
      std::memset(values, 0, static_cast<size_t>(kSparseKept * nr) * sizeof(Number));
      for (int64_t j = 0; j < nr; j++) {
        uint32_t positions = 0;
        for (int g = 0; g < 8; g++) {
          const int64_t at = b * kSparseBlock + 4 * g;
          Number four[4] = {};
          unsigned kept = 0;
          if (j < columns && at < k) {
            const Number* source = from + j * p.strideN + at / p.inner * p.strideOuter + at % p.inner * p.strideInner;
            for (int e = 0; e < 4; e++) {
              four[e] = source[e * p.strideInner];
              if constexpr (bytes) four[e] = static_cast<Number>(four[e] ^ p.flip);
              if (four[e] != 0) kept |= 1u << e;
            }
          }
          SparsePair pair{};
          if (!sparsePair(kept, pair)) return Fault::invalidValue;
          for (int s = 0; s < 2; s++) {
            const int slot = 2 * g + s, e = s == 0 ? pair.first : pair.second;
            positions |= static_cast<uint32_t>(e) << shiftOf(slot, bytes && p.apart == 0);
            const int64_t to = bytes ? (slot / 4 * nr + j) * 4 + slot % 4 : slot * nr + j;
            std::memcpy(values + to * static_cast<int64_t>(sizeof(Number)), &four[e], sizeof(Number));
          }
        }
        word[j] = positions;
      }
    }
    if (bytes) sparseFold(w, p, i, column, columns);
  }
  return Fault::none;
}

Fault sparse_compress_f32_scalar(const Work& w) { return compress<float>(w); }
Fault sparse_compress_i8_scalar(const Work& w) { return compress<int8_t>(w); }

}  // namespace dsnk
