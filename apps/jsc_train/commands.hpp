// The actions of jsc-train. Each adds its subcommand to the parser and yields what to run once the arguments
// are parsed; the returned number is the program's exit code. Wrong input is thrown as Error.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace jsc {

using Action = std::function<int()>;

Action add_train(CLI::App& root, const std::string& command_line);  // which runs keep
Action add_sweep(CLI::App& root, const std::string& command_line);
Action add_compare(CLI::App& root);
Action add_test(CLI::App& root);
Action add_transform(CLI::App& root);
Action add_passes(CLI::App& root);
Action add_models(CLI::App& root);
Action add_infer(CLI::App& root);
Action add_inspect(CLI::App& root);
Action add_data(CLI::App& root);
Action add_verify(CLI::App& root);
Action add_report(CLI::App& root);

// Trains a small fixed problem and yields a hash of everything that came out of it (sixteen hex digits).
std::string training_signature(const std::string& cpu_mask, int threads);

}  // namespace jsc
