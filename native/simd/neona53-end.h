#undef DSNK_MATH_INL
#undef DSNK_ACTIVATION_INL
}  // namespace dsnk::neona53
#undef DSNK_ROW_LOOP
#undef DSNK_IN_ORDER
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
