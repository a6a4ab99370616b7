#undef DSNK_MATH_INL
#undef DSNK_ACTIVATION_INL
}  // namespace dsnk::dotprod
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
