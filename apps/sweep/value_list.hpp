// What a swept option is given: a list, a range, or both.
//
//   64,128,256        these values
//   1e-5:1e-1:log5    5 values from the first to the last, each the same multiple of the one before
//   0:0.4:lin5        5 values from the first to the last, equally far apart
//   10:50:10          10, 20, 30, 40, 50: from the first in steps, not beyond the last
//   0:4               integers only: in steps of 1
//
// The values of lin and log are rounded to 6 significant digits, those of integer options to integers, the
// ends excepted: so they are the same on every machine and can be read.
#pragma once

#include <string>
#include <vector>

#include "apps/settings/settings.hpp"

namespace jsc {

// The values in order, as text; options of text take lists only. `where` begins the messages. Throws Error
// for an empty list or value, and for a range that is malformed, reversed, without values, longer than
// 10,000, or overlaps another.
std::vector<std::string> parse_values(const std::string& text, Settings::Kind kind, char separator,
                                      const std::string& where);

}  // namespace jsc
