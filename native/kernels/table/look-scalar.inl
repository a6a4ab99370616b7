// One byte after the other.
static void lookUp(const uint8_t* x, uint8_t* y, const uint8_t* table, int64_t n) {
  uint8_t own[256];  // y may lie on x, and the compiler must not reload
  std::memcpy(own, table, sizeof own);
  for (int64_t i = 0; i < n; i++) y[i] = own[x[i]];
}
