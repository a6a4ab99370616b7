// What the lanes of a warp get from one another, and matrices from shared memory.
#include <algorithm>
#include <cstring>

#include "cuda/emulator/block.h"

namespace dsnk::emulated {

void no_work(void* const*) {}

void shuffle_lanes(void* const* lanes) {
  for (int i = 0; i < 32; i++) {
    Shuffle& s = *static_cast<Shuffle*>(lanes[i]);
    s.got = static_cast<const Shuffle*>(lanes[s.from])->value;
  }
}

void ballot_lanes(void* const* lanes) {
  uint32_t all = 0;
  for (int i = 0; i < 32; i++) all |= static_cast<uint32_t>(static_cast<const Ballot*>(lanes[i])->yes) << i;
  for (int i = 0; i < 32; i++) static_cast<Ballot*>(lanes[i])->got = all;
}

// Lane l gets elements 2 (l % 4) and the one after it of row l / 4 of each matrix, or of the column where it is transposed.
static void loadMatrices(void* const* lanes, int count, bool transposed) {
  uint16_t matrix[8][8];
  for (int m = 0; m < count; m++) {
    int banks[8] = {};  // of 16 bytes each: the eight rows are read at once where no two are in the same
    for (int row = 0; row < 8; row++) {
      const void* from = static_cast<const Rows*>(lanes[m * 8 + row])->row;
      checkShared(from, 16);
      std::memcpy(matrix[row], from, 16);
      banks[reinterpret_cast<uintptr_t>(from) / 16 % 8]++;
    }
    matrixReads.matrices++;
    matrixReads.steps += static_cast<uint64_t>(*std::max_element(banks, banks + 8));
    for (int l = 0; l < 32; l++) {
      const int r = l / 4, c = l % 4 * 2;
      const uint32_t low = transposed ? matrix[c][r] : matrix[r][c],
                     high = transposed ? matrix[c + 1][r] : matrix[r][c + 1];
      static_cast<Rows*>(lanes[l])->r[m] = low | high << 16;
    }
  }
}
void load_lanes4(void* const* lanes) { loadMatrices(lanes, 4, false); }
void load_lanes4_transposed(void* const* lanes) { loadMatrices(lanes, 4, true); }
void load_lanes2(void* const* lanes) { loadMatrices(lanes, 2, false); }
void load_lanes2_transposed(void* const* lanes) { loadMatrices(lanes, 2, true); }

}  // namespace dsnk::emulated
