#include "apps/pages/sections.hpp"
#include "apps/report/format.hpp"

namespace jsc {

namespace {

std::string share(const MetaValue& entry, const char* key) {
  const auto part = entry.at(key).get<double>(), all = entry.at("numbers").get<double>();
  return part == 0 ? "0" : fmt::format("{:.3g}", 100.0 * part / all);
}

std::string text_of(const MetaValue& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string interval(const MetaValue& range) {
  return fmt::format("{}..{}", text_of(range.at(0)), text_of(range.at(1)));
}

void add_ledger(Page& page, const MetaValue& ledger) {
  Table table({"value", "format", "rounded", "ties", "negative", "saturated", "wrapped", "observed",
               "possible", "bits", "unused", "overflow"},
              {Align::left, Align::left, Align::right, Align::right, Align::right, Align::right, Align::right,
               Align::right, Align::right, Align::right, Align::right, Align::left});
  for (const MetaValue& entry : ledger) {
    const std::string format = entry.at("format").get<std::string>();
    const auto excess = entry.at("excess_bits").get<int>();
    const bool sum = entry.at("operation") == "dense" || entry.at("operation") == "scale_shift";
    table.add_row(
        {text_of(entry.at("value")), format.empty() ? text_of(entry.at("operation")) : format,
         share(entry, "rounded"), share(entry, "ties"), share(entry, "negative"), share(entry, "saturated"),
         share(entry, "wrapped"), interval(entry.at("observed")), interval(entry.at("proven")),
         text_of(entry.at("width")), text_of(entry.at("headroom_bits")),
         !sum         ? ""
         : excess > 0 ? fmt::format("not excluded, by up to {} {}", excess, excess == 1 ? "bit" : "bits")
                      : "never"});
  }
  page.table(
      table,
      {.caption = "Ledger: what casts did to the numbers, in % of the numbers, value by value",
       .note =
           "Rounded: between two numbers of the format; ties: half way. Negative: below zero, which an "
           "unsigned "
           "format "
           "makes 0 (a ReLU's work). Saturated, wrapped: overflows of the format. Observed and possible are "
           "raw "
           "integers, "
           "the latter by interval analysis over all inputs. Bits: of the widest register or of the format; "
           "unused: of it, by "
           "what was observed. Overflow of a sum: never, whatever the input, or not excluded by this "
           "analysis.",
       .file = "ledger"});
}

}  // namespace

void add_verification_section(Page& page, const MetaValue& c) {
  page.section("Verification");
  const MetaValue& data = c.at("data");
  const auto accuracy = [&](const char* network) -> std::string {
    if (c.at(network).is_null()) return "none: the rows had no labels";
    return fmt::format("{:.4f} (loss {:.4f})", c.at(network).at("accuracy").get<double>(),
                       c.at(network).at("loss").get<double>());
  };
  const auto mismatches = c.at("mismatches").get<std::int64_t>();
  const auto rows = data.at("rows").get<std::int64_t>(), changed = c.at("class_changed").get<std::int64_t>();
  std::string executors;
  for (const MetaValue& executor : c.at("executors"))
    executors += (executors.empty() ? "" : ", ") + text_of(executor);
  std::vector<Fact> facts = {
      {"Result", mismatches == 0 ? "verified: the integers compute what the network in training computes"
                                 : fmt::format("NOT verified: {} mismatches", format_count(mismatches))},
      {"Rows", fmt::format("{} ({} of {})", format_count(rows), text_of(data.at("which")),
                           text_of(data.at("source")))},
      {"Values compared",
       fmt::format("{}, with each executor", format_count(c.at("values_compared").get<std::int64_t>()))},
      {"Executors", executors},
      {"Float accuracy", accuracy("float")},
      {"Quantized accuracy", accuracy("quantized")},
      {"Class changed",
       fmt::format("{} rows ({:.2f} %)", format_count(changed),
                   rows == 0 ? 0.0 : 100.0 * static_cast<double>(changed) / static_cast<double>(rows))},
      {"Program hash", text_of(c.at("program_hash")), true}};
  if (const MetaValue& first = c.at("first_divergence"); !first.is_null()) {
    facts.push_back(
        {"First divergence",
         fmt::format("row {}, {}[{}], {} executor: expected {}, found {} (bit {})", text_of(first.at("row")),
                     text_of(first.at("value")), text_of(first.at("feature")), text_of(first.at("executor")),
                     text_of(first.at("expected")), text_of(first.at("found")), text_of(first.at("bit")))});
    for (const MetaValue& line : first.at("operands")) facts.push_back({"", text_of(line), true});
  }
  page.facts(facts);
  add_ledger(page, c.at("ledger"));
}

}  // namespace jsc
