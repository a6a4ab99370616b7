// Of two pieces of 16 bytes those that `picks` say, 8 of each.
constexpr int64_t kPickBytes = 16;
template <int64_t w>
DSNK_INLINE void pickBytes(const uint8_t* from, const uint8_t* picks, uint8_t* to) {
  for (int i = 0; i < 16; i++) to[i] = from[i / 8 * 16 + (picks[i] & 15)];
}
