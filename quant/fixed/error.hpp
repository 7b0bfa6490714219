// What quant/fixed throws: the caller's format, text or operands are wrong. It is not jsc::Error because this
// folder includes nothing but the standard library; programs treat the two alike (one line, exit code 2).
#pragma once

#include <stdexcept>

namespace jsc::fixed {

class Error : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

}  // namespace jsc::fixed
