#undef DSNK_MATH_INL
#undef DSNK_ACTIVATION_INL
#undef DSNK_POWER_TABLE
}  // namespace dsnk::avx512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#pragma GCC diagnostic pop
#endif
