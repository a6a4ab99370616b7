// Computes  grid_sample, see grid_sample.cc
// Shapes    as there
// Numerics  as there, bit-equal
// Tiling    a thread finds the neighbours of a position once, in local memory, and takes it through a chunk of the channels;
//           as many chunks as fill the GPU. Writes lie side by side, reads where the grid points
// Packing   none
// Source    none
#include "cuda/elements.cuh"
#include "kernels/vision/sampling.h"

namespace dsnk {

// number[0]: chunks of channels.
DSNK_ENTRY(256, 2, grid_sample_f32, GridSampleParams) {
  const int64_t chunks = work.number[0], each = ceil_div(params.channels, chunks);
  const int64_t image = params.dims[0] * params.dims[1] * params.dims[2];
  const int32_t taps = neighboursOf(params);
  for (int64_t i = firstIndex(); i < params.batches * chunks * params.positions; i += indexStep()) {
    const Quotient position = divide(i, params.positions), chunk = divide(position.whole, chunks);
    Neighbour neighbour[kMostNeighbours];
    findNeighbours(params, work.at<const float>(2) + (chunk.whole * params.positions + position.rest) * params.rank,
                   neighbour);
    const int64_t first = chunk.rest * each, end = min(first + each, params.channels);
    for (int64_t c = first; c < end; c++) {
      const int64_t plane = chunk.whole * params.channels + c;
      const float* const x = work.at<const float>(1) + plane * image;
      float sum = 0.0f;
      for (int32_t t = 0; t < taps; t++)
        if (neighbour[t].at >= 0) sum += neighbour[t].weight * x[neighbour[t].at];
      work.at<float>(0)[plane * params.positions + position.rest] = sum;
    }
  }
}

}  // namespace dsnk
