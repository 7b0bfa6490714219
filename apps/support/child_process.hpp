// Another program, run to its end: text in, text out. No shell, so no argument needs quoting.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace jsc {

struct ChildOutput {
  std::string out;
  std::string problem;     // one line, begins with the program's name; empty when it ended with status 0
  bool not_found = false;  // there is no such program
};

// `command` is the program, searched in PATH, and its arguments; `input` its standard input.
ChildOutput run_child(const std::vector<std::string>& command, std::string_view input);

}  // namespace jsc
