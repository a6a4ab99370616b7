#undef DSNK_MATH_INL
#undef DSNK_ACTIVATION_INL
}  // namespace dsnk::neon
#undef DSNK_ROW_LOOP
