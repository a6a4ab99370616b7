#undef DSNK_MATH_INL
#undef DSNK_ACTIVATION_INL
}  // namespace dsnk::i8mm
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
