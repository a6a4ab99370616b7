# Toolchain of the prebuilt addons: clang and lld with the sysroot of an old distribution, so that the result loads on every
# distribution since. Needs DSNK_TARGET (x64, arm64, arm) and DSNK_SYSROOT; scripts/prebuild.mjs gives them.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES DSNK_TARGET DSNK_SYSROOT DSNK_LLVM)
set(CMAKE_SYSTEM_NAME Linux)

if(DSNK_TARGET STREQUAL "x64")
  set(CMAKE_SYSTEM_PROCESSOR x86_64)
  set(triple x86_64-linux-gnu)
elseif(DSNK_TARGET STREQUAL "arm64")
  set(CMAKE_SYSTEM_PROCESSOR aarch64)
  set(triple aarch64-linux-gnu)
elseif(DSNK_TARGET STREQUAL "arm")
  set(CMAKE_SYSTEM_PROCESSOR armv7)
  set(triple arm-linux-gnueabihf)
  # Every board with a Cortex-A7 or newer: Raspberry Pi 2 and later.
  set(machine "-march=armv7-a -mfpu=neon-vfpv4 -mfloat-abi=hard")
else()
  message(FATAL_ERROR "DSNK_TARGET must be x64, arm64 or arm, '${DSNK_TARGET}' came")
endif()

set(DSNK_EMULATED_TILES OFF CACHE BOOL "" FORCE)

# Functions that come out the same for several element types are kept once (--icf): nothing compares their addresses.
# No path of the machine that builds shows in the result: the same source gives the same bytes.
set(CMAKE_CXX_FLAGS_INIT "${machine} -ffunction-sections -include ${CMAKE_CURRENT_LIST_DIR}/old-glibc.h -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -ffile-prefix-map=${CMAKE_BINARY_DIR}=build")
set(CMAKE_SYSROOT ${DSNK_SYSROOT})
set(CMAKE_CXX_COMPILER clang++-${DSNK_LLVM})
set(CMAKE_CXX_COMPILER_TARGET ${triple})
set(CMAKE_AR llvm-ar-${DSNK_LLVM})
set(CMAKE_RANLIB llvm-ranlib-${DSNK_LLVM})
set(linker "-fuse-ld=lld-${DSNK_LLVM} -Wl,--build-id=sha1 -Wl,--gc-sections -Wl,--icf=all")
set(CMAKE_EXE_LINKER_FLAGS_INIT "${linker}")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "${linker}")
# Programs come from this machine, everything that is compiled or linked from the sysroot. The headers of Node-API are
# plain C without a platform: their folders are named outright.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
