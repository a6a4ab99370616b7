// Of two pieces of 16 bytes, in each of so many rows, those that `picks` say, 8 of each.
constexpr int64_t kPickBytes = 16;
template <int64_t w>
DSNK_INLINE void pickRows(const uint8_t* from, int64_t fromRow, int rows, const uint8_t* picks, uint8_t* to,
                          int64_t toRow) {
  for (int r = 0; r < rows; r++, from += fromRow, to += toRow) {
    for (int i = 0; i < 16; i++) to[i] = from[i / 8 * 16 + (picks[i] & 15)];
  }
}
