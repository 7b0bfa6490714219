#include "apps/report/html.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "apps/report/inline_svg.hpp"
#include "apps/report/page_style.hpp"
#include "engine/error.hpp"

namespace jsc {

namespace {

// A CSV as the address of a link: the page needs no file beside it.
std::string data_uri(std::string_view csv) {
  std::string uri = "data:text/csv;charset=utf-8,";
  for (const char c : csv) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        byte > ' ' && byte < 0x7f && std::string_view("\"#%&'<>\\^`{|}").find(c) == std::string_view::npos;
    if (plain)
      uri += c;
    else
      uri += fmt::format("%{:02X}", byte);
  }
  return uri;
}

std::string download_link(const Table& table, const std::string& file) {
  if (file.empty()) return "";
  return fmt::format("<a download=\"{}.csv\" href=\"{}\">CSV</a>", escape_html(file), data_uri(table.csv()));
}

std::string cell(const std::string& text, const std::string& link) {
  if (link.empty()) return escape_html(text);
  return fmt::format("<a href=\"{}\">{}</a>", escape_html(link), escape_html(text));
}

// A column is a column of numbers where it is aligned right.
std::string html_table(const Table& table, const TableLook& look) {
  std::string out = "<table>";
  out += "<thead><tr>";
  const auto kind = [&](std::size_t column) { return table.align()[column] == Align::right; };
  for (std::size_t c = 0; c < table.titles().size(); ++c)
    out += fmt::format("<th scope=\"col\"{}>{}</th>", kind(c) ? " class=\"n\"" : "",
                       escape_html(table.titles()[c]));
  out += "</tr></thead><tbody>\n";
  for (std::size_t r = 0; r < table.rows().size(); ++r) {
    out += "<tr>";
    for (std::size_t c = 0; c < table.titles().size(); ++c) {
      const double shade = r < look.shade.size() && c < look.shade[r].size() ? look.shade[r][c] : 0;
      const std::string link = c == 0 && r < look.links.size() ? look.links[r] : "";
      if (shade > 0)
        out += fmt::format("<td class=\"{}shade\" style=\"--s:{:.3f}\">", kind(c) ? "n " : "",
                           std::min(shade, 1.0));
      else
        out += kind(c) ? "<td class=\"n\">" : "<td>";
      out += cell(table.rows()[r][c], link) + "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table>";
}

// What is wider than the page scrolls by itself, also by keyboard.
std::string scrolling(const std::string& table, const std::string& name) {
  return fmt::format("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">{}</div>",
                     escape_html(name), table);
}

std::string list_of(const std::vector<Fact>& facts, const char* kind, bool boxes) {
  std::string out = fmt::format("<dl class=\"{}\">\n", kind);
  for (const Fact& fact : facts) {
    const std::string value = escape_html(fact.value);
    out += fmt::format("{}<dt>{}</dt><dd>{}</dd>{}\n", boxes ? "<div>" : "", escape_html(fact.name),
                       fact.code ? "<code>" + value + "</code>" : value, boxes ? "</div>" : "");
  }
  return out + "</dl>\n";
}

const char* name_of(PlotSize size) {
  return size == PlotSize::whole ? "whole" : size == PlotSize::half ? "half" : "third";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Page::Page(std::string kind, std::string title) : kind_(std::move(kind)), title_(std::move(title)) {}

void Page::section(std::string_view heading) {
  sections_.emplace_back(heading);
  blocks_.emplace_back(
      fmt::format("<h2 id=\"section-{}\">{}</h2>\n", sections_.size(), escape_html(heading)));
}

void Page::text(std::string_view paragraph) {
  blocks_.emplace_back(fmt::format("<p>{}</p>\n", escape_html(paragraph)));
}

void Page::code(std::string_view text) {
  blocks_.emplace_back(scrolling(fmt::format("<pre><code>{}</code></pre>", escape_html(text)), "code") +
                       "\n");
}

void Page::figures(const std::vector<Fact>& figures) {
  blocks_.emplace_back(list_of(figures, "figures", true));
}

void Page::facts(const std::vector<Fact>& facts) {
  blocks_.emplace_back(list_of(facts, "facts", false));
}

void Page::table(const Table& table, const TableLook& look) {
  std::string block = "<div class=\"block\">";
  if (!look.caption.empty()) block += fmt::format("<p class=\"caption\">{}</p>", escape_html(look.caption));
  block += scrolling(html_table(table, look), look.caption.empty() ? "table" : look.caption);
  if (!look.note.empty()) block += fmt::format("<p class=\"note\">{}</p>", escape_html(look.note));
  if (!look.file.empty()) block += fmt::format("<p class=\"more\">{}</p>", download_link(table, look.file));
  blocks_.emplace_back(block + "</div>\n");
}

void Page::plot(PlotScript script, const Table& numbers, const PlotLook& look) {
  blocks_.emplace_back(PlotBlock{std::move(script),
                                 scrolling(html_table(numbers, {}), look.caption + ": numbers"),
                                 download_link(numbers, look.file), look});
}

std::string Page::html(std::vector<std::string>& problems) const {
  std::vector<PlotScript> scripts;
  for (const auto& block : blocks_)
    if (const auto* plot = std::get_if<PlotBlock>(&block)) scripts.push_back(plot->script);
  const std::vector<RenderedPlot> rendered = run_gnuplot(scripts);

  std::string navigation, main, markers, open;
  for (std::size_t s = 0; s < sections_.size(); ++s)
    navigation += fmt::format("<a href=\"#section-{}\">{}</a>\n", s + 1, escape_html(sections_[s]));
  std::size_t next = 0;
  for (const auto& block : blocks_) {
    const auto* plot = std::get_if<PlotBlock>(&block);
    const std::string wanted = plot == nullptr ? "" : name_of(plot->look.size);
    if (wanted != open && !open.empty()) main += "</div>\n";
    if (wanted != open && !wanted.empty()) main += fmt::format("<div class=\"plots {}\">\n", wanted);
    open = wanted;
    if (plot == nullptr) {
      main += std::get<std::string>(block);
      continue;
    }
    const RenderedPlot& picture = rendered[next++];
    const bool drawn = picture.problem.empty();
    if (drawn && markers.empty()) markers = marker_definitions(picture.svg);
    if (!drawn && std::ranges::find(problems, picture.problem) == problems.end())
      problems.push_back(picture.problem);
    main += fmt::format("<figure>\n<figcaption>{}</figcaption>\n", escape_html(plot->look.caption));
    main += drawn && plot->look.size == PlotSize::whole
                ? scrolling(inline_svg(picture.svg, plot->look.caption), plot->look.caption)
            : drawn ? inline_svg(picture.svg, plot->look.caption)
                    : fmt::format("<p class=\"problem\">No plot: {}</p>", escape_html(picture.problem));
    if (!plot->look.note.empty())
      main += fmt::format("<p class=\"note\">{}</p>\n", escape_html(plot->look.note));
    main += fmt::format(
        "<div class=\"under\"><details{}><summary>Numbers</summary>{}</details>{}</div>\n</figure>\n",
        drawn ? "" : " open", plot->numbers, plot->download);
  }
  if (!open.empty()) main += "</div>\n";

  // The policy forbids what a page without network access has no use for, scripts included.
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "img-src "
      "data:\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>{0}: {1}</title>\n<style>{2}</style>\n</head>\n<body>\n{3}"
      "<header>\n<p class=\"kind\">{0}</p>\n<h1>{1}</h1>\n</header>\n{4}<main>\n{5}</main>\n{6}"
      "</body>\n</html>\n",
      escape_html(kind_), escape_html(title_), page_style(), markers,
      navigation.empty() ? "" : "<nav aria-label=\"sections\">\n" + navigation + "</nav>\n", main,
      footer_.empty() ? "" : fmt::format("<footer>{}</footer>\n", escape_html(footer_)));
}

}  // namespace jsc
