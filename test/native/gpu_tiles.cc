// The index arithmetic that kernels for GPUs share with their plans: which tile a block has, and where numbers lie in shared
// memory, so that every one has its place and no bank is asked twice at once.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <tuple>
#include <vector>

#include "kernels/attention/flash_tiles.h"
#include "kernels/gemm/product_cuda.h"
#include "kernels/narrow/tiles_cuda.h"

using namespace dsnk;

namespace {

void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

// Every tile once; the splits of k one after the other, whole steps each, and all of k.
void checkCut(int64_t batch, int64_t m, int64_t n, int64_t k, int64_t rows, int64_t columns, int64_t depth,
              int64_t places) {
  const GpuCut cut = gpuCut(batch, m, n, k, rows, columns, depth, places, 2);
  check(cut.tilesM * rows >= m && (cut.tilesM - 1) * rows < m, "tiles must cover the rows");
  check(cut.tilesN * columns >= n && (cut.tilesN - 1) * columns < n, "tiles must cover the columns");
  check(cut.splitDepth > 0 && cut.splitDepth % depth == 0, "splits must be whole steps");
  check(cut.splits * cut.splitDepth >= k && (cut.splits == 1 || (cut.splits - 1) * cut.splitDepth < k),
        "splits must cover k");
  std::set<std::tuple<int64_t, int64_t, int64_t, int64_t>> seen;
  for (int64_t i = 0; i < cut.count(); i++) {
    const GpuTile t = cut.tile(i);
    check(t.split >= 0 && t.split < cut.splits && t.batch >= 0 && t.batch < batch, "split and matrix must exist");
    check(t.m >= 0 && t.m < cut.tilesM && t.n >= 0 && t.n < cut.tilesN, "tile must exist");
    seen.insert({t.split, t.batch, t.m, t.n});
  }
  check(static_cast<int64_t>(seen.size()) == cut.count(), "every tile must be computed once");
}

// Addresses that a matrix instruction, or a store of 16 or fewer bytes a lane, asks for together: all banks once.
void checkBanks(const std::vector<int>& addresses, int bytes) {
  std::set<int> banks;
  for (int address : addresses) {
    check(address % bytes == 0, "pieces must be aligned");
    banks.insert(address % 128 / bytes);
  }
  check(static_cast<int>(banks.size()) == static_cast<int>(addresses.size()), "no bank may be asked twice");
}

template <class Place>
void checkPlaces(int count, int bytes, const Place& place) {
  std::set<int> seen;
  for (int i = 0; i < count; i++) {
    const int at = place(i);
    check(at >= 0 && at + bytes <= count * bytes && at % bytes == 0, "places must lie inside");
    seen.insert(at);
  }
  check(static_cast<int>(seen.size()) == count, "every piece must have its place");
}

void checkShared() {
  checkPlaces(128 * 4, 16, [](int i) { return rowPiece16(i / 4, i % 4); });
  checkPlaces(128, 16, [](int i) { return halfPiece(0, i / 4, i % 4); });
  checkPlaces(128, 16, [](int i) { return bfloatPiece(0, i / 8, i % 8); });
  checkPlaces(16 * 32, 4, [](int i) { return bfloatWord(0, i / 32, i % 32); });
  check(halfPiece(1, 0, 0) == 2048 && bfloatPiece(1, 0, 0) == 2048, "a panel's step must be 2 KB");
  // Fragments of rows and of halves: 8 lanes ask for 16 bytes each.
  for (int first = 0; first < 32; first += 8) {
    for (int piece = 0; piece < 4; piece++) {
      std::vector<int> rows, halves;
      for (int i = 0; i < 8; i++) {
        rows.push_back(rowPiece16(first + i, piece));
        halves.push_back(halfPiece(0, first + i, piece));
      }
      checkBanks(rows, 16);
      checkBanks(halves, 16);
    }
  }
  // Fragments of bfloats: 32 lanes ask for a word each.
  for (int pair = 0; pair < 16; pair += 4) {
    for (int column = 0; column < 32; column += 8) {
      std::vector<int> words;
      for (int lane = 0; lane < 32; lane++) words.push_back(bfloatWord(0, pair + lane % 4, column + lane / 4));
      checkBanks(words, 4);
    }
  }
  // Rounded rows: 16 lanes store 8 bytes each, two rows of 8 quads.
  for (int row = 0; row < 16; row += 2) {
    std::vector<int> quads;
    for (int lane = 0; lane < 16; lane++) quads.push_back(rowPiece16(row + lane / 8, lane % 8 / 2) + lane % 2 * 8);
    checkBanks(quads, 8);
  }
}

// Attention: a lane finds by one operation what the place of another piece is, and a matrix instruction finds 8 rows in
// different banks, for queries and keys as for values.
template <class T>
void checkFlash() {
  checkPlaces(T::rows * T::pieces, 16, [](int i) { return T::place(i / T::pieces, i % T::pieces); });
  for (int row = 0; row < 32; row++) {
    for (int piece = 0; piece < T::pieces; piece++) {
      check(T::moved(T::place(row, piece % 2), piece - piece % 2) == T::place(row, piece), "pieces must be found");
      check(T::place(row + 16, piece) == T::place(row, piece) + 16 * T::width * 2, "16 rows on all must be as it was");
    }
  }
  for (int first = 0; first < 32; first += 8) {
    for (int piece = 0; piece < T::pieces; piece++) {
      std::vector<int> rows;
      for (int i = 0; i < 8; i++) rows.push_back(T::place(first + i, piece));
      checkBanks(rows, 16);
    }
  }
  // sm_86 and sm_89 have 99 KB a block.
  check(T::bytes <= 99 * 1024 - 3072, "queries, keys and values must fit");
}

// What fits every GPU from Turing on, whose blocks may ask for 64 KB, so many of them at once as their plans say on Ampere.
template <class... T>
void checkSizes() {
  (check(T::bytes <= 64 * 1024 - 8192, "tiles must fit Turing's shared memory"), ...);
}

void checkChoice() {
  const GpuTileShape shapes[] = {{"large", 128, 128, 8, 256, 2, 1.0f},
                                 {"small", 64, 64, 16, 128, 4, 0.8f},
                                 {"narrow", 128, 32, 16, 128, 4, 0.75f}};
  const GpuTraits gpu{87, 16, 0, 0};
  GpuCut cut{};
  check(std::strcmp(chooseTile({1, 4096, 4096, 4096}, shapes, 3, gpu, cut).entry, "large") == 0,
        "large products need large tiles");
  check(std::strcmp(chooseTile({1, 12544, 24, 96}, shapes, 3, gpu, cut).entry, "narrow") == 0,
        "few columns need narrow tiles");
  check(std::strcmp(chooseTile({1, 49, 960, 160}, shapes, 3, gpu, cut).entry, "small") == 0,
        "small products need small tiles");
  chooseTile({1, 49, 128, 4096}, shapes, 3, gpu, cut);
  check(cut.splits > 4, "long sums of few outputs must be split");
}

}  // namespace

int main() {
  for (int64_t m : {1, 15, 64, 129, 1100}) {
    for (int64_t n : {1, 32, 130}) {
      for (int64_t k : {0, 1, 127, 300, 5000}) {
        for (int64_t batch : {1, 3}) {
          checkCut(batch, m, n, k, 128, 128, 8, 16);
          checkCut(batch, m, n, k, 64, 64, 16, 132);
          checkCut(batch, m, n, k, 16, 128, 32, 132);
        }
      }
    }
  }
  checkShared();
  checkFlash<Flash64>();
  checkFlash<Flash96>();
  checkFlash<Flash128>();
  checkFlash<Flash256>();
  checkFlash<FlashCapped>();
  checkSizes<Large16, Middle16, Small16, Narrow16, Few16>();
  checkChoice();
  std::puts("tiles of GPUs: ok");
  return 0;
}
