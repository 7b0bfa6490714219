#include "apps/support/standard_output.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "engine/error.hpp"

namespace jsc {

void flush_standard_output() {
  const bool failed = std::ferror(stdout) != 0;
  errno = 0;
  if (std::fflush(stdout) == 0 && !failed) return;
  fail("standard output: cannot write{}{}", errno != 0 ? ": " : "", errno != 0 ? std::strerror(errno) : "");
}

}  // namespace jsc
