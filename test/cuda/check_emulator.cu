// Entries that test/cuda/emulator.cc launches: one for each word of cuda/gpu.cuh with semantics of its own, and one for each
// mistake that the emulated GPU must notice.
#include <cstring>

#include "cuda/sm90.cuh"

namespace dsnk {

struct CheckParams {
  int32_t kind;
  int32_t value;
};

// Operand 0: results of the lanes; operand 1: fragments, 4 words of A, 4 of B, 4 of D, 1 of metadata for each lane.
template <class D>
__device__ __forceinline__ void giveBack(uint32_t* out, const D (&d)[4]) {
  for (int i = 0; i < 4; i++) memcpy(out + lane() * 4 + i, &d[i], 4);
}

DSNK_ENTRY(32, 0, check_products, CheckParams) {
  const uint32_t* in = work.at<const uint32_t>(1) + lane() * 13;
  uint32_t a[4], b[4], a2[2], b2[2];
  for (int i = 0; i < 4; i++) a[i] = in[i], b[i] = in[4 + i];
  for (int i = 0; i < 2; i++) a2[i] = a[i], b2[i] = b[i];
  float f[4];
  int32_t n[4], n2[2];
  memcpy(f, in + 8, sizeof f);
  memcpy(n, in + 8, sizeof n);
  memcpy(n2, in + 8, sizeof n2);
  const uint32_t metadata = in[12];
  switch (params.kind) {
    case 0: mma_f16(f, a, b2); break;
    case 1: mma_bf16(f, a, b2); break;
    case 2: mma_tf32(f, a, b2); break;
    case 3: mma_f16_k8(f, a2, b[0]); break;
    case 4: mma_u8s8(n, a, b2); break;
    case 5: mma_s8s8(n, a, b2); break;
    case 6: mma_u8s8_k16(n2, a[0], b[0]); break;
    case 7: mma_s8s8_k16(n2, a[0], b[0]); break;
    case 8: mma_sparse_f16(f, a, b, metadata); break;
    case 9: mma_sparse_bf16(f, a, b, metadata); break;
    case 10: mma_sparse_s8(n, a, b, metadata); break;
    case 11: mma_sparse_s8u8(n, a, b, metadata); break;
    case 12: mma_sparse_f16<1>(f, a, b, metadata); break;
    case 13: mma_sparse_bf16<1>(f, a, b, metadata); break;
  }
  uint32_t* out = work.at<uint32_t>(0);
  if (params.kind == 6 || params.kind == 7) {
    for (int i = 0; i < 2; i++) out[lane() * 4 + i] = static_cast<uint32_t>(n2[i]);
  } else if (params.kind < 4 || params.kind == 8 || params.kind == 9 || params.kind >= 12) {
    giveBack(out, f);
  } else {
    giveBack(out, n);
  }
}

// kind: 0 load_matrices4, 1 transposed, 2 load_matrices2, 3 transposed. Operand 1: 4 matrices of 8x8 elements of 16 bits.
DSNK_ENTRY(32, 0, check_matrices, CheckParams) {
  unsigned char* shared = shared_memory();
  // rows are kept at odd distances from one another
  store16(shared + lane() * 48, load16(work.at<const unsigned char>(1) + lane() * 16));
  sync_warp();
  const unsigned char* row = shared + lane() * 48;
  uint32_t r[4] = {}, r2[2];
  switch (params.kind) {
    case 0: load_matrices4(r, row); break;
    case 1: load_matrices4_transposed(r, row); break;
    case 2: load_matrices2(r2, lane() < 16 ? row : nullptr); break;
    case 3: load_matrices2_transposed(r2, lane() < 16 ? row : nullptr); break;
  }
  if (params.kind >= 2) r[0] = r2[0], r[1] = r2[1];
  for (int i = 0; i < 4; i++) work.at<uint32_t>(0)[lane() * 4 + i] = r[i];
}

// 11 words of each thread: what lanes get from one another.
DSNK_ENTRY(64, 0, check_lanes, CheckParams) {
  uint32_t* out = work.at<uint32_t>(0) + threadIdx.x * 11;
  const uint32_t own = 1000u * static_cast<uint32_t>(warp()) + static_cast<uint32_t>(lane());
  out[0] = shuffle(own, 31 - lane());
  out[1] = shuffle_xor(own, 5);
  out[2] = shuffle_down(own, 3);
  out[3] = ballot(lane() % 3 == 0);
  out[4] = static_cast<uint32_t>(warp_sum(static_cast<float>(lane())));
  out[5] = static_cast<uint32_t>(warp_sum(lane()));
  out[6] = static_cast<uint32_t>(warp_max(static_cast<float>(lane() ^ 7)));
  out[7] = static_cast<uint32_t>(dot4_u8s8(7, 0xff020304u, 0xfe000102u));
  out[8] = static_cast<uint32_t>(dot4_s8s8(7, 0xff020304u, 0xfe000102u));
  out[9] = to_tf32(float_of_bits(0x3f801000u));
  out[10] = pack_halves(1.0f, -2.0f) ^ pack_bfloats(1.0f, -2.0f);
  if (threadIdx.x == 3) fault(work, Fault::invalidValue);
  if (threadIdx.x == 40) fault(work, Fault::indexOutOfRange);
  atomic_add(reinterpret_cast<int32_t*>(work.scratch), 2);
}

// Each block turns its 256 words round through static and dynamic shared memory.
DSNK_ENTRY(256, 2, check_blocks, CheckParams) {
  __shared__ uint32_t words[256];
  uint32_t* more = reinterpret_cast<uint32_t*>(shared_memory());
  const unsigned i = threadIdx.x, from = blockIdx.x * 256 + i;
  words[i] = work.at<const uint32_t>(1)[from];
  sync_block();
  more[255 - i] = words[i ^ 1];
  sync_block();
  work.at<uint32_t>(0)[from] = more[i ^ 1];
}

// kind: 0 waits as it must, 1 does not wait, 2 waits for too few groups, 3 waits but does not meet the others at a barrier.
DSNK_ENTRY(64, 0, check_copies, CheckParams) {
  unsigned char* shared = shared_memory();
  const uint32_t* in = work.at<const uint32_t>(1);
  for (int stage = 0; stage < 2; stage++) {
    copy_async16(shared + stage * 1024 + threadIdx.x * 16, in + stage * 256 + threadIdx.x * 4, threadIdx.x != 5);
    commit_copies();
  }
  if (params.kind == 0 || params.kind == 3) wait_copies<0>();
  if (params.kind == 2) wait_copies<1>();
  if (params.kind != 3) sync_block();
  const uint32_t* words = reinterpret_cast<const uint32_t*>(shared);
  for (int i = 0; i < 8; i++) work.at<uint32_t>(0)[i * 64 + threadIdx.x] = words[i * 64 + 63 - threadIdx.x];
}

// Mistakes: 0 different barriers, 1 some threads end before a barrier, 2 some lanes end before a shuffle, 3 lanes shuffle at
// different places, 4 lanes wait at the block's barrier while others shuffle, 5 writes beyond an operand, 6 beyond shared
// memory, 7 a null pointer, 8 a load that is not aligned, 9 a matrix row that is not in shared memory, 10 reads shared memory
// that nobody has written (no error: poison), 11 metadata that do not rise.
DSNK_ENTRY(64, 0, check_mistakes, CheckParams) {
  __shared__ uint32_t unwritten[64];
  uint32_t* out = work.at<uint32_t>(0);
  const unsigned i = threadIdx.x;
  uint32_t got = 0, r[4] = {};
  switch (params.kind) {
    case 0:
      if (i < 32) {
        sync_block();
      } else {
        sync_block();
      }
      break;
    case 1:
      if (i == 7) return;
      sync_block();
      break;
    case 2:
      if (i == 7) return;
      got = shuffle(i, 3);
      break;
    case 3:
      if (i & 1) {
        got = shuffle(i, 3);
      } else {
        got = shuffle(i, 4);
      }
      break;
    case 4:
      if (i & 1) {
        sync_block();
      } else {
        got = shuffle(i, 3);
      }
      break;
    case 5: out[(work.number[0] + 255) / 256 * 64 + i] = 1; break;
    case 6: shared_memory()[params.value + i] = 1; break;
    case 7: work.at<uint32_t>(5)[i] = 1; break;
    case 8: got = load16(out + 1).v[0]; break;
    case 9: load_matrices4(r, out); break;
    case 10:
      if (params.value < 0) unwritten[i] = i;
      got = unwritten[i] & *reinterpret_cast<uint32_t*>(shared_memory() + i * 4);
      break;
    case 11: {
      float d[4] = {};
      mma_sparse_f16(d, r, r, 0x44440444u);
      break;
    }
  }
  out[i] = got + r[0];
}

#if DSNK_SM90
// A product of a warpgroup: operand 1 is a, 64 x 32 bytes, and b, 256 x 32, as the manual's blocks of 8 x 16 bytes. kind: 0 f16,
// 1 bf16, 2 bytes. Mistakes (value), 1 no fence, 2 sums are read before they
// are waited for (no error: poison), 3 nobody arrives, 4 a copy that is not aligned, 5 a barrier that nobody has published, 6
// one that nobody has initialised, 7 ends with a copy under way, 8 ends with products under way, 9 more arrive than are
// counted, 10 a matrix with a swizzle, 11 does not wait for
// what it takes.
DSNK_ENTRY(128, 0, check_warpgroup, CheckParams) {
  __shared__ PhaseBarrier full;
  unsigned char* shared = shared_memory();
  const int mistake = params.value;
  if (threadIdx.x == 0) {
    if (mistake != 6) init_barrier(&full, 1);
    if (mistake != 5) publish_barriers();
    if (mistake != 3) arrive_expecting(&full, 10240);
    if (mistake == 9) arrive(&full), arrive(&full);
    copy_bulk(shared + 2048 + (mistake == 4 ? 8 : 0), work.at<unsigned char>(1) + 2048, 8192, &full);
    copy_bulk(shared, work.at<unsigned char>(1), 2048, &full);
  }
  sync_block();
  if (mistake == 7) return;
  if (mistake != 11) wait_barrier(&full, 0);
  uint64_t a = matrix_at(shared, 1024, 128);
  const uint64_t b = params.kind == 2 ? matrix_at(shared + 2048, 4096, 128) : matrix_at(shared + 2048, 128, 256);
  if (mistake == 10) a |= uint64_t{1} << 62;
  float f[128] = {};
  int32_t n[128] = {};
  if (mistake != 1) fence_products();
  for (int twice = 0; twice < 2; twice++) {
    switch (params.kind) {
      case 0: multiply_f16(f, a, b); break;
      case 1: multiply_bf16(f, a, b); break;
      case 2: multiply_u8s8(n, a, b); break;
    }
    commit_products();
  }
  if (mistake != 2 && mistake != 8 && params.kind == 2) wait_products<0>(n);
  if (mistake != 2 && mistake != 8 && params.kind != 2) wait_products<0>(f);
  uint32_t* out = work.at<uint32_t>(0) + threadIdx.x * 128;
  memcpy(out, params.kind == 2 ? static_cast<const void*>(n) : static_cast<const void*>(f), sizeof f);
  if (mistake == 2) wait_products<0>(f);
}
#endif

// An entry of later GPUs.
DSNK_ENTRY_FROM(90, 32, 0, check_later, CheckParams) { work.at<int32_t>(0)[threadIdx.x] = params.value; }

// For timing: params.value steps of a product for each warp, or of a barrier.
DSNK_ENTRY(256, 0, check_speed, CheckParams) {
  const uint32_t a[4] = {threadIdx.x, 1, 2, 3}, b[2] = {4, 5};
  float f[4] = {};
  int32_t n[4] = {};
  float v = 1;
  for (int i = 0; i < params.value; i++) {
    switch (params.kind) {
      case 0: mma_f16(f, a, b); break;
      case 1: mma_s8s8(n, a, b); break;
      case 2: v = shuffle_xor(v, 1); break;
      case 3: sync_block(); break;
    }
  }
  work.at<float>(0)[threadIdx.x] = f[0] + static_cast<float>(n[0]) + v;
}

}  // namespace dsnk
