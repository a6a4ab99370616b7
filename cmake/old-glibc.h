// Included before everything else in the prebuilt addons: names the versions of mathematical functions that glibc had before
// 2.29 gave these a new one. Their results are the same; the old ones set errno in more cases.
#pragma once
#if defined(__x86_64__)
#define DSNK_FIRST_GLIBC "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define DSNK_FIRST_GLIBC "GLIBC_2.17"
#elif defined(__arm__)
#define DSNK_FIRST_GLIBC "GLIBC_2.4"
#endif
__asm__(".symver exp, exp@" DSNK_FIRST_GLIBC);
__asm__(".symver log, log@" DSNK_FIRST_GLIBC);
__asm__(".symver pow, pow@" DSNK_FIRST_GLIBC);
__asm__(".symver exp2, exp2@" DSNK_FIRST_GLIBC);
__asm__(".symver log2, log2@" DSNK_FIRST_GLIBC);
#undef DSNK_FIRST_GLIBC
