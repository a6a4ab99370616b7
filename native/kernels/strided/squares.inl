// A whole block: registers where they fill up, plain loops on the two ragged edges.
template <class T, int kSide, void (*kSquare)(const T*, int64_t, T*, int64_t)>
static void transposeSquares(const T* x, int64_t xs, T* y, int64_t ys, int64_t rows, int64_t columns) {
  const int64_t wholeRows = rows / kSide * kSide, wholeColumns = columns / kSide * kSide;
  for (int64_t i = 0; i < wholeRows; i += kSide)
    for (int64_t j = 0; j < wholeColumns; j += kSide) kSquare(x + i + j * xs, xs, y + i * ys + j, ys);
  for (int64_t i = 0; i < wholeRows; i++)
    for (int64_t j = wholeColumns; j < columns; j++) y[i * ys + j] = x[i + j * xs];
  for (int64_t i = wholeRows; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) y[i * ys + j] = x[i + j * xs];
}
