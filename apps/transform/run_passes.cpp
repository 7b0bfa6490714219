#include "apps/transform/run_passes.hpp"

#include <fmt/core.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "apps/checkpoint/checkpoint.hpp"
#include "apps/report/progress.hpp"
#include "apps/support/mapped_file.hpp"
#include "quant/quantization.hpp"

namespace jsc {

namespace {

constexpr const char* kTransformed = "transformed_ckpt";

PassArguments arguments_of(const PassesToRun& passes) {
  PassArguments arguments;
  arguments.input = passes.input;
  arguments.execution = passes.execution;
  arguments.read_file = [](const std::string& path) { return std::string(MappedFile(path).bytes()); };
  return arguments;
}

void add_metadata(Graph& graph, const PassesToRun& passes) {
  PassArguments arguments = arguments_of(passes);
  run_pass(find_pass("init_metadata"), graph, arguments);
  arguments.options = {{"batch_size", passes.batch_size}, {"add_value", false}};
  run_pass(find_pass("add_common_metadata"), graph, arguments);
  // A network that came quantized is quantized as it is once more, for its metadata to say so.
  if (MetaValue quantization = quantization_of(graph); !quantization.empty()) {
    quantization["report"] = false;
    arguments.options = std::move(quantization);
    run_pass(find_pass("quantize"), graph, arguments);
  }
  arguments.options = MetaValue::object();
  run_pass(find_pass("add_software_metadata"), graph, arguments);
}

PassRun run_one(Graph& graph, const PassesToRun& passes, int number) {
  PassRun run;
  run.call = &passes.calls[static_cast<std::size_t>(number - 1)];
  run.number = number;
  PassArguments arguments = arguments_of(passes);
  arguments.options = run.call->options;
  std::unique_ptr<Progress> progress;
  arguments.progress = [&](std::int64_t done, std::int64_t total) {
    if (!progress)
      progress = std::make_unique<Progress>(std::string(run.call->pass->name), total, "rows", passes.quiet);
    progress->update(done);
  };
  const auto start = std::chrono::steady_clock::now();
  try {
    run.result = run_pass(*run.call->pass, graph, arguments);
  } catch (const Error& error) {
    const std::string text = error.what();
    const std::string_view name = run.call->pass->name;
    const bool named = text.starts_with("pass ") || text.starts_with(name);
    fail("{}: {}{}", run.call->where, named ? "" : fmt::format("pass {}: ", name), text);
  }
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return run;
}

void save_transformed(Graph& graph, const RunFolder& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder.file(kTransformed), error);
  if (error) fail("{}: cannot make the folder: {}", folder.file(kTransformed), error.message());
  folder.write(fmt::format("{}/node_meta_param.toml", kTransformed),
               run_pass(find_pass("save_node_meta_param"), graph, {}).text);
}

}  // namespace

std::vector<PassRun> run_passes(Graph& graph, const PassesToRun& passes, const RunFolder& folder,
                                const std::function<void(const PassRun&)>& show) {
  add_metadata(graph, passes);
  std::vector<PassRun> runs;
  bool changed = false;
  for (int number = 1; number <= static_cast<int>(passes.calls.size()); ++number) {
    PassRun run = run_one(graph, passes, number);
    folder.make();
    for (const std::string& warning : write_files(run, folder))
      if (!passes.quiet) fmt::print(stderr, "warning: {}\n", warning);
    changed = changed || run.call->pass->kind == PassKind::transform;
    show(run);
    runs.push_back(std::move(run));
  }
  if (changed) save_transformed(graph, folder);
  return runs;
}

}  // namespace jsc
