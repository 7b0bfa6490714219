#include "apps/report/page_style.hpp"

#include <fmt/format.h>

#include "apps/report/palette.hpp"

namespace jsc {

namespace {

std::string paints(std::string_view (*of)(const Paint&)) {
  std::string text;
  for (const Paint& paint : kPaints) text += fmt::format("--{}:{};", paint.name, of(paint));
  return text;
}

constexpr const char* kLight =
    "--paper:#ffffff;--ink:#1c1f23;--soft:#545b63;--line:#dcdfe2;--faint:#f5f6f7;--link:#0b5e9c;--shade:0,"
    "114,178;";
constexpr const char* kDark =
    "--paper:#14171a;--ink:#e6e7e5;--soft:#a3aab1;--line:#333a41;--faint:#1c2024;--link:#7cc0f5;--shade:86,"
    "180,233;";

constexpr const char* kRules = R"css(
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
  "Helvetica Neue",Arial,sans-serif}
header,nav,main,footer{max-width:70rem;margin:0 auto;padding:0 1rem}
header{padding-top:2.5rem}
.kind{margin:0;color:var(--soft);font-size:.875rem}
h1{margin:0 0 .25rem;font-size:1.875rem;line-height:1.2;font-weight:600;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{margin:3rem 0 1rem;padding-top:.75rem;border-top:1px solid var(--line);font-size:1.25rem;font-weight:600}
p{max-width:44rem;margin:0 0 1rem}
a{color:var(--link)}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin-top:1rem;font-size:.875rem}
nav a{text-decoration:none}
nav a:hover{text-decoration:underline}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.figures{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;margin:1.5rem 0}
.figures div{min-width:6rem}
.figures dt{color:var(--soft);font-size:.8125rem}
.figures dd{margin:0;font-size:1.5rem;line-height:1.3;font-variant-numeric:tabular-nums}
.facts{display:grid;grid-template-columns:minmax(7rem,max-content) minmax(0,1fr);gap:.25rem 1.5rem;margin:0 0 1.5rem;
  font-size:.9375rem}
.facts dt{color:var(--soft)}
.facts dd{margin:0;overflow-wrap:anywhere}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.875em}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
.caption{max-width:none;margin:0 0 .5rem;font-size:.875rem;font-weight:600}
th,td{padding:.3125rem .625rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:baseline;
  white-space:pre-line}
th{color:var(--soft);font-weight:500;border-bottom-color:var(--soft);white-space:nowrap}
th:first-child,td:first-child{padding-left:0}
th.n,td.n{text-align:right}
td.n{white-space:nowrap}
td.shade{background:rgba(var(--shade),calc(var(--s)*.45));padding-left:.625rem}
.block{margin:0 0 1.5rem}
.more{margin:.375rem 0 0;font-size:.8125rem}
.plots{display:grid;gap:2rem 2.5rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));margin:0 0 2rem}
.plots.third{gap:1.5rem 2rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,18rem),1fr))}
.plots.whole{grid-template-columns:minmax(0,54rem)}
figure{margin:0;min-width:0;max-width:36rem}
.whole figure{max-width:none}
figcaption{margin-bottom:.25rem;font-weight:600;overflow-wrap:anywhere}
.third figcaption{font-size:.875rem}
figure svg{display:block;width:100%;height:auto;stroke-linecap:round;stroke-linejoin:round}
figure svg g{font-family:inherit}
.whole .scroll>svg{min-width:34rem}
pre{margin:0 0 1rem;font-size:.875rem}
.markers{position:absolute}
.note{margin:.25rem 0 0;color:var(--soft);font-size:.8125rem}
.under{display:flex;flex-wrap:wrap;align-items:baseline;gap:.25rem 1rem;margin-top:.25rem;font-size:.8125rem}
.under details{max-width:100%}
.under details[open]{flex:1 0 100%}
summary{color:var(--link);cursor:pointer}
details .scroll{max-height:22rem;overflow:auto;margin-top:.5rem}
.problem{padding:.5rem .75rem;border-left:3px solid var(--soft);background:var(--faint)}
footer{margin-top:3rem;margin-bottom:2rem;color:var(--soft);font-size:.8125rem}
@media (max-width:30rem){
  header{padding-top:1.5rem}
  .facts{grid-template-columns:minmax(0,1fr);gap:0}
  .facts dd{margin-bottom:.5rem}
}
@media print{
  body{font-size:10pt}
  header,nav,main,footer{max-width:none;padding:0}
  nav,.under,.more{display:none}
  .scroll{overflow:visible}
  table{font-size:7pt}
  th,td,td.n{white-space:normal;padding:.125rem .25rem}
  td:not(.n){overflow-wrap:anywhere}
  .whole .scroll>svg{min-width:0}
  figure,tr,.figures{break-inside:avoid}
  h2,figcaption,.caption{break-after:avoid}
  .plots{grid-template-columns:1fr 1fr}
  .plots.third{grid-template-columns:1fr 1fr 1fr}
  .plots.whole{grid-template-columns:1fr}
}
)css";

}  // namespace

// Paper is light whatever the screen is: the dark colors are for screens alone.
std::string page_style() {
  const std::string light = paints([](const Paint& paint) { return paint.light; });
  const std::string dark = paints([](const Paint& paint) { return paint.dark; });
  return fmt::format(
      ":root{{{}{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{}{}}}}}\n"
      "@media print{{html{{color-scheme:light}}}}{}",
      kLight, light, kDark, dark, kRules);
}

}  // namespace jsc
