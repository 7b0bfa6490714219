// The colors of every plot, once: as gnuplot draws them into SVG files, and what they become in pages, light
// and dark. Series are Okabe and Ito's palette, which color-blind readers tell apart, darkest first; in pages
// each has at least 3:1 against its background (WCAG 1.4.11), text and axes 4.5:1.
#pragma once

#include <array>
#include <string_view>

namespace jsc {

struct Paint {
  std::string_view name;   // of the custom property in pages: --series-1
  std::string_view drawn;  // by gnuplot
  std::string_view light, dark;
};

inline constexpr int kSeriesPaints = 8;
inline constexpr std::array<Paint, 14> kPaints = {{{"series-1", "#0072b2", "#0072b2", "#56b4e9"},
                                                   {"series-2", "#d55e00", "#c85400", "#ff8f4d"},
                                                   {"series-3", "#009e73", "#008a64", "#2fc79a"},
                                                   {"series-4", "#8c3a78", "#8c3a78", "#d78fc4"},
                                                   {"series-5", "#000000", "#1c1f23", "#ededea"},
                                                   {"series-6", "#e69f00", "#a87400", "#f0c04a"},
                                                   {"series-7", "#56b4e9", "#3a86b5", "#a9d8f5"},
                                                   {"series-8", "#7f7f7f", "#757575", "#9a9a9a"},
                                                   {"plot-text", "#333333", "#3d434a", "#c3c8cd"},
                                                   {"plot-axis", "#555555", "#6b7178", "#8d949b"},
                                                   {"plot-grid", "#e4e4e4", "#e6e8ea", "#2c3137"},
                                                   {"plot-box", "#9cc9e8", "#a8cfea", "#2b5d80"},
                                                   {"plot-band", "#d2d2d2", "#d5d8db", "#454b52"},
                                                   {"plot-paper", "#ffffff", "none", "none"}}};

}  // namespace jsc
