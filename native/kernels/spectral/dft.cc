// Computes  y[o,f,k,i] = Σj x[o, f·step + j, i] · window[j] · e^(∓2πi·jk/n), divided by n where inverse
// Shapes    y: T [outer, frames, bins, inner, outParts]; x: T [outer, length, inner, inParts]; window: T [taken]
// Numerics  float64 throughout, rounded once to T
// Tiling    one frame a unit. Lengths that are a power of two go through a radix-2 transform, n·log n; others are
//           summed directly, n·bins, with the angle's index kept modulo n so that no error grows with j·k
// Packing   none
// Source    J. Cooley, J. Tukey, "An algorithm for the machine calculation of complex Fourier series" (decimation in
//           time)
#include <cmath>

#include "kernels/kernel.h"
#include "kernels/sizes.h"
#include "kernels/spectral/params.gen.h"

namespace dsnk {

static constexpr int64_t kMostPoints = 1 << 24;

static const char* verify(const Kernel& k, const Check& c) {
  const auto& p = c.as<DftParams>();
  const int64_t element = k.dtypes[1] == '6' ? 8 : 4;
  if (p.n < 1 || p.n > kMostPoints) return "n must be in [1, 2^24]";
  if (p.bins < 0 || p.bins > p.n) return "bins must be in [0, n]";
  if (p.taken < 0 || p.taken > p.n || p.taken > p.length)
    return "a frame must take no more than n samples, nor than there are";
  if (p.inParts < 1 || p.inParts > 2 || p.outParts < 1 || p.outParts > 2) return "parts must be 1 or 2";
  if (((p.inverse | p.mirrored) & ~1) != 0) return "inverse and mirrored must be 0 or 1";
  if (p.mirrored && (p.inParts != 2 || p.taken > p.n / 2 + 1))
    return "a mirrored spectrum must be complex, with at most n/2+1 bins";
  if (p.frames < 0 || p.step < 0) return "frames and step must not be negative";
  const Size units = Size(p.outer) * Size(p.frames) * Size(p.inner);
  if (units.bad() || (Size(p.outer) * Size(p.inner)).bad()) return "shape must have a sound size";
  if (!(units * Size(p.bins) * Size(p.outParts) * element).fits(c.operandBytes[0])) return "output must hold its shape";
  if (!(Size(p.outer) * Size(p.length) * Size(p.inner) * Size(p.inParts) * element).fits(c.operandBytes[1])) {
    return "input must hold its shape";
  }
  if (p.frames > 0 && !(Size(p.frames - 1) * Size(p.step) + Size(p.taken)).fits(static_cast<uint64_t>(p.length))) {
    return "the last frame must end inside the signal";
  }
  if (c.has(2) && !(Size(p.taken) * element).fits(c.operandBytes[2])) return "window must hold one number per sample";
  return nullptr;
}

static uint32_t tiles(const Kernel&, const void* params, uint32_t threads) {
  const auto& p = *static_cast<const DftParams*>(params);
  return p.bins == 0 ? 0 : tilesFor(p.outer * p.frames * p.inner, p.n * 64, threads);
}

// Twiddles and two signals.
static uint64_t scratchBytes(const Kernel&, const void* params) {
  return static_cast<uint64_t>(static_cast<const DftParams*>(params)->n) * 48;
}

extern const Contract dft_contract{"dft", "wro", 0, sizeof(DftParams), false, verify, tiles, scratchBytes};

struct Complex {
  double re, im;
};
static Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
static Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
static Complex operator*(Complex a, Complex b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }

// In place; `x` is in bit-reversed order already.
static void radix2(Complex* x, int64_t n, const Complex* twiddle) {
  for (int64_t half = 1; half < n; half *= 2) {
    for (int64_t begin = 0; begin < n; begin += 2 * half) {
      for (int64_t j = 0; j < half; j++) {
        const Complex odd = twiddle[j * (n / (2 * half))] * x[begin + half + j], even = x[begin + j];
        x[begin + j] = even + odd;
        x[begin + half + j] = even - odd;
      }
    }
  }
}

static void reverseBits(Complex* to, const Complex* from, int64_t n) {
  for (int64_t i = 0, r = 0; i < n; i++) {
    to[r] = from[i];
    int64_t bit = n >> 1;
    for (; bit > 0 && (r & bit); bit >>= 1) r ^= bit;
    r |= bit;
  }
}

static void directly(Complex* y, const Complex* x, int64_t n, int64_t taken, int64_t bins, const Complex* twiddle) {
  for (int64_t k = 0; k < bins; k++) {
    Complex sum{0, 0};
    for (int64_t j = 0, at = 0; j < taken; j++) {
      sum = sum + x[j] * twiddle[at];
      at += k;
      if (at >= n) at -= n;
    }
    y[k] = sum;
  }
}

template <class T>
static Fault dft(const Work& w) {
  const auto& p = w.as<DftParams>();
  const T* const window = w.at<const T>(2);
  auto* const twiddle = reinterpret_cast<Complex*>(w.scratch);
  Complex* const x = twiddle + p.n;
  Complex* const y = x + p.n;
  const double turn = (p.inverse ? 2 : -2) * 3.14159265358979323846 / static_cast<double>(p.n);
  for (int64_t j = 0; j < p.n; j++) {
    twiddle[j] = {std::cos(turn * static_cast<double>(j)), std::sin(turn * static_cast<double>(j))};
  }
  const bool power = (p.n & (p.n - 1)) == 0;
  const double scale = p.inverse ? 1.0 / static_cast<double>(p.n) : 1.0;
  const Range units = tileRange(p.outer * p.frames * p.inner, w.tile, w.tiles);
  for (int64_t u = units.begin; u < units.end; u++) {
    const int64_t i = u % p.inner, f = u / p.inner % p.frames, o = u / (p.inner * p.frames);
    const T* const from = w.at<const T>(1) + ((o * p.length + f * p.step) * p.inner + i) * p.inParts;
    for (int64_t j = 0; j < p.n; j++) {
      x[j] = {0, 0};
      if (j >= p.taken) continue;
      const T* const v = from + j * p.inner * p.inParts;
      const double scaled = window ? static_cast<double>(window[j]) : 1.0;
      x[j] = {scaled * static_cast<double>(v[0]), p.inParts == 2 ? scaled * static_cast<double>(v[1]) : 0.0};
    }
    int64_t taken = p.taken;
    if (p.mirrored) {
      for (int64_t j = 1; j < p.taken && p.n - j >= p.taken; j++) x[p.n - j] = {x[j].re, -x[j].im};
      taken = p.n;
    }
    if (power) {
      reverseBits(y, x, p.n);
      radix2(y, p.n, twiddle);
    } else {
      directly(y, x, p.n, taken, p.bins, twiddle);
    }
    T* const to = w.at<T>(0) + ((o * p.frames + f) * p.bins * p.inner + i) * p.outParts;
    for (int64_t k = 0; k < p.bins; k++) {
      T* const v = to + k * p.inner * p.outParts;
      v[0] = static_cast<T>(y[k].re * scale);
      if (p.outParts == 2) v[1] = static_cast<T>(y[k].im * scale);
    }
  }
  return Fault::none;
}

Fault dft_f32_scalar(const Work& w) { return dft<float>(w); }
Fault dft_f64_scalar(const Work& w) { return dft<double>(w); }

}  // namespace dsnk
