// Where compressed weights stand for the sparse matrix units of NVIDIA's GPUs: for what packs them, for the kernels that read
// them, and for the tests. A panel is 64 columns of b; of 64 k at a time it has
//
//   [32 lanes][4 words]                positions: a word for each 16 columns
//   [steps][4][32 lanes][16 bytes]     values: a fragment for each 16 columns; a step is 32 kept bytes
//
// so that a lane reads 16 bytes at a time, of which it needs all. In front of a panel of halves stand 64 floats, its scales.
//
// mma.sp has the weights as its A: 16 columns of b are its rows. A lane l = 4g + t holds rows g and g + 8, of them what the
// dense fragment of the kept columns would be. Which lane holds the positions of which fours of k the manual says in figures
// (PTX ISA, "Matrix fragments for multiply-accumulate with sparse matrix A"); in words it is, and these agree:
//   m16n8k64, bytes     t = 0: row g, k 0–31; 1: row g + 8, k 0–31; 2: row g, k 32–63; 3: row g + 8, k 32–63: `reorder_meta` of
//                       CUTLASS (host_reorder.h), which writes what ldmatrix then hands out, and the maps of TileLang
//                       (mma_sp_layout.py, 32 bits for 8-bit elements)
//   m16n8k32, 16 bits   two lanes of four, chosen by the selector: 0 takes t = 0 for k 0–15 and t = 1 for k 16–31, row g in the
//                       low half and row g + 8 in the high one; 1 takes t = 2 and 3. Both of the above, and LLVM's
//                       integration test of nvgpu.mma.sp (sparse-mma-2-4-f16.mlir)
// A translator of CUDA programs (m16n8k64 for another maker's GPUs) has each lane's positions with its own values instead: that
// is one reader's guess against three, of which CUTLASS runs.
#pragma once
#include <cstdint>

namespace dsnk {

constexpr int kFragmentColumns = 64, kFragmentDepth = 64;
constexpr int kPositionBytes = 32 * 4 * 4;

constexpr int fragmentUnitBytes(int elementBytes) {
  return kPositionBytes + kFragmentColumns * kFragmentDepth / 2 * elementBytes;
}

// Where the four bits of a four of k stand: byte of the word in its unit, and bit in the word.
struct PositionPlace {
  int byte, bit;
};
constexpr PositionPlace placeOfPositions(int elementBytes, int column, int four) {
  const int row = column % 16, upper = row / 8;
  const int t = elementBytes == 1 ? four / 8 * 2 + upper : four / 4;
  const int nibble = elementBytes == 1 ? four % 8 : four % 4 + 4 * upper;
  return {((row % 8 * 4 + t) * 4 + column / 16) * 4, nibble * 4};
}

// Where kept value `kept` of a column, 0 … 31, stands in its unit: in bytes.
constexpr int placeOfKept(int elementBytes, int column, int kept) {
  const int byte = kept * elementBytes, inStep = byte % 32, row = column % 16;
  const int fragment = byte / 32 * 4 + column / 16, lane = row % 8 * 4 + inStep % 16 / 4;
  return kPositionBytes + (fragment * 32 + lane) * 16 + (inStep / 16 * 2 + row / 8) * 4 + inStep % 4;
}

}  // namespace dsnk
