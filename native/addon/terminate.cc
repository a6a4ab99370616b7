// What ends the process when an exception leaves a thread or a noexcept function. libstdc++'s own handler prints the name of the
// exception's type in the words of the source, and brings 45 kB that can read such names; the linker leaves both out for this.
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace __gnu_cxx {
void __verbose_terminate_handler();
void __verbose_terminate_handler() {
  try {
    if (std::current_exception()) throw;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "ds-native-kernels: an exception was not caught: %s\n", e.what());
  } catch (...) {
    std::fputs("ds-native-kernels: an exception was not caught\n", stderr);
  }
  std::abort();
}
}  // namespace __gnu_cxx
