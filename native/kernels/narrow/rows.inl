// Where the rows of a come from: each source writes rows [first, first + count) of its matrix as narrow numbers, zeros
// from k to kPadded, rows `stride` numbers apart.

// The rows of a matrix.
template <class E>
struct MatrixRows {
  // Numbers that are narrow already need no copy.
  static constexpr bool mayStay = E::sameStored;
  const typename E::Source* from;
  int64_t stride, k, kPadded;
  void fill(int64_t first, int64_t count, typename E::Stored* to, int64_t toStride) const {
    const typename E::Source* row = from + first * stride;
    for (int64_t i = 0; i < count; i++, row += stride, to += toStride) {
      E::convert(row, k, to);
      for (int64_t j = k; j < kPadded; j++) to[j] = 0;
    }
  }
};

// The columns of a matrix of floats, in squares that are transposed on the stack.
template <class E>
struct MatrixColumns {
  static constexpr bool mayStay = false;
  const float* a;
  int64_t lda, k, kPadded;
  void fill(int64_t first, int64_t count, typename E::Stored* to, int64_t stride) const {
    constexpr int64_t side = 32;
    uint32_t square[side * side];
    for (int64_t r = 0; r < count; r += side) {
      const int64_t rows = count - r < side ? count - r : side;
      for (int64_t k0 = 0; k0 < k; k0 += side) {
        const int64_t kn = k - k0 < side ? k - k0 : side;
        transposeWords(reinterpret_cast<const uint32_t*>(a + k0 * lda + first + r), lda, kn, rows, square, side);
        for (int64_t i = 0; i < rows; i++) {
          E::convert(reinterpret_cast<const float*>(square + i * side), kn, to + (r + i) * stride + k0);
        }
      }
      for (int64_t i = r; i < r + rows; i++) {
        for (int64_t j = k; j < kPadded; j++) to[i * stride + j] = 0;
      }
    }
  }
};

// The windows of a convolution: row i is what output pixel i sees, taps slow, the channels of one group fast.
template <class E, class Params>
struct Windows {
  static constexpr bool mayStay = false;
  const Params& p;
  const typename E::Source* x;  // at the group's first channel
  int64_t kPadded;
  int padding;  // what stands around the image, in bytes; floats have zeros

  void pad(typename E::Stored* to, int64_t length) const {
    if constexpr (sizeof(*to) == 1) {
      std::memset(to, padding, static_cast<size_t>(length));
    } else {
      const auto x = static_cast<typename E::Stored>(sizeof(*this->x) == 1 ? padding : 0);
      for (int64_t c = 0; c < length; c++) to[c] = x;
    }
  }

  // One row of taps along w: all of them lie side by side where the window is inside and takes every channel.
  void fillTaps(const typename E::Source* line, int64_t w0, typename E::Stored* to) const {
    const int64_t channels = p.channels, length = channels / p.group, taps = p.kernel[2], step = p.dilations[2];
    if (w0 >= 0 && w0 + (taps - 1) * step < p.inSize[2]) {
      const typename E::Source* from = line + w0 * channels;
      if (taps == 1 || (step == 1 && p.group == 1)) {
        E::convert(from, taps * length, to);
      } else {
        for (int64_t t = 0; t < taps; t++) E::convert(from + t * step * channels, length, to + t * length);
      }
      return;
    }
    for (int64_t t = 0; t < taps; t++, to += length) {
      const int64_t w = w0 + t * step;
      if (w >= 0 && w < p.inSize[2]) {
        E::convert(line + w * channels, length, to);
      } else {
        pad(to, length);
      }
    }
  }

  void fillWindow(int64_t image, int64_t d0, int64_t h0, int64_t w0, typename E::Stored* to) const {
    const int64_t length = int64_t{p.kernel[2]} * (p.channels / p.group);
    for (int64_t i = 0; i < p.kernel[0]; i++) {
      const int64_t d = d0 + i * p.dilations[0];
      for (int64_t j = 0; j < p.kernel[1]; j++, to += length) {
        const int64_t h = h0 + j * p.dilations[1];
        if (d >= 0 && d < p.inSize[0] && h >= 0 && h < p.inSize[1]) {
          fillTaps(x + ((image * p.inSize[0] + d) * p.inSize[1] + h) * p.inSize[2] * p.channels, w0, to);
        } else {
          pad(to, length);
        }
      }
    }
  }

  void fill(int64_t first, int64_t count, typename E::Stored* to, int64_t stride) const {
    const int64_t k = int64_t{p.kernel[0]} * p.kernel[1] * p.kernel[2] * (p.channels / p.group);
    const int64_t sizeD = p.outSize[0], sizeH = p.outSize[1], sizeW = p.outSize[2];
    int64_t w = first % sizeW, h = first / sizeW % sizeH, d = first / sizeW / sizeH % sizeD;
    int64_t image = first / sizeW / sizeH / sizeD;
    for (int64_t i = 0; i < count; i++, to += stride) {
      if (k > 0) {
        fillWindow(image, d * p.strides[0] - p.pads[0], h * p.strides[1] - p.pads[1], w * p.strides[2] - p.pads[2], to);
      }
      for (int64_t j = k; j < kPadded; j++) to[j] = 0;
      if (++w < sizeW) continue;
      w = 0;
      if (++h < sizeH) continue;
      h = 0;
      if (++d < sizeD) continue;
      d = 0;
      image++;
    }
  }
};
