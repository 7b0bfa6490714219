// jsc-train sweep: many trainings, one table.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>

#include "apps/jsc_train/commands.hpp"
#include "apps/report/format.hpp"
#include "apps/support/atomic_file.hpp"
#include "apps/support/interrupt.hpp"
#include "apps/support/mapped_file.hpp"
#include "apps/sweep/sweep_files.hpp"
#include "apps/sweep/sweep_runner.hpp"
#include "apps/training/start_run.hpp"

namespace jsc {

namespace {

// One process at a time works on a sweep's folder; the system forgets the lock when the process ends.
class FolderLock {
 public:
  explicit FolderLock(const std::string& path) : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) fail("{}: cannot open the sweep's folder", path);
    if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      close(descriptor_);
      fail("{}: another jsc-train is working on this sweep", path);
    }
  }
  ~FolderLock() { close(descriptor_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};

std::string text_hash(std::string_view text) {
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

struct SweepCommand {
  TrainSettings fixed;
  std::map<std::string, std::string> texts;
  Settings settings;
  std::string config, out, resume, sort, command_line;
  std::int64_t seeds = 0;
  bool paired = false, json = false;

  int run();

 private:
  void read_settings(std::vector<PassCall>& passes);
  SweepPlan plan() const;
  std::string definition(const SweepPlan& plan, const std::vector<PassCall>& passes) const;
  RunFolder open_folder(const std::string& definition) const;
};

void SweepCommand::read_settings(std::vector<PassCall>& passes) {
  if (!resume.empty()) {
    static const std::vector<std::string> kAllowed = {"threads", "cpu_mask", "quiet"};
    for (const std::string& key : settings.given_flags())
      if (std::ranges::find(kAllowed, key) == kAllowed.end())
        fail(
            "--resume continues a sweep as it was defined: '{}' cannot be changed (only threads, cpu_mask "
            "and quiet)",
            key);
    if (!config.empty() || !out.empty())
      fail("--resume takes the definition and the folder of the sweep: leave out --config and --out");
    out = resume;
    config = out + "/sweep.toml";
    if (!RunFolder::at(out).has("sweep.toml"))
      fail("{}: not the folder of a sweep (it has no sweep.toml)", out);
  }
  if (!config.empty()) passes = read_config_with_passes(settings, config, {"inputs"});
  for (const Settings::Row& row : settings.rows())
    if (std::ranges::find(unswept_settings(), row.key) != unswept_settings().end())
      for (const std::string& text : {row.flag_value, row.config_value})
        if (text.find_first_of(",:") != text.npos)
          fail(
              "{}: cannot be swept, since it does not change what a training finds; expected one value, "
              "found '{}'",
              row.where, text);
  settings.resolve();
}

SweepPlan SweepCommand::plan() const {
  std::map<std::string, GivenList> lists;
  for (const Settings::Row& row : settings.rows())
    if (texts.contains(row.key)) lists[row.key] = {row.effective, row.where};
  return make_plan(lists, fixed, paired, seeds);
}

// What makes the sweep's results what they are, beside the data: those are told by their hash in each trial.
std::string SweepCommand::definition(const SweepPlan& plan, const std::vector<PassCall>& passes) const {
  std::string text = plan.to_toml();
  if (fixed.execution_settings.blas) text += "blas = true\n";
  text += passes_to_toml(passes);
  std::set<std::string> inputs;
  for (const Trial& trial : plan.trials) {
    TrainSettings copy = trial.settings;
    if (!inputs.insert(copy.model + "\n" + copy.load).second) continue;
    const StartingPoint start =
        find_starting_point(copy);  // a model that there is not is told before anything
    inputs.insert(fmt::format("{} = \"{}\"", toml_string("model " + trial.settings.model),
                              text_hash(start.model.toml)));
    if (start.loaded)
      inputs.insert(fmt::format("{} = \"{}\"", toml_string("load " + copy.load),
                                text_hash(MappedFile(start.loaded->path).bytes())));
  }
  text += "\n[inputs]\n";
  for (const std::string& line : inputs)
    if (line.find('\n') == line.npos) text += line + "\n";
  return text;
}

RunFolder SweepCommand::open_folder(const std::string& definition) const {
  const RunFolder wanted = RunFolder::at(out);
  if (!out.empty() && wanted.has("sweep.toml")) {
    const std::string there(MappedFile(wanted.file("sweep.toml")).bytes());
    if (const std::string difference = plan_difference(there, definition); !difference.empty())
      fail("{}: belongs to another sweep; choose another --out. {}", out, difference);
    return wanted;
  }
  RunFolder folder = RunFolder::plan(out, "sweep");
  folder.make();
  folder.write(
      "sweep.toml",
      "# What this sweep is; jsc-train sweep --resume FOLDER goes on, sweep --config takes this file.\n" +
          definition);
  return folder;
}

int SweepCommand::run() {
  std::vector<PassCall> passes;
  read_settings(passes);
  const SweepPlan sweep = plan();
  SweepOrder order;
  if (!sort.empty()) order = parse_order(sort, sweep);
  const RunFolder folder = open_folder(definition(sweep, passes));
  const FolderLock lock(folder.path());
  remove_stale_temporaries(folder.path(), Writers::none);
  const int threads = fixed.execution().threads;
  if (!fixed.quiet)
    fmt::print(stderr, "sweep  {}: {} trials, {} at a time, in {}\n", sweep_title(sweep), sweep.trials.size(),
               std::min<std::size_t>(static_cast<std::size_t>(threads), sweep.trials.size()), folder.path());
  catch_interrupts();
  SweepRunner runner(sweep, passes, command_line, folder.path(), threads, fixed.quiet);
  if (!runner.run()) {
    fmt::print(stderr, "interrupted; continue with: jsc-train sweep --resume {}\n", folder.path());
    return 130;
  }
  const SweepResult result = read_sweep(sweep, folder.path(), sort.empty() ? nullptr : &order);
  write_sweep_files(sweep, result, folder);
  fmt::print("{}", json ? sweep_json(sweep, result.trials, result.rows)
                        : sweep_table(sweep, result.trials, result.rows).to_terminal());
  if (!json) fmt::print("sweep folder: {}\n", folder.path());
  const std::size_t failed = result.failed();
  if (failed > 0) fmt::print(stderr, "jsc-train: {} of {} trials failed\n", failed, sweep.trials.size());
  return failed > 0 ? 1 : 0;
}

}  // namespace

Action add_sweep(CLI::App& root, const std::string& command_line) {
  CLI::App* app = root.add_subcommand("sweep", "train with many settings and compare them in one table");
  app->footer(
      "Any option takes a list or a range; every combination is trained, several at a time, each on one "
      "core:\n"
      "  64,128,256       these values\n"
      "  1e-5:1e-1:log5   5 values, each the same multiple of the one before (lin5: equally far apart)\n"
      "  10:50:10         from 10 to 50 in steps of 10\n"
      "Examples:\n"
      "  jsc-train sweep jsc-tiny --batch-size 64,128,256,512,1024 --seeds 3\n"
      "  jsc-train sweep jsc-toy --learning-rate 1e-5:1e-1:log5 --max-epochs 10,50 --sort test_accuracy\n"
      "  jsc-train sweep --model jsc-tiny,jsc-toy,jsc-test --out runs/models\n"
      "  jsc-train sweep jsc-toy --batch-size 64,256 --learning-rate 1e-3,4e-3 --paired   # two trials, not "
      "four\n"
      "  jsc-train sweep --config docs/labs/lab1_batch_size.toml --out runs/batch_size\n"
      "  jsc-train sweep --resume runs/batch_size\n"
      "--seeds N repeats every trial with N seeds; the table has means and standard deviations over them.\n"
      "Values of --data, --label and --class-weights, which may hold commas, are separated by \";\".\n"
      "A sweep that was interrupted or killed goes on with --resume, or the same command with the same "
      "--out,\n"
      "and ends with the same table. In a TOML file lists are arrays: batch_size = [64, 128].\n"
      "Exit codes: 0 done, 1 a trial failed (the table says why), 2 bad input, 130 interrupted.");
  auto command = std::make_shared<SweepCommand>();
  command->command_line = command_line;
  Settings single;
  command->fixed.add_to(single);
  command->settings = single.list_form(command->texts, unswept_settings());
  command->settings.add("seeds", &command->seeds, "train with this many seeds, from --seed on (0: only that)")
      .range(0, 10000);
  command->settings.add(
      "paired", &command->paired,
      "the first values of the lists together, then the second, ..., not every combination");
  command->settings.add_flags(*app);
  add_text_option(
      *app, "--sort", command->sort,
      "order of the rows: a column, such as val_loss or test_accuracy (best first), or learning_rate:desc");
  app->add_flag("--json", command->json, "print the table as JSON");
  add_text_option(*app, "--config", command->config,
                  "TOML file with any of these settings and transforms ([passes.quantize], ...)");
  add_text_option(*app, "--out", command->out, "folder of the sweep [runs/sweep_DATE_N]");
  add_text_option(*app, "--resume", command->resume, "go on with the sweep in this folder");
  return [command] { return command->run(); };
}

}  // namespace jsc
