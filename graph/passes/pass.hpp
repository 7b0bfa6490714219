// A pass is a free function over the graph, in a file of its own under MASE's name. Analyses add metadata and
// yield results; they never change weights, running statistics or mode. Transforms change the graph and say
// what they changed. Passes print and write nothing: they return values, which the program shows and saves.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/execution.hpp"
#include "graph/graph.hpp"
#include "graph/input_generator.hpp"
#include "graph/metadata.hpp"

namespace jsc {

struct PassArguments {
  MetaValue options = MetaValue::object();  // the [passes.NAME] table; run_pass has checked the keys and
                                            // filled the defaults in
  const InputGenerator* input = nullptr;    // for passes that run the network
  Execution execution;
  std::function<void(std::int64_t done, std::int64_t total)> progress;  // may be empty; rows
  std::function<std::string(const std::string& path)> read_file;        // for passes that load; throws Error
};

// Rows of text under titles, for the program to show as a table and to save as CSV, Markdown and JSON.
struct ReportTable {
  std::string name;  // also the file's: "statistics"
  std::vector<std::string> titles;
  std::vector<bool> numeric;  // which columns hold numbers
  std::vector<std::vector<std::string>> rows;
};

// Five numbers and the zeros of one tensor's values, for box plots in powers of two.
struct TensorBox {
  std::string name;  // "seq_blocks_2 weight"
  std::int64_t count = 0;
  double min = 0, q1 = 0, median = 0, q3 = 0, max = 0;  // of |value| over the values that are not zero
  double zero_share = 0;
  std::vector<std::int64_t>
      octaves;  // octaves[i]: values with 2^(first_octave + i) <= |value| < 2^(first_octave + i + 1)
  int first_octave = 0;
};

struct PassResult {
  MetaValue info = MetaValue::object();  // MASE's second return value
  std::string text;                      // what the pass reports, ready to print
  std::string text_ending = "txt";       // of a file that keeps the text; only "txt" is for the terminal, too
  std::vector<ReportTable> tables;
  std::vector<TensorBox> boxes;
  std::string dot;                   // Graphviz source, of draw_graph
  std::vector<std::string> changed;  // names of changed nodes, of a transform
};

enum class PassKind { analysis, transform };

struct PassOption {
  std::string_view key;  // "*": any further key, which the pass checks itself
  std::string_view
      kind;  // "string", "integer", "number", "boolean", "list", "table", for messages and `jsc-train passes`
  std::string_view default_value;  // as JSON; empty: the option is required
  std::string_view about;
};

struct Pass {
  std::string_view name;
  PassKind kind;
  std::string_view about;
  std::vector<PassOption> options;
  PassResult (*run)(Graph& graph, const PassArguments& arguments);
};

// All passes, in the order of `jsc-train passes`: graph's own; quant adds its own list (the program joins
// them).
std::span<const Pass> graph_passes();

// Checks options against the pass's list (unknown, missing or wrongly typed keys are Errors with the nearest
// name) and fills in defaults. A null where null is no value of the option is the same as no key.
MetaValue complete_options(const Pass& pass, const MetaValue& options);

// Completes `arguments.options`, runs, and verifies the graph after a transform.
PassResult run_pass(const Pass& pass, Graph& graph, PassArguments arguments);

}  // namespace jsc
