// jsc-train: trains, tests and inspects small classifiers. One action a file; this one finds the action and
// turns what it throws into one line and an exit code: 0 done, 1 a check failed, 2 bad input, 3 an internal
// error, 130 interrupted.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>

#include "apps/jsc_train/commands.hpp"
#include "apps/support/standard_output.hpp"
#include "engine/error.hpp"
#include "engine/nearest.hpp"

namespace {

// The command as it could be typed again, in one line.
std::string shell_command(int argc, char** argv) {
  std::string command = "jsc-train";
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    std::ranges::replace(word, '\n', ' ');
    const bool plain = !word.empty() && word.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789-_=+./:,@%") == std::string::npos;
    if (!plain) {
      std::string quoted = "'";
      for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
      word = quoted + "'";
    }
    command += ' ' + word;
  }
  return command;
}

// About what the command line has beyond what an action takes.
[[noreturn]] void fail_extra(const CLI::App& app) {
  const CLI::App* action = &app;
  std::string command;
  while (!action->get_subcommands().empty()) {
    action = action->get_subcommands()[0];
    command += action->get_name() + " ";
  }
  const std::string word = app.remaining(true).front(), name = word.substr(0, word.find('='));
  std::vector<std::string> known;
  for (const CLI::Option* each : action->get_options())
    for (const std::string& long_name : each->get_lnames()) known.push_back("--" + long_name);
  for (const CLI::App* each : action->get_subcommands([](const CLI::App*) { return true; }))
    known.push_back(each->get_name());
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  const std::string_view near = jsc::nearest(name, candidates);
  jsc::fail("{}'{}' was not expected{}", command.empty() ? "" : command.substr(0, command.size() - 1) + ": ",
            name,
            near.empty() ? fmt::format(" (jsc-train {}--help tells what is)", command)
                         : fmt::format(": did you mean '{}'?", near));
}

int run(int argc, char** argv) {
  CLI::App app{
      "jsc-train trains jet-substructure classifiers and other small MLPs, and tells all about them.\n\n"
      "  jsc-train train jsc-toy                       train on the embedded data, into runs/\n"
      "  jsc-train sweep jsc-tiny --batch-size 64,256,1024 --seeds 3   many trainings, one table\n"
      "  jsc-train compare RUN_FOLDER RUN_FOLDER       what differs between runs, side by side\n"
      "  jsc-train test --load RUN_FOLDER              loss and accuracy on the test rows\n"
      "  jsc-train transform --load RUN_FOLDER --config quantize.toml   run passes: quantize, profile, ...\n"
      "  jsc-train verify --load RUN_FOLDER            prove its integers, bit by bit\n"
      "  jsc-train report RUN_FOLDER                   its report.html once more\n"
      "  jsc-train infer --load RUN_FOLDER --data F --out predictions.csv\n"
      "  jsc-train passes                              what passes there are\n"
      "  jsc-train models                              what can be trained\n"
      "  jsc-train data info FILE                      what a data set holds",
      "jsc-train"};
  app.set_version_flag("--version", "jsc-train " JSC_VERSION);
  app.footer("Every action explains itself: jsc-train ACTION --help.");
  app.require_subcommand(0, 1);

  bool signature = false;
  std::string cpu_mask;
  int threads = 1;
  app.add_flag("--signature", signature, "train a fixed tiny problem and print the hash of its result");
  app.add_option("--cpu-mask", cpu_mask, "with --signature: portable, avx2 or avx512")->type_name("");
  app.add_option("--threads", threads, "with --signature: number of threads [1]")
      ->type_name("")
      ->check(CLI::Range(1, 1024));

  std::map<std::string, jsc::Action> actions;
  actions["train"] = jsc::add_train(app, shell_command(argc, argv));
  actions["sweep"] = jsc::add_sweep(app, shell_command(argc, argv));
  actions["compare"] = jsc::add_compare(app);
  actions["test"] = jsc::add_test(app);
  actions["infer"] = jsc::add_infer(app);
  actions["verify"] = jsc::add_verify(app);
  actions["report"] = jsc::add_report(app);
  actions["inspect"] = jsc::add_inspect(app);
  actions["transform"] = jsc::add_transform(app);
  actions["passes"] = jsc::add_passes(app);
  actions["models"] = jsc::add_models(app);
  actions["data"] = jsc::add_data(app);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    if (!app.remaining(true).empty()) fail_extra(app);
    jsc::fail("{}", error.what());
  }
  if (signature) {
    fmt::print("{}\n", jsc::training_signature(cpu_mask, threads));
    return 0;
  }
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) {
    fmt::print("{}", app.help());
    return 2;
  }
  return actions.at(chosen[0]->get_name())();
}

// One line, whatever the message holds.
void complain(std::string message) {
  for (char& c : message)
    if (c == '\n') c = ' ';
  fmt::print(stderr, "jsc-train: {}\n", message);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int exit_code = run(argc, argv);
    jsc::flush_standard_output();
    return exit_code;
  } catch (const jsc::Error& error) {
    complain(error.what());
    return 2;
  } catch (const std::bad_alloc&) {
    complain("out of memory");
    return 3;
  } catch (const std::exception& error) {
    if (std::ferror(stdout) != 0) {
      complain(fmt::format("standard output: {}", error.what()));
      return 2;
    }
    complain(fmt::format("internal error: {}", error.what()));
    return 3;
  }
}
