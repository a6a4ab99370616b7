// Computes  the sums of a product on Hopper's warpgroup instructions, whatever the operands' type and their ending are
// Shapes    a: [batch, ⌈m/128⌉, steps, 8, 128, 16 bytes] in scratch, as product_rows has put it there, zeros beyond m and k;
//           b: packed panels, of which a Kind says where the pieces of a stage lie
// Numerics  those of wgmma: exact 32-bit sums of bytes; sums of 16 products of 16-bit floats, added in float32
// Tiling    a block for each multiprocessor goes through tiles of 128 x 256 (tiles_sm90.h), in the order of GpuCut. A
//           warpgroup keeps four stages of 48 KB under way: 16 KB of a in one bulk copy, b in 32 pieces of 1 KB, eight for
//           each warp, whose lanes ask one after another. Two warpgroups multiply 64 x 256 each (m64n256k16, m64n256k32:
//           128 sums a thread), two stages of which are in flight, and hand stages back by a second set of barriers; copies
//           of the next tile go on while a tile is ended.
//           Neither operand is swizzled: a core matrix of 8 x 16 bytes is 128 bytes in a row, which needs every bank once,
//           and the packing of weights writes them so; so plain bulk copies do, without tensor maps from the driver.
//           Arithmetic for 8192³ f16 on an H200 (132 multiprocessors of 4096 multiply-adds of bytes, or 2048 of halves, a
//           cycle): 1.1 TFLOP take 1.1 ms at 990 TFLOP/s; a is read as float32 and written as halves once before (0.4 GB,
//           0.08 ms at 4.8 TB/s; bytes 0.13 GB of 0.55 ms): with conversion in the producer every block of 256 columns
//           would read the floats again, 32 times, and hold registers for them. A stage of 1024 cycles takes in 48 KB, 48
//           bytes a cycle from L2; the matrix units read 80 of the 128 bytes a cycle that shared memory has.
//           Machine code (nvcc 13): four HGMMA.64x256x16 or IGMMA.64x256x32 of a stage in a row, sums in the same registers
//           from stage to stage; lanes' copies are a loop of seven instructions each. Not done: blocks in pairs that share
//           what they read (multicast), and one warpgroup ending its tile while the other multiplies
// Packing   by Kind
// Source    PTX ISA: wgmma.mma_async, asynchronous warpgroup level matrix shared memory layout, mbarrier, cp.async.bulk
#pragma once
#include <cstring>

#include "cuda/sm90.cuh"
#include "kernels/gemm/tiles_sm90.h"

#if DSNK_SM90
namespace dsnk {

// Copies the rows of a into scratch, a thread 16 bytes of a row at a time: `rows(batch, row)(k)` gives those of the row
// from byte k on, zeros where there are none. Lanes have neighbouring rows: writes are whole lines. There is no scratch for
// so many stages that 32 bits would not count them.
template <class Rows>
__device__ __forceinline__ void product_rows(const GpuWork& work, const Rows& rows) {
  using T = HopperTile;
  const auto tiles = static_cast<uint32_t>(work.number[0]), batch = static_cast<uint32_t>(work.number[2]);
  const auto steps = static_cast<uint32_t>(work.number[kHopperSteps]);
  const int row = static_cast<int>(threadIdx.x) % T::rows;
  for (uint32_t i = blockIdx.x; i < tiles * batch * steps; i += gridDim.x) {
    const uint32_t step = i % steps, tile = i / steps % tiles;
    const auto load = rows(i / steps / tiles, int64_t{tile} * T::rows + row);
    std::byte* to = work.scratch + int64_t{i} * T::bytesA;
#pragma unroll 2
    for (int chunk = static_cast<int>(threadIdx.x) / T::rows; chunk < T::chunks; chunk += 256 / T::rows) {
      store16(to + hopperPlaceA(row, chunk), load(int64_t{step} * T::depthBytes + chunk * 16));
    }
  }
}

struct HopperBarriers {
  PhaseBarrier full[HopperTile::stages], empty[HopperTile::stages];
};

// Stages are used in turn, over all tiles of a block.
struct StageTurn {
  int stage = 0;
  uint32_t parity = 0;
  __device__ __forceinline__ void next() {
    if (++stage == HopperTile::stages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

// Asks for the copies of all stages, a warp for its share of the pieces of b. `b(tile, piece)` has one piece of all stages:
// `at(step)` says where this kilobyte lies, nullptr where there is none, and `place` where in a stage it belongs.
template <class B>
__device__ __forceinline__ void produce(const GpuWork& work, HopperBarriers& barriers, const GpuCut& cut, const B& b) {
  using T = HopperTile;
  constexpr int kPiece = T::piece, kOfWarp = T::pieces / 4;
  const int piece = warp() * kOfWarp + lane();
  const int64_t steps = work.number[kHopperSteps], count = cut.count();
  StageTurn turn;
  for (int64_t i = blockIdx.x; i < count; i += gridDim.x) {
    const GpuTile tile = cut.tile(i);
    const std::byte* a = work.scratch + (tile.batch * cut.tilesM + tile.m) * steps * T::bytesA;
    const auto pieces = b(tile, lane() < kOfWarp ? piece : -1);
    for (int64_t step = 0; step < steps; step++, turn.next()) {
      unsigned char* stage = shared_memory() + turn.stage * T::stage;
      PhaseBarrier* full = &barriers.full[turn.stage];
      wait_barrier(&barriers.empty[turn.stage], turn.parity ^ 1);
      const std::byte* from = pieces.at(step);
      const int there = count_bits(ballot(from != nullptr));
      unsigned char* to = stage + T::bytesA + pieces.place;
      const uint32_t ofA = warp() == 0 ? T::bytesA : 0;
      if (pieces.whole) {
        if (lane() == 0) arrive_expecting(full, ofA + kPiece * there);
        sync_warp();
        if (from != nullptr) copy_bulk(to, from, kPiece, full);
      } else {
        // A matrix that does not begin at a multiple of 16 bytes.
        if (from != nullptr) {
#pragma unroll 1
          for (int at = 0; at < kPiece; at += 4) {
            *reinterpret_cast<uint32_t*>(to + at) = *reinterpret_cast<const uint32_t*>(from + at);
          }
        }
        fence_stores();
        sync_warp();
        if (lane() == 0) arrive_expecting(full, ofA);
        sync_warp();
      }
      if (threadIdx.x == 0) copy_bulk(stage, a + step * T::bytesA, T::bytesA, full);
    }
  }
}

// Multiplies 64 rows of every tile and ends them: `end(tile)` has the ending of a tile's matrix, which is called with the row
// and the column where 16 x 32 sums begin in the matrix, `pitch` words from row to row, for one warp.
template <class Kind, class End>
__device__ __forceinline__ void consume(const GpuWork& work, HopperBarriers& barriers, const GpuCut& cut,
                                        const End& end) {
  using T = HopperTile;
  using Sum = typename Kind::Sum;
  const int64_t steps = work.number[kHopperSteps], count = cut.count();
  const int rows = (warpgroup() - 1) * 64, ownRows = rows + warp() % 4 * 16;
  auto* slab = reinterpret_cast<Sum*>(shared_memory() + T::stages * T::stage + (warp() - 4) * T::slab);
  const uint64_t a = matrix_at(shared_memory() + rows * 16, T::rows * 16, 128);
  const uint64_t b = Kind::columns(shared_memory() + T::bytesA);
  Sum sums[128];
  StageTurn turn;
  for (int64_t i = blockIdx.x; i < count; i += gridDim.x) {
#pragma unroll
    for (int s = 0; s < 128; s++) sums[s] = 0;
    int before = 0;
#pragma unroll 1
    for (int64_t step = 0; step < steps; step++, turn.next()) {
      wait_barrier(&barriers.full[turn.stage], turn.parity);
      const uint32_t stage = static_cast<uint32_t>(turn.stage * T::stage);
      fence_products();
#pragma unroll
      for (int s = 0; s < T::depthBytes / 32; s++) {
        Kind::multiply(sums, matrix_after(a, stage + hopperPlaceA(0, 2 * s)),
                       matrix_after(b, stage + s * Kind::advance));
      }
      commit_products();
      wait_products<1>(sums);
      if (step > 0 && lane() == 0) arrive(&barriers.empty[before]);
      before = turn.stage;
    }
    wait_products<0>(sums);
    if (steps > 0 && lane() == 0) arrive(&barriers.empty[before]);

    const GpuTile tile = cut.tile(i);
    const auto ending = end(tile);
#pragma unroll 1
    for (int part = 0; part < T::columns; part += T::part) {
      Sum* to = slab + lane() / 4 * T::pitch + lane() % 4 * 2;
#pragma unroll
      for (int j = 0; j < T::part / 8; j++) {
#pragma unroll
        for (int v = 0; v < 4; v += 2) {
          u32x2 pair;
          memcpy(&pair, &sums[j * 4 + v], sizeof pair);
          store8(to + v / 2 * 8 * T::pitch + j * 8, pair);
        }
      }
      // What is left moves up, so that the code exists once.
#pragma unroll
      for (int s = 0; s + T::part / 2 < 128; s++) sums[s] = sums[s + T::part / 2];
      sync_warp();
      ending(tile.m * T::rows + ownRows, tile.n * T::columns + part, slab);
      sync_warp();
    }
  }
}

// The whole of a block.
template <class Kind, class B, class End>
__device__ __forceinline__ void hopper_product(const GpuWork& work, const B& b, const End& end) {
  using T = HopperTile;
  __shared__ HopperBarriers barriers;
  const GpuCut cut{work.number[0], work.number[1], work.number[2], work.number[3], work.number[4]};
  if (threadIdx.x == 0) {
    for (int s = 0; s < T::stages; s++) {
      init_barrier(&barriers.full[s], 4);
      init_barrier(&barriers.empty[s], T::consumers);
    }
    publish_barriers();
  }
  sync_block();
  if (warpgroup() == 0) {
    leave_registers<56>();
    produce(work, barriers, cut, b);
  } else {
    take_registers<224>();
    consume<Kind>(work, barriers, cut, end);
  }
}

}  // namespace dsnk
#endif
