#undef DSNK_MATH_INL
#undef DSNK_ACTIVATION_INL
}  // namespace dsnk::avx512vnni
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#pragma GCC diagnostic pop
#endif
