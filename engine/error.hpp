// How the libraries say that something is wrong: Error for the caller's data, JSC_ASSERT for our own
// reasoning. A library never prints, exits or aborts in a release build; the programs turn an Error into one
// line and exit code 2.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace jsc {

// The caller's data is wrong. The text is one line that names what, where, expected and found.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace jsc

// Our reasoning is wrong. Checked in debug and sanitizer builds (JSC_DEBUG_CHECKS), free in release.
#ifdef JSC_DEBUG_CHECKS
#define JSC_ASSERT(condition)                                                                            \
  ((condition) ? static_cast<void>(0)                                                                    \
               : (std::fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition), \
                  std::abort()))
#else
#define JSC_ASSERT(condition) static_cast<void>(0)
#endif
