// Gnuplot's SVG made part of a page: without header and identifiers, its colors the page's own custom
// properties (apps/report/palette.hpp), so that it follows light and dark; and with words for screen readers.
#pragma once

#include <string>

namespace jsc {

// An <svg> element. Its markers refer to marker_definitions(), which the page holds once. `label` is what it
// is called aloud; <desc> stays. Lines and points of each series lie in a <g class="marks">.
std::string inline_svg(const std::string& svg, const std::string& label);

// The markers' shapes, out of any of gnuplot's plots, as an <svg> element without size.
std::string marker_definitions(const std::string& svg);

}  // namespace jsc
