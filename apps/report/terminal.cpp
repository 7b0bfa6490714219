#include "apps/report/terminal.hpp"

#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cwchar>

namespace jsc {

namespace {

// Puts the calling thread into a UTF-8 locale: the C library's character widths need one, and the program's
// own locale is none of a library's business.
class Utf8Locale {
 public:
  Utf8Locale() : previous_(uselocale(utf8())) {}
  ~Utf8Locale() { uselocale(previous_); }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  static locale_t utf8() {
    static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale;  // null on a system without it: the locale stays, every byte counts one column
  }
  locale_t previous_;
};

struct Character {
  std::size_t bytes;
  int columns;
};

Character first_character(std::string_view text) {
  wchar_t c = 0;
  std::mbstate_t state{};
  const std::size_t bytes = std::mbrtowc(&c, text.data(), text.size(), &state);
  if (bytes == 0 || bytes > text.size()) return {1, 1};  // NUL, or not UTF-8
  const int columns = wcwidth(c);
  return {bytes, columns < 0 ? 1 : columns};
}

}  // namespace

int display_width(std::string_view text) {
  const Utf8Locale utf8;
  int columns = 0;
  while (!text.empty()) {
    const Character c = first_character(text);
    columns += c.columns;
    text.remove_prefix(c.bytes);
  }
  return columns;
}

std::size_t prefix_within(std::string_view text, int columns) {
  const Utf8Locale utf8;
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const Character c = first_character(text.substr(bytes));
    columns -= c.columns;
    if (columns < 0) break;
    bytes += c.bytes;
  }
  return bytes;
}

int terminal_width(int fd) {
  winsize size{};
  if (isatty(fd) == 0) return 0;
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

bool can_redraw(int fd) {
  const char* term = std::getenv("TERM");
  return isatty(fd) != 0 && term != nullptr && std::string_view(term) != "dumb";
}

}  // namespace jsc
