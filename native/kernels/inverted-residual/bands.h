// How an inverted residual is cut: a tile is a range of output rows, a tile is walked in bands of rows, and what is
// alive of the hidden tensors lies in scratch: a ring of expanded rows and the depthwise results of one band.
#pragma once
#include "kernels/inverted-residual/params.gen.h"
#include "kernels/sizes.h"

namespace dsnk {

// Scratch that verify lets pass. The compiler asks for half of L2; this only keeps a damaged program from asking for
// the machine.
constexpr int64_t kBandScratch = int64_t{1} << 26;

struct Bands {
  bool expand;
  int64_t ringRows;  // expanded rows alive at once
  int64_t ringRow;   // floats of one
  int64_t bandRow;   // floats of one depthwise row
  explicit Bands(const InvertedResidualParams& p)
      : expand(p.expand != 0),
        ringRows(int64_t{p.bandRows - 1} * p.strides[0] + p.kernel[0]),
        ringRow(int64_t{p.inSize[1]} * p.hidden),
        bandRow(int64_t{p.outSize[1]} * p.hidden) {
    if (ringRows > p.inSize[0]) ringRows = p.inSize[0];
  }
  // Floats of the ring, up to the next line of the cache: the band's results follow.
  int64_t ringFloats() const { return expand ? roundUp(ringRows * ringRow, 16) : 0; }
};

}  // namespace dsnk
