#include "apps/transform/pass_output.hpp"

#include <filesystem>

#include "apps/report/gnuplot.hpp"
#include "apps/report/table.hpp"
#include "apps/support/atomic_file.hpp"
#include "apps/support/child_process.hpp"
#include "apps/transform/range_plots.hpp"

namespace jsc {

namespace fs = std::filesystem;

namespace {

Table table_of(const ReportTable& report) {
  std::vector<Align> align;
  for (const bool numeric : report.numeric) align.push_back(numeric ? Align::right : Align::left);
  Table table(report.titles, align);
  for (const auto& row : report.rows) table.add_row(row);
  return table;
}

template <class Show>
std::string text_with_tables(const PassRun& run, const Show& show) {
  std::string text = run.result.text_ending == "txt" ? run.result.text : "";
  for (const ReportTable& table : run.result.tables) text += show(table_of(table));
  if (!run.result.changed.empty()) {
    text += "changed:";
    for (const std::string& node : run.result.changed) text += " " + node;
    text += '\n';
  }
  return text;
}

MetaValue to_json(const TensorBox& box) {
  return {{"tensor", box.name},    {"values", box.count}, {"zeros", box.zero_share},
          {"min", box.min},        {"q1", box.q1},        {"median", box.median},
          {"q3", box.q3},          {"max", box.max},      {"first_octave", box.first_octave},
          {"octaves", box.octaves}};
}

RenderedPlot draw(const std::string& dot) {
  const ChildOutput child = run_child({"dot", "-Tsvg"}, dot);
  if (child.not_found)
    return {"", "dot is not installed (package graphviz): the drawing is Graphviz source only"};
  return {child.out, child.problem};
}

// Collects what has been written.
class Writer {
 public:
  Writer(PassRun& run, const RunFolder& folder)
      : run_(run), folder_(folder), stem_(fmt::format("{:02}_{}", run.number, run.call->pass->name)) {}

  void write(const std::string& ending, const std::string& text) {
    folder_.write(stem_ + ending, text);
    run_.files.push_back(stem_ + ending);
  }
  void write(const std::string& ending, const RenderedPlot& plot) {
    if (plot.problem.empty())
      write(ending, plot.svg);
    else
      warnings_.push_back(fmt::format("{}{}: {}", stem_, ending, plot.problem));
  }
  std::vector<std::string> warnings() { return std::move(warnings_); }

 private:
  PassRun& run_;
  const RunFolder& folder_;
  std::string stem_;
  std::vector<std::string> warnings_;
};

// Where the options want the result, too; empty: nowhere.
std::string asked_for(const MetaValue& options) {
  for (const char* key : {"file_name", "save_path"})
    if (options.contains(key) && options[key].is_string()) return options[key].get<std::string>();
  return "";
}

void write_beside(const fs::path& path, const std::string& text) {
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (error) fail("{}: cannot make the folder: {}", path.string(), error.message());
  write_file(path.string(), text);
}

}  // namespace

std::string terminal_text(const PassRun& run) {
  return text_with_tables(run, [](const Table& table) { return table.to_terminal(); });
}

std::string plain_text(const PassRun& run) {
  return text_with_tables(run, [](const Table& table) { return table.text(); });
}

MetaValue to_json(const PassRun& run) {
  const PassResult& result = run.result;
  MetaValue tables = MetaValue::object(), boxes = MetaValue::array();
  for (const ReportTable& table : result.tables)
    tables[table.name] = MetaValue::parse(table_of(table).json());
  for (const TensorBox& box : result.boxes) boxes.push_back(to_json(box));
  return {{"pass", run.call->pass->name},
          {"options", run.call->options},
          {"info", result.info},
          {"text", result.text},
          {"tables", tables},
          {"boxes", boxes},
          {"changed", result.changed},
          {"files", run.files}};
}

std::vector<std::string> write_files(PassRun& run, const RunFolder& folder) {
  const PassResult& result = run.result;
  Writer writer(run, folder);
  const std::string text = result.text_ending == "txt" ? plain_text(run) : result.text;
  if (!text.empty()) writer.write("." + result.text_ending, text);
  for (const ReportTable& table : result.tables) {
    const std::string part = result.tables.size() > 1 ? "_" + table.name : "";
    writer.write(part + ".csv", table_of(table).csv());
    writer.write(part + ".md", table_of(table).markdown());
  }
  if (!result.boxes.empty()) {
    writer.write(".svg", render_ranges(result.boxes));
    writer.write("_histograms.svg", render_histograms(result.boxes));
  }
  const fs::path beside = asked_for(run.call->options);
  if (!result.dot.empty()) {
    const RenderedPlot drawing = draw(result.dot);
    writer.write(".dot", result.dot);
    writer.write(".svg", drawing);
    if (!beside.empty()) {
      write_beside(fs::path(beside).replace_extension(".dot"), result.dot);
      if (drawing.problem.empty()) write_beside(beside, drawing.svg);
    }
  } else if (!beside.empty()) {
    write_beside(beside, text);
  }
  writer.write(".json", to_json(run).dump(2) + "\n");
  return writer.warnings();
}

}  // namespace jsc
