// The vector forms: see math.inl. min(bound, x) and max(bound, x) keep a NaN in x (vec.h: they return b then).

// Horner in fma: c0 + x·(c1 + x·(c2 …)).
DSNK_INLINE F32 horner(F32, float c) { return F32::set(c); }
template <class... C>
DSNK_INLINE F32 horner(F32 x, float c, C... rest) {
  return fma(horner(x, rest...), x, F32::set(c));
}

// |magnitude| with the sign bit of `sign`.
DSNK_INLINE F32 withSign(F32 magnitude, F32 sign) {
  const I32 top = I32::set(INT32_MIN);
  return fromBits((bitsOf(magnitude) & I32::set(INT32_MAX)) | (bitsOf(sign) & top));
}

DSNK_INLINE F32 infinity() { return F32::set(__builtin_inff()); }

// One lane at a time through libm: for what is rare or has no vector form worth its size.
template <float (*f)(float)>
DSNK_INLINE F32 eachLane(F32 x) {
  float lane[F32::lanes];
  x.store(lane);
  for (int i = 0; i < F32::lanes; i++) lane[i] = f(lane[i]);
  return F32::load(lane);
}
template <float (*f)(float, float)>
DSNK_INLINE F32 eachLane(F32 x, F32 y) {
  float a[F32::lanes], b[F32::lanes];
  x.store(a);
  y.store(b);
  for (int i = 0; i < F32::lanes; i++) a[i] = f(a[i], b[i]);
  return F32::load(a);
}

constexpr float kLog2e = 1.44269504088896340736f;
// ln 2 = high + low; high has 17 bits, so n·high is exact for |n| < 128.
constexpr float kLn2High = 0.693145751953125f, kLn2Low = 1.428606765330187e-06f;

// e^r, |r| <= ln2/2, to 3.2e-9 and the rounding of the last sum.
DSNK_INLINE F32 expOfReduced(F32 r) {
  const F32 p = horner(r, 0.49999994f, 0.16666521f, 0.041668266f, 0.0083686775f, 0.0013820734f);
  return F32::set(1.0f) + fma(r * r, p, r);
}

// e^x = 2^n · e^r. Below -104 the result rounds to 0, above 88.73 to infinity.
DSNK_INLINE F32 exp(F32 x) {
  x = min(F32::set(89.0f), max(F32::set(-104.0f), x));
  const F32 n = roundEven(x * F32::set(kLog2e));
  return scale2(expOfReduced(fma(n, F32::set(-kLn2Low), fma(n, F32::set(-kLn2High), x))), n);
}

// The same where the result is a normal number (|x| < 87): the exponent is added in the bits.
DSNK_INLINE F32 expOfNormal(F32 x) {
  const F32 n = roundEven(x * F32::set(kLog2e));
  const F32 r = fma(n, F32::set(-kLn2Low), fma(n, F32::set(-kLn2High), x));
  return fromBits(bitsOf(expOfReduced(r)) + shiftLeft<23>(roundToI32(n)));
}

// e^x - 1 = 2^n·(e^r - 1) + (2^n - 1), all halved so that 2^128 is never needed.
DSNK_INLINE F32 expm1(F32 x) {
  const F32 c = min(F32::set(89.0f), max(F32::set(-20.0f), x));
  const F32 n = roundEven(c * F32::set(kLog2e));
  const F32 r = fma(n, F32::set(-kLn2Low), fma(n, F32::set(-kLn2High), c));
  const F32 p = horner(r, 0.5f, 0.166666672f, 0.0416664816f, 0.00833320804f, 0.00139335648f, 0.000199442657f);
  const F32 q = fma(r * r, p, r);
  const F32 half = scale2(F32::set(0.5f), n);
  const F32 y = fma(half, q, half - F32::set(0.5f));
  // below 5e-8 the result is x to rounding; halving would lose a denormal
  return select(less(abs(x), F32::set(5e-8f)), x, y + y);
}

// log(2^e · (1+f)) + correction, sqrt(1/2) <= 1+f < sqrt(2). `u` must be a positive normal number.
DSNK_INLINE F32 logOfNormal(F32 u, F32 exponentBias, F32 correction) {
  const I32 offset = bitsOf(u) - I32::set(0x3f3504f3);  // bits of sqrt(1/2)
  const I32 e = shiftRight<23>(offset);
  const F32 f = fromBits(bitsOf(u) - shiftLeft<23>(e)) - F32::set(1.0f);
  const F32 n = toF32(e) + exponentBias;
  const F32 f2 = f * f;
  const F32 p = horner(f, 0.333333105f, -0.249999866f, 0.200022236f, -0.166692495f, 0.142187163f, -0.123844013f,
                       0.118726209f, -0.117893763f, 0.0691561848f);
  // small terms first: f^3·P, -f^2/2, the low part of n·ln2, then f and the high part
  F32 tail = fma(f2, F32::set(-0.5f), f2 * f * p);
  tail = fma(n, F32::set(kLn2Low), tail + correction);
  return fma(n, F32::set(kLn2High), f + tail);
}

// log outside the positive finite numbers: NaN and +infinity stay, 0 gives -infinity, negatives NaN.
DSNK_INLINE F32 logSpecial(F32 x, F32 y) {
  y = select(less(x, infinity()), y, x);
  y = select(equal(x, F32::zero()), neg(infinity()), y);
  return select(less(x, F32::zero()), F32::set(__builtin_nanf("")), y);
}

DSNK_INLINE F32 log(F32 x) {
  const Mask tiny = less(x, F32::set(1.17549435e-38f));
  const F32 u = select(tiny, x * F32::set(8388608.0f), x);
  return logSpecial(x, logOfNormal(u, select(tiny, F32::set(-23.0f), F32::zero()), F32::zero()));
}

// log(u) + (x - (u-1))/u with u = 1+x rounded: the second term is what the rounding lost.
DSNK_INLINE F32 log1p(F32 x) {
  const F32 one = F32::set(1.0f);
  const F32 u = one + x;
  const F32 lost = select(less(u, one), x - (u - one), select(less(one, x), one - (u - x), x - (u - one)));
  const F32 y = logSpecial(u, logOfNormal(u, F32::zero(), lost / u));
  return select(equal(x, F32::zero()), x, y);
}

// With t = e^(-2|x|) - 1: -t/(2+t). Exact to rounding at both ends, no branch.
DSNK_INLINE F32 tanh(F32 x) {
  const F32 t = expm1(F32::set(-2.0f) * abs(x));
  return withSign(neg(t) / (t + F32::set(2.0f)), x);
}

// The exponential of -|x| never overflows, so both tails are exact.
DSNK_INLINE F32 sigmoid(F32 x) {
  const F32 e = exp(neg(abs(x)));
  return select(less(x, F32::zero()), e, F32::set(1.0f)) / (F32::set(1.0f) + e);
}

DSNK_INLINE F32 softplus(F32 x) { return max(F32::zero(), x) + log1p(exp(neg(abs(x)))); }

// |x| < 1: x·(1 + P(x^2)). Beyond: 1 - exp(-Q(|x|)), where Q = -log(erfc), which is smooth; 1 from 3.95 on.
DSNK_INLINE F32 erf(F32 x) {
  const F32 a = abs(x), t = x * x;
  const F32 p = horner(t, 0.128379166f, -0.376126289f, 0.112836182f, -0.026855126f, 0.00519073382f, -0.000803075673f,
                       7.92034407e-05f);
  const F32 c = min(F32::set(3.95f), a);
  const F32 q = horner(c, -0.000188036749f, 1.12957835f, 0.633220136f, 0.108418219f, -0.0252079759f, 0.00420443946f,
                       -0.000441308483f, 2.16842582e-05f);
  const F32 tail = F32::set(1.0f) - expOfNormal(neg(q));
  return select(less(a, F32::set(1.0f)), fma(x, p, x), withSign(tail, x));
}

// x / (1 + e^-t) where an error of e^-t of 3 ulp is enough: fewer terms, ln 2 in one part, no case for the sign. One
// division (6 cycles a vector on Zen 4) beside 8 fma; the reciprocal's estimate with a Newton step took 2 cycles more.
DSNK_INLINE F32 timesSigmoid(F32 x, F32 t) {
  const F32 magic = F32::set(12582912.0f);  // 1.5·2^23: the sum has no bits below 1
  t = min(F32::set(89.0f), max(F32::set(-89.0f), t));
  const F32 n = fma(t, F32::set(-kLog2e), magic) - magic;
  const F32 r = fma(n, F32::set(kLn2High + kLn2Low), t);
  const F32 e = horner(r, 1.0f, -1.0f, 0.4999923f, -0.16667116f, 0.041890256f, -0.0083124675f);  // e^-r
  return x / (F32::set(1.0f) + scale2(e, n));
}
#if defined(DSNK_POWER_TABLE)
// e^-x = 2^n · 2^r with n in sixteenths from a table: two terms are left of the polynomial. Sums, limits and shifts run beside
// products on Zen 4, so what counts are four of those and the division: 10.1 cycles a vector, by timesSigmoid 12.3. With 32
// entries 10.4, with the reciprocal's estimate and a Newton step 10.9, without a table 11.0. Error 1.6e-7·max(1, |x|);
// x below -87 counts as -87, also -infinity.
DSNK_INLINE F32 silu(F32 x) {
  const F32 magic = F32::set(786432.0f);  // 1.5·2^19: the sum has no bits below 1/16
  const F32 low = max(F32::set(-87.0f), x);
  const F32 t = fromBits(min(bitsOf(low), bitsOf(F32::set(87.0f))));  // as whole numbers, NaN stays what it is or is 87
  const F32 power = t * F32::set(-kLog2e);
  const F32 sum = power + magic;
  const F32 r = power - (sum - magic);
  const F32 e = horner(r, 1.0f, 0.693187833f, 0.240233555f);
  return low / fma(powerOfSixteenths(bitsOf(sum)), e, F32::set(1.0f));
}
#else
DSNK_INLINE F32 silu(F32 x) { return timesSigmoid(x, x); }
#endif

// Φ(x) = sigmoid(x·Q(x^2)), where Q is smooth and x·Q(x^2) grows without end; good to 2.3e-8·max(1, |x|).
DSNK_INLINE F32 gelu(F32 x) {
  const F32 q = horner(x * x, 1.5957706f, 0.07266417f, -6.351499e-05f, -0.00011119729f, 8.023552e-06f, -2.71344e-07f,
                       3.6903185e-09f);
  return timesSigmoid(x, x * q);
}

// x = n·(pi/2) + r in three parts of pi/2; good while n is below 2^15. Larger arguments go to libm (they need the
// many-digit reduction, and no network computes them).
constexpr float kTrigLimit = 32768.0f;
DSNK_INLINE F32 reducePiHalf(F32 x, I32& quadrant) {
  const F32 n = roundEven(x * F32::set(0.63661977236758134308f));
  quadrant = roundToI32(n);
  F32 r = fma(n, F32::set(-0x1.921fb6p+0f), x);
  r = fma(n, F32::set(0x1.777a5cp-25f), r);
  return fma(n, F32::set(0x1.ee59dap-50f), r);
}
DSNK_INLINE F32 sinOfReduced(F32 r) {
  const F32 t = r * r;
  return fma(r * t, horner(t, -0.166666672f, 0.0083333794f, -0.000198530048f, 2.83124086e-06f), r);
}
DSNK_INLINE F32 cosOfReduced(F32 r) {
  const F32 t = r * r;
  return fma(t * t, horner(t, 0.0416666456f, -0.00138873013f, 2.44306611e-05f),
             fma(t, F32::set(-0.5f), F32::set(1.0f)));
}
// All ones where bit `bit` of i is set, as a mask.
template <int bit>
DSNK_INLINE Mask bitSet(I32 i) {
  return less(toF32(shiftLeft<31 - bit>(i)), F32::zero());
}
// sin(r + quadrant·pi/2)
DSNK_INLINE F32 sinOfQuadrant(F32 r, I32 quadrant) {
  const F32 y = select(bitSet<0>(quadrant), cosOfReduced(r), sinOfReduced(r));
  return select(bitSet<1>(quadrant), neg(y), y);
}
DSNK_INLINE bool trigFits(F32 x) { return largest(select(isNan(x), F32::zero(), abs(x))) < kTrigLimit; }
DSNK_INLINE F32 sin(F32 x) {
  if (!trigFits(x)) return eachLane<::sinf>(x);
  I32 quadrant;
  const F32 r = reducePiHalf(x, quadrant);
  return select(equal(x, F32::zero()), x, sinOfQuadrant(r, quadrant));
}
DSNK_INLINE F32 cos(F32 x) {
  if (!trigFits(x)) return eachLane<::cosf>(x);
  I32 quadrant;
  const F32 r = reducePiHalf(x, quadrant);
  return sinOfQuadrant(r, quadrant + I32::set(1));
}
DSNK_INLINE F32 tan(F32 x) {
  if (!trigFits(x)) return eachLane<::tanf>(x);
  I32 quadrant;
  const F32 r = reducePiHalf(x, quadrant);
  const F32 s = sinOfReduced(r), c = cosOfReduced(r);
  const Mask odd = bitSet<0>(quadrant);
  const F32 y = select(odd, neg(c), s) / select(odd, s, c);
  return select(equal(x, F32::zero()), x, y);
}

// |x| <= 1/2 directly; beyond, pi/2 - 2·asin(sqrt((1-|x|)/2)).
DSNK_INLINE F32 asinPolynomial(F32 x, F32 t) {
  return fma(x * t, horner(t, 0.166667536f, 0.0749525204f, 0.0454760417f, 0.0241520926f, 0.0422117971f), x);
}
constexpr float kPiHalf = 1.57079632679489661923f;
DSNK_INLINE F32 asin(F32 x) {
  const F32 a = abs(x);
  const Mask big = less(F32::set(0.5f), a);
  const F32 half = (F32::set(1.0f) - a) * F32::set(0.5f);
  const F32 t = select(big, half, a * a);
  const F32 p = asinPolynomial(select(big, sqrt(half), a), t);
  return withSign(select(big, fma(F32::set(-2.0f), p, F32::set(kPiHalf)), p), x);
}
DSNK_INLINE F32 acos(F32 x) {
  const F32 a = abs(x);
  const Mask big = less(F32::set(0.5f), a);
  const F32 half = (F32::set(1.0f) - a) * F32::set(0.5f);
  const F32 t = select(big, half, a * a);
  const F32 p = asinPolynomial(select(big, sqrt(half), x), t);
  const F32 outer = select(less(x, F32::zero()), fma(F32::set(-2.0f), p, F32::set(2.0f * kPiHalf)), p + p);
  return select(big, outer, F32::set(kPiHalf) - p);
}
DSNK_INLINE F32 atan(F32 x) {
  const F32 a = abs(x);
  const Mask big = less(F32::set(1.0f), a);
  const F32 u = select(big, F32::set(1.0f) / a, a);
  const F32 t = u * u;
  const F32 p = fma(u * t,
                    horner(t, -0.333331674f, 0.199941471f, -0.142142847f, 0.106792226f, -0.0758115426f, 0.0435600877f,
                           -0.0165850818f, 0.00297553744f),
                    u);
  return withSign(select(big, F32::set(kPiHalf) - p, p), x);
}

// With t = e^|x| - 1: (t + t/(t+1))/2. Above 88 through e^(x/2) squared, where e^x alone overflows first.
DSNK_INLINE F32 sinh(F32 x) {
  const F32 a = abs(x);
  const F32 t = expm1(a);
  const F32 y = F32::set(0.5f) * (t + t / (t + F32::set(1.0f)));
  const F32 root = exp(F32::set(0.5f) * a);
  return withSign(select(less(F32::set(88.0f), a), F32::set(0.5f) * root * root, y), x);
}
DSNK_INLINE F32 cosh(F32 x) {
  const F32 a = abs(x);
  const F32 root = exp(F32::set(0.5f) * a);
  const F32 e = exp(a);
  const F32 y = F32::set(0.5f) * e + F32::set(0.5f) / e;
  return select(less(F32::set(88.0f), a), F32::set(0.5f) * root * root, y);
}
// log1p(a + a^2/(1 + sqrt(1+a^2))); for large a, log(a) + ln 2.
DSNK_INLINE F32 asinh(F32 x) {
  const F32 a = abs(x), one = F32::set(1.0f);
  const F32 s = a * a;
  const F32 small = log1p(a + s / (one + sqrt(one + s)));
  const F32 large = log(a) + F32::set(0.693147180559945f);
  return withSign(select(less(F32::set(1e9f), a), large, small), x);
}
DSNK_INLINE F32 acosh(F32 x) {
  const F32 one = F32::set(1.0f);
  const F32 t = x - one;
  const F32 small = log1p(t + sqrt(t * (t + F32::set(2.0f))));
  const F32 large = log(x) + F32::set(0.693147180559945f);
  return select(less(x, one), F32::set(__builtin_nanf("")), select(less(F32::set(1e9f), x), large, small));
}
DSNK_INLINE F32 atanh(F32 x) {
  const F32 a = abs(x);
  return withSign(F32::set(0.5f) * log1p((a + a) / (F32::set(1.0f) - a)), x);
}
DSNK_INLINE F32 pow(F32 x, F32 y) { return eachLane<::powf>(x, y); }
DSNK_INLINE F32 fmod(F32 x, F32 y) { return eachLane<::fmodf>(x, y); }
