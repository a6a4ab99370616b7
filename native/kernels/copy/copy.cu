// Computes  y[i] = x[i] for every byte
// Shapes    y: bytes; x: bytes, contiguous both
// Numerics  bit-equal
// Tiling    16 bytes a thread, neighbours in neighbouring threads; what does not lie so goes by 4 or 1
// Packing   none
// Source    none
#include "cuda/elements.cuh"
#include "kernels/copy/params.gen.h"

namespace dsnk {

DSNK_ENTRY(256, 0, copy_bytes, CopyParams) {
  std::byte* y = work.at<std::byte>(0);
  const std::byte* x = work.at<std::byte>(1);
  int64_t done = 0;
  if (isAligned(x, 16) && isAligned(y, 16)) {
    done = params.bytes / 16 * 16;
    for (int64_t i = firstIndex() * 16; i < done; i += indexStep() * 16) store16(y + i, load16(x + i));
  } else if (isAligned(x, 4) && isAligned(y, 4)) {
    done = params.bytes / 4 * 4;
    for (int64_t i = firstIndex(); i < done / 4; i += indexStep())
      reinterpret_cast<uint32_t*>(y)[i] = reinterpret_cast<const uint32_t*>(x)[i];
  }
  for (int64_t i = done + firstIndex(); i < params.bytes; i += indexStep()) y[i] = x[i];
}

}  // namespace dsnk
