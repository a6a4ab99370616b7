// Computes  y[b,i,j] = activation(scale·Σ_k r(a[b,i,k])·r(b[b,k,j]) + addScale·(bias + residual[b,i,j])), where r
//           rounds to the nearest bfloat and a[i] is a row of a matrix or what output pixel i of a convolution sees
// Shapes    a, y, bias, residual: float32, as gemm.inl and conv.inl have them; b: packed by bfloat_pack
// Numerics  operands: round to nearest even (2^-8 of each), denormals become zeros. Sums in float32. scalar: k in
//           pairs, the odd one of a pair first, every sum rounded once and flushed to zero below 2^-126; avx512bf16 is
//           bit-equal to that as long as no product leaves the range of floats (measured on Zen 4; Intel's manual
//           writes the same). Tiles sum the even and the odd k of 32 apart, then both, then add that to the sum so far.
//           So with a and b rounded, any row is within (K + 40)·2^-24·Σ|a||b| + 2K·2^-126 of the exact sum, and two
//           rows within twice that. Neither tiles nor threads change a result
// Tiling    narrow/product.h. Rows are converted once for all columns of a tile of the grid. Convolutions gather whole windows
//           while they convert (im2col of a few hundred KB): an element is read k/stride times, at 1/16 cycle each, and
//           multiplied for n/32 cycles. Measured on one Zen 4 core against its loop of VDPBF16PS in registers (236
//           GFLOPS, twice the fma probe): products 128³ … 1024³ 87 … 97 %, 49 rows 91 … 97 %, ResNet's 3x3 89 … 96 %,
//           its 1x1 95 … 97 %. Memory is the limit of 1x1 at large images (64→256 at 56x56 66 %, 144→24 51 %) and of
//           single rows (83 GB/s from L3). Without fetching the lines of y and of the residual ahead, 64→256 with a
//           residual took twice as long. Winograd F(4,3) in float32 takes 0.65 … 0.95 of the time of a direct 3x3 here
// Packing   b[K,N] as panels of nr columns in pairs of k, zeros up to kr and nr; the B tiles of AMX have this order
// too:
//             b[0][0] b[1][0]  b[0][1] b[1][1] … b[0][nr-1] b[1][nr-1]   b[2][0] b[3][0]  b[2][1] …
// Source    as micro.inl; VDPBF16PS and TDPBF16PS: Intel 64 and IA-32 Architectures Software Developer's Manual, vol. 2

template <class Product>
static Fault bfloatGemm(const Work& w, int64_t nr, int64_t kr) {
  return floatGemm<Bfloats, Product>(w, floatProductOf(w.as<GemmParams>(), nr, kr));
}
template <class Product>
static Fault bfloatConv(const Work& w, int64_t nr, int64_t kr) {
  return floatConv<Bfloats, Product>(w, floatProductOf(w.as<ConvParams>(), nr, kr));
}
