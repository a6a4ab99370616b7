}  // namespace dsnk::scalar
