// cuda/gpu.cuh for the host's compiler: the emulated GPU of cuda/emulator/. Every thread of a block is a fiber; a collective
// is a meeting of the 32 lanes, at which the last to come does the work of all.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "cuda/emulator/meeting.h"
#include "simd/half.h"

#define __device__
#define __forceinline__ inline
#define __shared__ \
  static  // .bss of the .cu file's own library, poisoned before each block; blocks run one after another
#define threadIdx (::dsnk::emulated::place.thread)
#define blockIdx (::dsnk::emulated::place.block)
#define blockDim (::dsnk::emulated::place.blockDim_)
#define gridDim (::dsnk::emulated::place.gridDim_)

#define DSNK_ENTRY(threads, blocks, name, Params) DSNK_ENTRY_FROM(0, threads, blocks, name, Params)
#define DSNK_ENTRY_FROM(least, threads, blocks, name, Params)                                                      \
  static_assert(sizeof(::dsnk::GpuWork) + sizeof(Params) <= 4096, "parameters of a launch");                       \
  static void name(const ::dsnk::GpuWork& work, const Params& params);                                             \
  static const ::dsnk::emulated::Registration name##_registration(                                                 \
      {#name, least, threads, sizeof(Params),                                                                      \
       [](const ::dsnk::GpuWork& work, const void* params) { name(work, *static_cast<const Params*>(params)); }}); \
  static void name([[maybe_unused]] const ::dsnk::GpuWork& work, [[maybe_unused]] const Params& params)

namespace dsnk {

inline unsigned char* shared_memory() { return emulated::place.shared; }

inline float float_of_bits(uint32_t bits) { return floatOfBits(bits); }
inline uint32_t bits_of_float(float f) { return bitsOfFloat(f); }

// ---- threads ----

inline void sync_block(emulated::At at = emulated::At::here()) { emulated::sync_block(at); }
inline void sync_warp(emulated::At at = emulated::At::here()) { emulated::meet(emulated::no_work, nullptr, at); }
inline void fence_device() {}

namespace emulated {
template <class T>
T shuffled(T v, int from, At at) {
  static_assert(sizeof(T) == 4);
  Shuffle s;
  std::memcpy(&s.value, &v, 4);
  s.from = from & 31;
  meet(shuffle_lanes, &s, at);
  std::memcpy(&v, &s.got, 4);
  return v;
}
inline int own_lane() { return static_cast<int>(place.thread.x & 31); }
}  // namespace emulated

template <class T>
T shuffle(T v, int from, emulated::At at = emulated::At::here()) {
  return emulated::shuffled(v, from, at);
}
template <class T>
T shuffle_xor(T v, int mask, emulated::At at = emulated::At::here()) {
  return emulated::shuffled(v, emulated::own_lane() ^ mask, at);
}
template <class T>
T shuffle_down(T v, int by, emulated::At at = emulated::At::here()) {
  const int lane = emulated::own_lane();
  return emulated::shuffled(v, lane + by > 31 ? lane : lane + by, at);
}
inline uint32_t ballot(bool yes, emulated::At at = emulated::At::here()) {
  emulated::Ballot b{yes, 0};
  emulated::meet(emulated::ballot_lanes, &b, at);
  return b.got;
}

namespace emulated {
template <class T>
T exchanged(T* p, T v) {
  const T before = *p;
  *p = v;
  return before;
}
}  // namespace emulated

template <class T>
T atomic_add(T* p, T v) {
  if constexpr (sizeof(T) == 4 && !std::is_floating_point_v<T>) {  // wraps
    return emulated::exchanged(p, static_cast<T>(static_cast<uint32_t>(*p) + static_cast<uint32_t>(v)));
  } else {
    return emulated::exchanged(p, static_cast<T>(*p + v));
  }
}
template <class T>
T atomic_max(T* p, T v) {
  return emulated::exchanged(p, *p < v ? v : *p);
}

inline float exp2_near(float x) {
  const float y = std::exp2(x);
  return y < 0x1p-126f ? 0.0f : y;
}

// ---- 16-bit floats ----

template <class T>
T from_float(float f);
template <>
inline float from_float<float>(float f) {
  return f;
}
template <>
inline half from_float<half>(float f) {
  return {floatToHalf(f)};
}
template <>
inline bfloat from_float<bfloat>(float f) {
  return {floatToBfloat(f)};
}
inline float to_float(half x) { return halfToFloat(x.bits); }
inline uint32_t pack_halves(float low, float high) {
  return floatToHalf(low) | static_cast<uint32_t>(floatToHalf(high)) << 16;
}
inline float2v unpack_halves(uint32_t pair) {
  return {halfToFloat(static_cast<uint16_t>(pair)), halfToFloat(static_cast<uint16_t>(pair >> 16))};
}
inline uint32_t pack_bfloats(float low, float high) {
  return floatToBfloat(low) | static_cast<uint32_t>(floatToBfloat(high)) << 16;
}

// ---- memory ----

namespace emulated {
template <class T>
T load(const void* p) {
  aligned(p, sizeof(T));
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
void store(void* p, const T& v) {
  aligned(p, sizeof(T));
  std::memcpy(p, &v, sizeof v);
}
}  // namespace emulated

inline u32x4 load16(const void* p) { return emulated::load<u32x4>(p); }
inline u32x2 load8(const void* p) { return emulated::load<u32x2>(p); }
inline u32x4 load16_streaming(const void* p) { return emulated::load<u32x4>(p); }
inline void store16(void* p, u32x4 x) { emulated::store(p, x); }
inline void store8(void* p, u32x2 x) { emulated::store(p, x); }

inline void prefetch_l2(const void*) {}

inline void copy_async16(void* shared, const void* global, bool take = true) {
  emulated::copy_async(shared, global, 16, take);
}
inline void copy_async4(void* shared, const void* global, bool take = true) {
  emulated::copy_async(shared, global, 4, take);
}
inline void commit_copies() { emulated::commit_copies(); }
template <int N>
void wait_copies() {
  emulated::wait_copies(N);
}

inline void load_matrices4(uint32_t (&r)[4], const void* row, emulated::At at = emulated::At::here()) {
  emulated::Rows rows{r, row};
  emulated::meet(emulated::load_lanes4, &rows, at);
}
inline void load_matrices4_transposed(uint32_t (&r)[4], const void* row, emulated::At at = emulated::At::here()) {
  emulated::Rows rows{r, row};
  emulated::meet(emulated::load_lanes4_transposed, &rows, at);
}
inline void load_matrices2(uint32_t (&r)[2], const void* row, emulated::At at = emulated::At::here()) {
  emulated::Rows rows{r, row};
  emulated::meet(emulated::load_lanes2, &rows, at);
}
inline void load_matrices2_transposed(uint32_t (&r)[2], const void* row, emulated::At at = emulated::At::here()) {
  emulated::Rows rows{r, row};
  emulated::meet(emulated::load_lanes2_transposed, &rows, at);
}

// ---- products ----

namespace emulated {
template <class A, class B>
int32_t dot4(int32_t sum, uint32_t a, uint32_t b) {
  uint32_t d = static_cast<uint32_t>(sum);
  for (int i = 0; i < 32; i += 8) d += static_cast<uint32_t>(static_cast<A>(a >> i) * static_cast<B>(b >> i));
  return static_cast<int32_t>(d);
}
}  // namespace emulated

inline int32_t dot4_u8s8(int32_t sum, uint32_t a, uint32_t b) { return emulated::dot4<uint8_t, int8_t>(sum, a, b); }
inline int32_t dot4_s8s8(int32_t sum, uint32_t a, uint32_t b) { return emulated::dot4<int8_t, int8_t>(sum, a, b); }

inline uint32_t to_tf32(float f) {
  const uint32_t bits = bitsOfFloat(f);
  if ((bits & 0x7f800000) == 0x7f800000) return bits;
  return (bits + 0x1000) & 0xffffe000;
}

#define DSNK_EMULATED_PRODUCT(name, D, dWords, aWords, bWords)                              \
  inline void name(D(&d)[dWords], const uint32_t (&a)[aWords], const uint32_t (&b)[bWords], \
                   emulated::At at = emulated::At::here()) {                                \
    emulated::Product product{d, a, b, 0, 0};                                               \
    emulated::meet(emulated::name##_lanes, &product, at);                                   \
  }
DSNK_EMULATED_PRODUCT(mma_f16, float, 4, 4, 2)
DSNK_EMULATED_PRODUCT(mma_bf16, float, 4, 4, 2)
DSNK_EMULATED_PRODUCT(mma_tf32, float, 4, 4, 2)
DSNK_EMULATED_PRODUCT(mma_u8s8, int32_t, 4, 4, 2)
DSNK_EMULATED_PRODUCT(mma_s8s8, int32_t, 4, 4, 2)

inline void mma_f16_k8(float (&d)[4], const uint32_t (&a)[2], uint32_t b, emulated::At at = emulated::At::here()) {
  emulated::Product product{d, a, &b, 0, 0};
  emulated::meet(emulated::mma_f16_k8_lanes, &product, at);
}
#define DSNK_EMULATED_PRODUCT_K16(name)                                                               \
  inline void name(int32_t (&d)[2], uint32_t a, uint32_t b, emulated::At at = emulated::At::here()) { \
    emulated::Product product{d, &a, &b, 0, 0};                                                       \
    emulated::meet(emulated::name##_lanes, &product, at);                                             \
  }
DSNK_EMULATED_PRODUCT_K16(mma_u8s8_k16)
DSNK_EMULATED_PRODUCT_K16(mma_s8s8_k16)

// Which lane gives which part of the metadata stands, with its sources, in kernels/sparse/fragments.h.
#define DSNK_EMULATED_SPARSE(name, D)                                                    \
  template <int kSelector = 0>                                                           \
  void name(D(&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[4], uint32_t metadata, \
            emulated::At at = emulated::At::here()) {                                    \
    emulated::Product product{d, a, b, metadata, kSelector};                             \
    emulated::meet(emulated::name##_lanes, &product, at);                                \
  }
DSNK_EMULATED_SPARSE(mma_sparse_f16, float)
DSNK_EMULATED_SPARSE(mma_sparse_bf16, float)
DSNK_EMULATED_SPARSE(mma_sparse_s8, int32_t)
DSNK_EMULATED_SPARSE(mma_sparse_s8u8, int32_t)

}  // namespace dsnk
