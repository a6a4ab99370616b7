// Rows of a depthwise convolution, for whoever has them in memory: the convolution itself, and bands that are fused with what
// stands around it. The code is in depthwise.inl and compiled once an ISA, by depthwise_<isa>.cc: 200 kB with AVX-512.
#include "kernels/epilogue/clamp.inl"

// Everything of one unit that its blocks share: one output row, or two neighbouring ones.
struct DepthwiseRow {
  const float* x;  // image n, column 0, channel 0 of the unit
  const float* w;
  const float* bias;
  const float* residual;  // output row, as y
  float* y;
  int64_t inRow, inPixel, outPixel, outRow, residualPixel, residualRow, tapRow, tapPixel;  // strides in elements
  int64_t firstH;                                                                          // input row of tap 0
  Range tapsH;                  // rows that are seen and lie inside, counted from there
  int64_t restartTap, restart;  // from that row on, rows lie `restart` elements before: x is a ring of rows
  int64_t channels;
  Clamp clamp;
  int32_t activation;
  float alpha, beta;
};

constexpr int64_t kNoRestart = INT64_MAX;

using RowFunction = void (*)(const DepthwiseRow&, int64_t, int64_t, int64_t);

// Functions for one row and for two neighbouring ones; nullptr where no code is that special.
struct RowFunctions {
  RowFunction one, two;
};

RowFunctions rowsFor(const DepthwiseParams& p);

// One row of output for the channels of u, or two where the functions, which are rowsFor(p), have one for that.
void runDepthwiseRows(const DepthwiseParams& p, const RowFunctions& special, const DepthwiseRow& u, int64_t rows);
