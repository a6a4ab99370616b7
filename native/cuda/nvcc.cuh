// cuda/gpu.cuh for nvcc: intrinsics and inline PTX. What an architecture lacks is made of what it has (Turing's matrix
// instructions are half as deep); where nothing will do it traps: plans choose rows by capability, so that is never reached.
// Entries whose rows begin later have no body before that (DSNK_ENTRY_FROM): the package has no room for code that never runs.
#pragma once

#define DSNK_ENTRY(threads, blocks, name, Params)                                            \
  static_assert(sizeof(::dsnk::GpuWork) + sizeof(Params) <= 4096, "parameters of a launch"); \
  extern "C" __global__ void __launch_bounds__(threads, blocks)                              \
      name(const __grid_constant__ ::dsnk::GpuWork work, const __grid_constant__ Params params)

// The body is a template: it is made where it is called.
#define DSNK_ENTRY_FROM(least, threads, blocks, name, Params)                                     \
  template <int arch>                                                                             \
  __device__ __forceinline__ void name##_body(const ::dsnk::GpuWork& work, const Params& params); \
  DSNK_ENTRY(threads, blocks, name, Params) {                                                     \
    if constexpr (::dsnk::compiled_for(least))                                                    \
      name##_body<DSNK_ARCH>(work, params);                                                       \
    else                                                                                          \
      ::dsnk::unavailable();                                                                      \
  }                                                                                               \
  template <int arch>                                                                             \
  __device__ __forceinline__ void name##_body([[maybe_unused]] const ::dsnk::GpuWork& work,       \
                                              [[maybe_unused]] const Params& params)

namespace dsnk {

#if defined(__CUDA_ARCH__)
#define DSNK_ARCH __CUDA_ARCH__
#else
#define DSNK_ARCH 0
#endif

// Whether this code is for GPUs that run rows of capability `least`.
__device__ constexpr bool compiled_for(int least) { return DSNK_ARCH >= least * 10; }

// Dynamic shared memory, Launch::sharedBytes of it.
__device__ __forceinline__ unsigned char* shared_memory() {
  extern __shared__ __align__(1024) unsigned char dsnk_shared_memory[];
  return dsnk_shared_memory;
}

__device__ __forceinline__ uint32_t shared_address(const void* p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}
__device__ __forceinline__ void unavailable() { asm volatile("trap;"); }

__device__ __forceinline__ float float_of_bits(uint32_t bits) { return __uint_as_float(bits); }
__device__ __forceinline__ uint32_t bits_of_float(float f) { return __float_as_uint(f); }

// ---- threads ----

__device__ __forceinline__ void sync_block() { __syncthreads(); }
__device__ __forceinline__ void sync_warp() { __syncwarp(); }
__device__ __forceinline__ void fence_device() { __threadfence(); }

__device__ __forceinline__ int32_t shuffle(int32_t v, int from) { return __shfl_sync(~0u, v, from); }
__device__ __forceinline__ uint32_t shuffle(uint32_t v, int from) { return __shfl_sync(~0u, v, from); }
__device__ __forceinline__ float shuffle(float v, int from) { return __shfl_sync(~0u, v, from); }
__device__ __forceinline__ int32_t shuffle_xor(int32_t v, int mask) { return __shfl_xor_sync(~0u, v, mask); }
__device__ __forceinline__ uint32_t shuffle_xor(uint32_t v, int mask) { return __shfl_xor_sync(~0u, v, mask); }
__device__ __forceinline__ float shuffle_xor(float v, int mask) { return __shfl_xor_sync(~0u, v, mask); }
__device__ __forceinline__ int32_t shuffle_down(int32_t v, int by) { return __shfl_down_sync(~0u, v, by); }
__device__ __forceinline__ uint32_t shuffle_down(uint32_t v, int by) { return __shfl_down_sync(~0u, v, by); }
__device__ __forceinline__ float shuffle_down(float v, int by) { return __shfl_down_sync(~0u, v, by); }
__device__ __forceinline__ uint32_t ballot(bool yes) { return __ballot_sync(~0u, yes); }

// All return what was there before.
__device__ __forceinline__ int32_t atomic_add(int32_t* p, int32_t v) { return atomicAdd(p, v); }
__device__ __forceinline__ uint32_t atomic_add(uint32_t* p, uint32_t v) { return atomicAdd(p, v); }
__device__ __forceinline__ float atomic_add(float* p, float v) { return atomicAdd(p, v); }
__device__ __forceinline__ int32_t atomic_max(int32_t* p, int32_t v) { return atomicMax(p, v); }
__device__ __forceinline__ uint32_t atomic_max(uint32_t* p, uint32_t v) { return atomicMax(p, v); }

// 2^x within 2^-22 of itself; what would be denormal is zero. One instruction, where exp2f is four.
__device__ __forceinline__ float exp2_near(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// ---- 16-bit floats ----

template <class T>
__device__ __forceinline__ T from_float(float f);
template <>
__device__ __forceinline__ float from_float<float>(float f) {
  return f;
}
template <>
__device__ __forceinline__ half from_float<half>(float f) {
  half h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h.bits) : "f"(f));
  return h;
}
__device__ __forceinline__ float to_float(half x) {
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(x.bits));
  return f;
}

__device__ __forceinline__ uint32_t pack_halves(float low, float high) {
#if DSNK_ARCH >= 800
  uint32_t pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
#else
  return from_float<half>(low).bits | static_cast<uint32_t>(from_float<half>(high).bits) << 16;
#endif
}
__device__ __forceinline__ float2v unpack_halves(uint32_t pair) {
  return {to_float(half{static_cast<uint16_t>(pair)}), to_float(half{static_cast<uint16_t>(pair >> 16)})};
}

__device__ __forceinline__ uint32_t rounded_to_bfloat(float f) {
  const uint32_t bits = bits_of_float(f);
  if ((bits & 0x7fffffff) > 0x7f800000) return bits >> 16 | 0x40;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}
__device__ __forceinline__ uint32_t pack_bfloats(float low, float high) {
#if DSNK_ARCH >= 800
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
#else
  return rounded_to_bfloat(low) | rounded_to_bfloat(high) << 16;
#endif
}
template <>
__device__ __forceinline__ bfloat from_float<bfloat>(float f) {
#if DSNK_ARCH >= 800
  return {static_cast<uint16_t>(pack_bfloats(f, 0.0f))};
#else
  return {static_cast<uint16_t>(rounded_to_bfloat(f))};
#endif
}

// ---- memory ----

__device__ __forceinline__ u32x4 load16(const void* p) {
  const uint4 r = *static_cast<const uint4*>(p);
  return {{r.x, r.y, r.z, r.w}};
}
__device__ __forceinline__ u32x2 load8(const void* p) {
  const uint2 r = *static_cast<const uint2*>(p);
  return {{r.x, r.y}};
}
// For device memory that is read once and that nothing writes during the launch.
__device__ __forceinline__ u32x4 load16_streaming(const void* p) {
  u32x4 r;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(r.v[0]), "=r"(r.v[1]), "=r"(r.v[2]), "=r"(r.v[3])
               : "l"(__cvta_generic_to_global(p)));
  return r;
}
__device__ __forceinline__ void store16(void* p, u32x4 x) {
  *static_cast<uint4*>(p) = make_uint4(x.v[0], x.v[1], x.v[2], x.v[3]);
}
__device__ __forceinline__ void store8(void* p, u32x2 x) { *static_cast<uint2*>(p) = make_uint2(x.v[0], x.v[1]); }

// Asks for the 128 bytes around an address in L2. Nothing is waited for.
__device__ __forceinline__ void prefetch_l2(const void* p) {
  asm volatile("prefetch.global.L2 [%0];" ::"l"(__cvta_generic_to_global(p)));
}

// Copies to shared memory that run on: what they bring is there after wait_copies, and for other threads after a barrier as
// well. Zeros are written where `take` is false; nothing is read then.
__device__ __forceinline__ void copy_async16(void* shared, const void* global, bool take = true) {
#if DSNK_ARCH >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)),
               "l"(__cvta_generic_to_global(global)), "r"(take ? 16 : 0)
               : "memory");
#else
  store16(shared, take ? load16(global) : u32x4{{0, 0, 0, 0}});
#endif
}
__device__ __forceinline__ void copy_async4(void* shared, const void* global, bool take = true) {
#if DSNK_ARCH >= 800
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(shared)),
               "l"(__cvta_generic_to_global(global)), "r"(take ? 4 : 0)
               : "memory");
#else
  *static_cast<uint32_t*>(shared) = take ? *static_cast<const uint32_t*>(global) : 0;
#endif
}
__device__ __forceinline__ void commit_copies() {
#if DSNK_ARCH >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
// All but the newest N groups that this thread has committed are there.
template <int N>
__device__ __forceinline__ void wait_copies() {
#if DSNK_ARCH >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
#endif
}

// Lane l gives the address of row l % 8 of matrix l / 8: 8x8 elements of 16 bits, rows of 16 bytes.
__device__ __forceinline__ void load_matrices4(uint32_t (&r)[4], const void* row) {
#if DSNK_ARCH >= 750
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row)));
#else
  unavailable();
#endif
}
__device__ __forceinline__ void load_matrices4_transposed(uint32_t (&r)[4], const void* row) {
#if DSNK_ARCH >= 750
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row)));
#else
  unavailable();
#endif
}
// Of lanes 0 to 15; the other addresses are not used.
__device__ __forceinline__ void load_matrices2(uint32_t (&r)[2], const void* row) {
#if DSNK_ARCH >= 750
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(shared_address(row)));
#else
  unavailable();
#endif
}
__device__ __forceinline__ void load_matrices2_transposed(uint32_t (&r)[2], const void* row) {
#if DSNK_ARCH >= 750
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(shared_address(row)));
#else
  unavailable();
#endif
}

// ---- products: d += A B, A in rows, B in columns, fragments as in the PTX manual ----

__device__ __forceinline__ int32_t dot4_u8s8(int32_t sum, uint32_t a, uint32_t b) {
  int32_t d;
  asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(sum));
  return d;
}
__device__ __forceinline__ int32_t dot4_s8s8(int32_t sum, uint32_t a, uint32_t b) {
  int32_t d;
  asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(sum));
  return d;
}

#define DSNK_MMA_F32_K16(d, a, b, words)                                                                    \
  asm volatile("mma.sync.aligned." words " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                             \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))
#define DSNK_MMA_S32_K32(d, a, b, words)                                                                    \
  asm volatile("mma.sync.aligned." words " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
               : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])                                             \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))
#define DSNK_MMA_S32_K16(d0, d1, a, b, words) \
  asm volatile("mma.sync.aligned." words " {%0, %1}, {%2}, {%3}, {%0, %1};" : "+r"(d0), "+r"(d1) : "r"(a), "r"(b))

// m16n8k8
__device__ __forceinline__ void mma_f16_k8(float (&d)[4], const uint32_t (&a)[2], uint32_t b) {
#if DSNK_ARCH >= 750
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(b));
#else
  unavailable();
#endif
}
// m16n8k16
__device__ __forceinline__ void mma_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if DSNK_ARCH >= 800
  DSNK_MMA_F32_K16(d, a, b, "m16n8k16.row.col.f32.f16.f16.f32");
#else
  const uint32_t first[2] = {a[0], a[1]}, second[2] = {a[2], a[3]};
  mma_f16_k8(d, first, b[0]);
  mma_f16_k8(d, second, b[1]);
#endif
}
// m16n8k16
__device__ __forceinline__ void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if DSNK_ARCH >= 800
  DSNK_MMA_F32_K16(d, a, b, "m16n8k16.row.col.f32.bf16.bf16.f32");
#else
  unavailable();
#endif
}
// m16n8k8
__device__ __forceinline__ void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if DSNK_ARCH >= 800
  DSNK_MMA_F32_K16(d, a, b, "m16n8k8.row.col.f32.tf32.tf32.f32");
#else
  unavailable();
#endif
}
// To the nearest number with 10 bits after the point, ties away from zero.
__device__ __forceinline__ uint32_t to_tf32(float f) {
  uint32_t bits = 0;
#if DSNK_ARCH >= 800
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(f));
#else
  unavailable();
#endif
  return bits;
}

// m8n8k16
__device__ __forceinline__ void mma_u8s8_k16(int32_t (&d)[2], uint32_t a, uint32_t b) {
#if DSNK_ARCH >= 750
  DSNK_MMA_S32_K16(d[0], d[1], a, b, "m8n8k16.row.col.s32.u8.s8.s32");
#else
  unavailable();
#endif
}
__device__ __forceinline__ void mma_s8s8_k16(int32_t (&d)[2], uint32_t a, uint32_t b) {
#if DSNK_ARCH >= 750
  DSNK_MMA_S32_K16(d[0], d[1], a, b, "m8n8k16.row.col.s32.s8.s8.s32");
#else
  unavailable();
#endif
}
// m16n8k32
__device__ __forceinline__ void mma_u8s8(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if DSNK_ARCH >= 800
  DSNK_MMA_S32_K32(d, a, b, "m16n8k32.row.col.s32.u8.s8.s32");
#elif DSNK_ARCH >= 750
  DSNK_MMA_S32_K16(d[0], d[1], a[0], b[0], "m8n8k16.row.col.s32.u8.s8.s32");
  DSNK_MMA_S32_K16(d[2], d[3], a[1], b[0], "m8n8k16.row.col.s32.u8.s8.s32");
  DSNK_MMA_S32_K16(d[0], d[1], a[2], b[1], "m8n8k16.row.col.s32.u8.s8.s32");
  DSNK_MMA_S32_K16(d[2], d[3], a[3], b[1], "m8n8k16.row.col.s32.u8.s8.s32");
#else
  unavailable();
#endif
}
__device__ __forceinline__ void mma_s8s8(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if DSNK_ARCH >= 800
  DSNK_MMA_S32_K32(d, a, b, "m16n8k32.row.col.s32.s8.s8.s32");
#elif DSNK_ARCH >= 750
  DSNK_MMA_S32_K16(d[0], d[1], a[0], b[0], "m8n8k16.row.col.s32.s8.s8.s32");
  DSNK_MMA_S32_K16(d[2], d[3], a[1], b[0], "m8n8k16.row.col.s32.s8.s8.s32");
  DSNK_MMA_S32_K16(d[0], d[1], a[2], b[1], "m8n8k16.row.col.s32.s8.s8.s32");
  DSNK_MMA_S32_K16(d[2], d[3], a[3], b[1], "m8n8k16.row.col.s32.s8.s8.s32");
#else
  unavailable();
#endif
}

// A has two of each four elements; `metadata` says which, with indices that rise. Which lane gives which part of it stands in
// kernels/sparse/fragments.h.
#if __CUDACC_VER_MAJOR__ > 12 || (__CUDACC_VER_MAJOR__ == 12 && __CUDACC_VER_MINOR__ >= 5)
#define DSNK_MMA_SPARSE "mma.sp::ordered_metadata.sync.aligned."
#else
#define DSNK_MMA_SPARSE "mma.sp.sync.aligned."
#endif
#define DSNK_MMA_SPARSE_K(kind, d, a, b, metadata, selector, words)                                      \
  asm volatile(DSNK_MMA_SPARSE words                                                                     \
               " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9, %10, %11}, {%0, %1, %2, %3}, %12, %13;"    \
               : "+" kind(d[0]), "+" kind(d[1]), "+" kind(d[2]), "+" kind(d[3])                          \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(b[2]), "r"(b[3]), \
                 "r"(metadata), "n"(selector))

// m16n8k32: lanes 0 and 1 of each four give the metadata; 2 and 3 where the selector is 1
template <int kSelector = 0>
__device__ __forceinline__ void mma_sparse_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[4],
                                               uint32_t metadata) {
#if DSNK_ARCH >= 800
  DSNK_MMA_SPARSE_K("f", d, a, b, metadata, kSelector, "m16n8k32.row.col.f32.f16.f16.f32");
#else
  unavailable();
#endif
}
template <int kSelector = 0>
__device__ __forceinline__ void mma_sparse_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[4],
                                                uint32_t metadata) {
#if DSNK_ARCH >= 800
  DSNK_MMA_SPARSE_K("f", d, a, b, metadata, kSelector, "m16n8k32.row.col.f32.bf16.bf16.f32");
#else
  unavailable();
#endif
}
// m16n8k64: every lane gives metadata
__device__ __forceinline__ void mma_sparse_s8(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[4],
                                              uint32_t metadata) {
#if DSNK_ARCH >= 800
  DSNK_MMA_SPARSE_K("r", d, a, b, metadata, 0, "m16n8k64.row.col.s32.s8.s8.s32");
#else
  unavailable();
#endif
}
__device__ __forceinline__ void mma_sparse_s8u8(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[4],
                                                uint32_t metadata) {
#if DSNK_ARCH >= 800
  DSNK_MMA_SPARSE_K("r", d, a, b, metadata, 0, "m16n8k64.row.col.s32.s8.u8.s32");
#else
  unavailable();
#endif
}

}  // namespace dsnk
