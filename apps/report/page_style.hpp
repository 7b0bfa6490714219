// The style sheet of pages (apps/report/html.hpp).
#pragma once

#include <string>

namespace jsc {

std::string page_style();

}  // namespace jsc
