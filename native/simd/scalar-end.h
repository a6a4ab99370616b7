#undef DSNK_MATH_INL
#undef DSNK_ACTIVATION_INL
#undef DSNK_SCALAR_REGION
}  // namespace dsnk::scalar
#if defined(__arm__) && defined(__clang__)
#pragma clang attribute pop
#endif
