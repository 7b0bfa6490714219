// jsc-train verify: lowers a quantized network to integers and proves, on every jet given and on every
// intermediate value, that both compute the same.
#include <fmt/chrono.h>
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>

#include "apps/checkpoint/trained_model.hpp"
#include "apps/checkpoint/verification_files.hpp"
#include "apps/jsc_train/commands.hpp"
#include "apps/pages/run_page.hpp"
#include "apps/report/format.hpp"
#include "apps/report/progress.hpp"
#include "apps/report/table.hpp"
#include "apps/support/atomic_file.hpp"
#include "apps/training/run_folder.hpp"
#include "apps/training/train_settings.hpp"
#include "apps/transform/inputs.hpp"
#include "engine/threads.hpp"
#include "graph/state_dict.hpp"
#include "quant/fixed/text.hpp"
#include "quant/integer/inference.hpp"
#include "quant/integer/lower.hpp"
#include "quant/integer/network.hpp"
#include "quant/mutate.hpp"
#include "quant/quantized_tensors.hpp"
#include "quant/verify.hpp"

namespace jsc {

namespace {

// What quantization did to the answers.
struct Answers {
  Metrics float_network, quantized;  // without labels only the rows are counted
  bool labelled = false;
  Index changed = 0;  // rows whose class is another one
};

struct MutationCount {
  Index planted = 0, caught = 0, harmless = 0;
  std::vector<std::string> missed;
};

std::vector<std::int32_t> classes_of(Evaluator& evaluator, std::span<const std::uint32_t> rows) {
  std::vector<std::int32_t> classes(rows.size(), 0);
  evaluator.forward(rows, [&](ConstMatrix logits, Index first) {
    for (Index c = 1; c < logits.rows; ++c)
      for (Index i = 0; i < logits.cols; ++i) {
        std::int32_t& best = classes[static_cast<std::size_t>(first + i)];
        if (logits(c, i) > logits(best, i)) best = static_cast<std::int32_t>(c);
      }
  });
  return classes;
}

// By the integers themselves: sums of more than 24 bits that are equal as float32 need not be equal.
std::vector<std::int32_t> classes_of(const IntegerProgram& program, const InputGenerator& samples,
                                     const Execution& how) {
  constexpr Index kBlock = IntegerInference::kBlock;
  const IntegerInference network(program, how.isa);
  std::vector<std::int32_t> classes(static_cast<std::size_t>(samples.rows()));
  parallel_for(how.threads, how.threads, [&](Index t) {
    IntegerInference::Workspace workspace(network);
    Tensor x(samples.features(), kBlock);
    for (Index first = t * kBlock; first < samples.rows(); first += how.threads * kBlock) {
      const Index n = std::min(kBlock, samples.rows() - first);
      const Matrix part{x.view().data, x.rows(), n, x.view().stride};
      samples.fill(first, part);
      network.run(part, workspace);
      network.argmax(workspace, n, classes.data() + first);
    }
  });
  return classes;
}

// Rows of a generator up to a number.
class FirstRows final : public InputGenerator {
 public:
  FirstRows(const InputGenerator& all, Index rows) : all_(all), rows_(std::min(rows, all.rows())) {}
  Index features() const override { return all_.features(); }
  Index rows() const override { return rows_; }
  void fill(Index first, Matrix x) const override { all_.fill(first, x); }

 private:
  const InputGenerator& all_;
  Index rows_;
};

struct VerifyCommand {
  std::string load, rows = "all", out;
  DataSettings data;
  ExecutionSettings execution;
  std::int64_t mutate = 0, mutate_rows = 20000, seed = 0;
  bool write_page = true, quiet = false, json = false;
  Settings settings;

  int run() {
    settings.resolve();
    if (!out.empty()) require_free(out, {"config.toml", "best.safetensors", "certificate.json"});
    data.take_from_run(settings, load);
    how_ = execution.execution();
    TrainedModel trained = open_trained_model(load);
    if (!trained.checkpoint) fail("{}: verify needs a checkpoint of jsc-train, quantized", trained.path);
    const Graph& graph = trained.checkpoint->graph;
    const IntegerProgram program = lower(graph);
    const Expectation expected = trained.expectation();
    const PreparedData prepared =
        prepare_data(data, expected, how_.threads, quiet || json, LabelPolicy::optional);
    const std::vector<std::uint32_t> chosen = chosen_rows(prepared);
    const PreparedInput samples(prepared, chosen, how_);

    if (mutate > 0) return plant_faults(graph, program, samples);
    const auto start = std::chrono::steady_clock::now();
    VerifyOptions options;
    options.execution = how_;
    Progress progress("verifying", samples.rows(), "rows", quiet || json);
    options.progress = [&](std::int64_t done, std::int64_t) { progress.update(done); };
    const VerifyReport report = verify_program(graph, program, samples, options);
    progress.finish();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const Answers answers = compare_answers(trained, prepared, chosen, program, samples);

    const std::filesystem::path folder = output_folder(trained);
    const MetaValue certificate = certify(trained, program, prepared, report, answers, seconds);
    const ModelContext& context = trained.checkpoint->context;
    const VerificationFiles files = save_verification(
        folder, certificate,
        {program, context.model.name, context.feature_names, context.class_names, context.scaler});
    if (json)
      fmt::print("{}\n", certificate.dump(2));
    else
      print(prepared, report, answers, seconds, files);
    if (write_page) write_report(folder, trained, prepared);
    return report.mismatches == 0 ? 0 : 1;
  }

 private:
  std::vector<std::uint32_t> chosen_rows(const PreparedData& prepared) const {
    if (rows != "all" && prepared.split.test.empty())
      fail("{}: --rows {} needs enough rows for a split, found {} in all", prepared.data.source, rows,
           prepared.data.rows);
    return prepared.rows(rows);
  }

  std::filesystem::path output_folder(const TrainedModel& trained) const {
    if (out.empty()) return std::filesystem::path(trained.path).parent_path();
    std::error_code error;
    std::filesystem::create_directories(out, error);
    if (error) fail("--out {}: cannot make the folder: {}", out, error.message());
    return out;
  }

  // The certificate is written: a page that cannot be made is no more than a warning.
  void write_report(const std::filesystem::path& folder, TrainedModel& trained,
                    const PreparedData& prepared) const {
    if (!prepared.data.labelled() || prepared.split.test.empty()) {
      if (!quiet && !json)
        fmt::print(stderr, "no report: it needs {}\n",
                   prepared.data.labelled() ? "enough rows for a split" : "labels");
      return;
    }
    try {
      for (const std::string& warning : write_run_page(folder.string(), trained, prepared, how_))
        fmt::print(stderr, "warning: {}\n", warning);
      if (!quiet && !json) fmt::print(stderr, "report: {}\n", (folder / "report.html").string());
    } catch (const Error& error) {
      fmt::print(stderr, "warning: no report: {}\n", error.what());
    }
  }

  // Against the float network: the same weights without the quantizing transforms.
  Answers compare_answers(const TrainedModel& trained, const PreparedData& prepared,
                          std::span<const std::uint32_t> chosen, const IntegerProgram& program,
                          const InputGenerator& samples) const {
    const Graph graph = float_counterpart(trained);
    Evaluator before(graph, prepared.samples(), how_),
        after(trained.checkpoint->graph, prepared.samples(), how_);
    Answers answers{before.evaluate(chosen), after.evaluate(chosen), prepared.data.labelled(), 0};
    const std::vector<std::int32_t> a = classes_of(before, chosen), b = classes_of(program, samples, how_);
    Index correct = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      answers.changed += a[i] != b[i] ? 1 : 0;
      if (answers.labelled) correct += prepared.data.labels[chosen[i]] == b[i] ? 1 : 0;
    }
    if (answers.labelled)
      answers.quantized.accuracy = static_cast<double>(correct) / static_cast<double>(a.size());
    return answers;
  }

  int plant_faults(const Graph& graph, const IntegerProgram& program, const InputGenerator& all) const {
    const FirstRows samples(all, mutate_rows);
    VerifyOptions options;
    options.execution = how_;
    options.ledger = false;
    if (verify_program(graph, program, samples, options).mismatches > 0)
      fail("verify: the network does not verify as it is; planted faults would show nothing");
    MutationCount count;
    Progress progress("planting faults", mutate, "faults", quiet || json);
    for (std::int64_t number = 0; number < mutate; ++number) {
      const Mutant mutant =
          plant_fault(program, static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(number));
      options.stop_at_mismatch = true;
      const bool caught = verify_program(graph, mutant.program, samples, options).mismatches > 0;
      // Whether a fault does anything is told by the two programs alone, without the verifier's comparison.
      const bool harmless = !caught && same_values(program, mutant.program, samples);
      ++count.planted;
      count.caught += caught ? 1 : 0;
      count.harmless += harmless ? 1 : 0;
      if (!caught && !harmless) count.missed.push_back(mutant.fault);
      if (!quiet && !json)
        progress.print(fmt::format("{:>4}  {}  {}", number + 1,
                                   caught     ? "caught        "
                                   : harmless ? "without effect"
                                              : "MISSED        ",
                                   mutant.fault));
      progress.update(number + 1);
    }
    progress.finish();
    if (json)
      fmt::print("{}\n", MetaValue({{"planted", count.planted},
                                    {"caught", count.caught},
                                    {"without_effect", count.harmless},
                                    {"missed", count.missed}})
                             .dump(2));
    else
      fmt::print("{} planted, {} caught, {} without effect, {} missed\n", count.planted, count.caught,
                 count.harmless, count.missed.size());
    return count.missed.empty() ? 0 : 1;
  }

  // On every value of every sample.
  bool same_values(const IntegerProgram& a, const IntegerProgram& b, const InputGenerator& samples) const {
    const IntegerNetwork network_a(a), network_b(b);
    IntegerNetwork::Workspace workspace_a(network_a), workspace_b(network_b);
    Tensor x(samples.features(), IntegerNetwork::kBlock);
    std::vector<std::int64_t> values_a, values_b;
    for (Index first = 0; first < samples.rows(); first += IntegerNetwork::kBlock) {
      const Index n = std::min(IntegerNetwork::kBlock, samples.rows() - first);
      const Matrix part{x.view().data, x.rows(), n, x.view().stride};
      samples.fill(first, part);
      network_a.run(how_.isa, part, workspace_a);
      network_b.run(how_.isa, part, workspace_b);
      for (int v = 0; v < static_cast<int>(a.values.size()); ++v) {
        const auto size = static_cast<std::size_t>(a.values[static_cast<std::size_t>(v)].features * n);
        values_a.resize(size);
        values_b.resize(size);
        workspace_a.read(v, n, values_a.data(), n);
        workspace_b.read(v, n, values_b.data(), n);
        if (values_a != values_b) return false;
      }
    }
    return true;
  }

  MetaValue certify(const TrainedModel& trained, const IntegerProgram& program, const PreparedData& prepared,
                    const VerifyReport& report, const Answers& answers, double seconds) const {
    MetaValue ledger = MetaValue::array();
    for (const LedgerEntry& entry : report.ledger)
      ledger.push_back({{"value", entry.value},
                        {"operation", entry.operation},
                        {"format", entry.format},
                        {"numbers", entry.numbers},
                        {"rounded", entry.rounded},
                        {"ties", entry.ties},
                        {"negative", entry.negative},
                        {"saturated", entry.saturated},
                        {"wrapped", entry.wrapped},
                        {"observed", {entry.observed.lo, entry.observed.hi}},
                        {"proven", {entry.proven.lo, entry.proven.hi}},
                        {"width", entry.width},
                        {"headroom_bits", entry.headroom_bits},
                        {"excess_bits", entry.excess_bits}});
    MetaValue formats = MetaValue::object();
    for (const QuantizedTensor& tensor : quantized_tensors(trained.checkpoint->graph))
      formats[tensor.name] = tensor.format();
    const auto accuracy = [&](const Metrics& metrics) -> MetaValue {
      if (!answers.labelled) return nullptr;
      return {{"loss", metrics.loss}, {"accuracy", metrics.accuracy}};
    };
    MetaValue certificate = {
        {"verified", report.mismatches == 0},
        {"jsc", JSC_VERSION},
        {"model", trained.checkpoint->context.model.name},
        {"checkpoint", trained.path},
        {"weights_hash", state_hash(trained.checkpoint->graph)},
        {"program_hash", program_hash(program)},
        {"data",
         {{"source", prepared.data.source},
          {"hash", prepared.hash},
          {"which", rows},
          {"rows", report.samples}}},
        {"values_compared", report.compared},
        {"executors", {"reference", fmt::format("int{} {}", report.word_bits, isa_name(how_.isa))}},
        {"mismatches", report.mismatches},
        {"first_divergence", nullptr},
        {"float", accuracy(answers.float_network)},
        {"quantized", accuracy(answers.quantized)},
        {"class_changed", answers.changed},
        {"formats", formats},
        {"ledger", ledger},
        {"seconds", seconds}};
    if (const auto& first = report.first)
      certificate["first_divergence"] = {{"row", first->sample},        {"value", first->value},
                                         {"executor", first->executor}, {"feature", first->feature},
                                         {"expected", first->expected}, {"found", first->found},
                                         {"bit", first->bit},           {"operands", first->operands}};
    return certificate;
  }

  void print(const PreparedData& prepared, const VerifyReport& report, const Answers& answers, double seconds,
             const VerificationFiles& files) const {
    if (!quiet) {
      fmt::print("data   {}: {} rows ({})\n", prepared.data.source, format_count(report.samples), rows);
      print_ledger(report);
    }
    print_proof(report);
    const double rows_count = static_cast<double>(std::max<Index>(report.samples, 1));
    if (answers.labelled)
      fmt::print("float accuracy {:.4f}, quantized {:.4f}; ", answers.float_network.accuracy,
                 answers.quantized.accuracy);
    fmt::print("{} of {} rows change their class ({:.2f} %)\n", format_count(answers.changed),
               format_count(report.samples), 100.0 * static_cast<double>(answers.changed) / rows_count);
    if (const auto& first = report.first) {
      fmt::print("first divergence: row {}, {}[{}]: the graph has {}, the {} executor {} (bit {})\n",
                 first->sample, first->value, first->feature, first->expected, first->executor, first->found,
                 first->bit);
      for (const std::string& line : first->operands) fmt::print("  {}\n", line);
    }
    fmt::print("certificate: {}; integer network: {}\n", files.certificate,
               files.network.empty() ? "not written, since it does not verify" : files.network);
    fmt::print("{} rows, {} values compared with two executors in {:.2f} s, {} mismatches\n",
               format_count(report.samples), format_count(report.compared), seconds,
               format_count(report.mismatches));
  }

  void print_ledger(const VerifyReport& report) const {
    Table table({"Value", "Format", "Rounded", "Ties", "Below 0", "Saturated", "Wrapped", "Observed",
                 "Proven", "Bits", "Headroom"},
                {Align::left, Align::left, Align::right, Align::right, Align::right, Align::right,
                 Align::right, Align::right, Align::right, Align::right, Align::right});
    const auto share = [](std::int64_t n, std::int64_t all) {
      const double percent = 100.0 * static_cast<double>(n) / static_cast<double>(all);
      return n == 0          ? "-"
             : percent >= 10 ? fmt::format("{:.0f} %", percent)
                             : fmt::format("{:.2g} %", percent);
    };
    for (const LedgerEntry& e : report.ledger)
      table.add_row({e.value, e.format.empty() ? e.operation : e.format, share(e.rounded, e.numbers),
                     share(e.ties, e.numbers), share(e.negative, e.numbers), share(e.saturated, e.numbers),
                     share(e.wrapped, e.numbers), fmt::format("{}..{}", e.observed.lo, e.observed.hi),
                     fmt::format("{}..{}", e.proven.lo, e.proven.hi), std::to_string(e.width),
                     std::to_string(e.headroom_bits)});
    fmt::print("{}", table.to_terminal());
  }

  void print_proof(const VerifyReport& report) const {
    Index exact = 0;
    std::vector<std::string> unproven;
    for (const LedgerEntry& e : report.ledger) {
      if (e.operation != "dense" && e.operation != "scale_shift") continue;
      if (e.excess_bits == 0)
        ++exact;
      else
        unproven.push_back(
            fmt::format("{} by up to {} {}", e.value, e.excess_bits, e.excess_bits == 1 ? "bit" : "bits"));
    }
    if (exact > 0) fmt::print("proven for any input: {} accumulators cannot overflow\n", exact);
    if (!unproven.empty()) fmt::print("not proven free of overflow: {}\n", fmt::join(unproven, ", "));
  }

  Execution how_;
};

}  // namespace

Action add_verify(CLI::App& root) {
  CLI::App* app =
      root.add_subcommand("verify", "prove that a quantized network and its integers are one function");
  app->footer(
      "Examples:\n"
      "  jsc-train verify --load runs/quantized\n"
      "  jsc-train verify --load runs/quantized --data emulated:830000\n"
      "  jsc-train verify --load runs/quantized --mutate 200       # is the verifier itself to be trusted?\n"
      "The rows are those of the run's data unless --data names others.\n"
      "Every intermediate value of the fake-quantized network is compared, exactly, with that of the "
      "integer\n"
      "network in a scalar and a vectorized executor. Writes certificate.json and, where there is no "
      "mismatch,\n"
      "integer.safetensors (the network, for jsc-train infer and for others) beside the checkpoint. Labels "
      "are\n"
      "not needed, and one row is enough; with labels, accuracies are told, and with rows for a test, "
      "report.html\n"
      "is made again.\n"
      "With --mutate it writes no certificate and no folder: planted faults prove nothing.\n"
      "Exit codes: 0 no mismatch, 1 a mismatch or a missed fault, 2 bad input.");
  auto command = std::make_shared<VerifyCommand>();
  Settings& settings = command->settings;
  settings.add("load", &command->load, "run folder (its best checkpoint) or checkpoint, quantized");
  settings.add("rows", &command->rows, "which rows to run").choices({"all", "test", "validation", "train"});
  settings.add("out", &command->out, "folder for what is written [the checkpoint's]");
  settings.add("mutate", &command->mutate, "plant so many faults, one at a time, and report which are caught")
      .range(0, 1e6);
  settings.add("mutate_rows", &command->mutate_rows, "rows that each fault is looked for in").range(1, 1e9);
  settings.add("seed", &command->seed, "of the faults").range(0, 9e18);
  command->data.add_to(settings);
  command->execution.add_to(settings);
  settings.add("report", &command->write_page, "write report.html");
  settings.add("quiet", &command->quiet, "print the result only");
  settings.add("json", &command->json, "print the certificate as one JSON object");
  settings.add_flags(*app);
  return [command] { return command->run(); };
}

}  // namespace jsc
