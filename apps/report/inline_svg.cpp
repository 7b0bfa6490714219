#include "apps/report/inline_svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "apps/report/html.hpp"
#include "apps/report/palette.hpp"

namespace jsc {

namespace {

// Replaces each `begin` ... `end`, both included, by what `with` makes of it.
template <class With>
void replace_each(std::string& text, std::string_view begin, std::string_view end, const With& with) {
  std::string out;
  std::size_t from = 0;
  for (;;) {
    const std::size_t at = text.find(begin, from);
    const std::size_t stop = at == std::string::npos ? at : text.find(end, at + begin.size());
    if (stop == std::string::npos) break;
    out.append(text, from, at - from);
    out += with(std::string_view(text).substr(at, stop + end.size() - at));
    from = stop + end.size();
  }
  text = out.append(text, from);
}

std::string without_spaces(std::string_view text) {
  std::string out(text);
  std::erase(out, ' ');
  return out;
}

// "rgb(  0, 114, 178)", "#ffffff" and "black" to the page's property; others stay.
std::string themed(std::string_view color) {
  const std::string wanted = without_spaces(color);
  if (wanted == "black") return "var(--series-5)";
  for (const Paint& paint : kPaints) {
    const auto channel = [&](std::size_t at) {
      return std::stoi(std::string(paint.drawn.substr(at, 2)), nullptr, 16);
    };
    if (wanted == paint.drawn || wanted == fmt::format("rgb({},{},{})", channel(1), channel(3), channel(5)))
      return fmt::format("var(--{})", paint.name);
  }
  return std::string(color);
}

void apply_theme(std::string& svg) {
  for (const std::string_view attribute : {"stroke", "fill", "color"})
    for (const std::string_view equals : {"=\"", "='", " = '"}) {
      const std::string begin = fmt::format(" {}{}", attribute, equals);
      replace_each(svg, begin, equals.substr(equals.size() - 1), [&](std::string_view found) {
        const std::string_view color = found.substr(begin.size(), found.size() - begin.size() - 1);
        return fmt::format(" {}=\"{}\"", attribute, themed(color));
      });
    }
}

// Gnuplot opens and closes many groups that hold nothing.
void drop_empty_groups(std::string& svg) {
  static constexpr std::string_view kEnd = ">\n</g>\n";
  std::size_t end = 0;
  while ((end = svg.find(kEnd, end)) != std::string::npos) {
    const std::size_t begin = svg.rfind('<', end);
    if (svg.compare(begin, 3, "<g ") == 0) {
      svg.erase(begin, end + kEnd.size() - begin);
      end = begin;
    } else {
      ++end;
    }
  }
}

}  // namespace

std::string inline_svg(const std::string& svg, const std::string& label) {
  std::string out = svg.substr(std::min(svg.size(), svg.find("<svg")));
  out.erase(out.rfind("</svg>") + 6);
  const auto nothing = [](std::string_view) { return ""; };
  replace_each(out, "<defs>", "</defs>", nothing);
  replace_each(out, "<title>gnuplot_plot", "</title>", nothing);
  replace_each(out, " id=\"gnuplot_plot", "\"", [](std::string_view) { return " class=\"marks\""; });
  replace_each(out, " id=\"gnuplot_canvas", "\"", nothing);
  replace_each(out, " stroke-linecap=\"round\" stroke-linejoin=\"round", "\"", nothing);  // the page's style
  drop_empty_groups(out);
  apply_theme(out);
  const std::size_t tag = out.find("<svg");
  out.insert(tag + 4, fmt::format(" aria-label=\"{}\"", escape_html(label)));
  return out;
}

std::string marker_definitions(const std::string& svg) {
  const std::size_t begin = svg.find("<defs>"), end = svg.find("</defs>");
  if (begin == std::string::npos || end == std::string::npos) return "";
  return fmt::format("<svg width=\"0\" height=\"0\" class=\"markers\" aria-hidden=\"true\">{}</svg>\n",
                     svg.substr(begin, end + 7 - begin));
}

}  // namespace jsc
