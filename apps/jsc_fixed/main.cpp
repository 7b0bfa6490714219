// jsc-fixed: the fixed-point calculator. One operation from the arguments, or a batch on standard input. What
// is thrown becomes one line and an exit code: 0 done, 2 bad input, 3 an internal error.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "apps/jsc_fixed/batch.hpp"
#include "apps/jsc_fixed/calculator.hpp"
#include "apps/jsc_fixed/operation.hpp"
#include "apps/support/standard_output.hpp"
#include "engine/error.hpp"
#include "quant/fixed/error.hpp"

namespace {

constexpr std::string_view kIntroduction =
    "jsc-fixed computes with fixed-point numbers, bit for bit as ap_fixed does.\n\n"
    "  jsc-fixed cast FORMAT NUMBER                     what becomes of a number in a format\n"
    "  jsc-fixed add|sub|mul|div|cmp FORMAT NUMBER FORMAT NUMBER\n"
    "  jsc-fixed neg FORMAT NUMBER\n"
    "  jsc-fixed shift FORMAT NUMBER LEFT               the format stays, bits are lost\n"
    "  jsc-fixed format FORMAT                          its range and resolution\n"
    "  jsc-fixed < FILE                                 a batch, one operation a line\n\n"
    "  jsc-fixed cast 'fixed<8,4,RND_CONV,SAT>' 1.28125\n"
    "  jsc-fixed mul 'fixed<8,4>' -1.5 'ufixed<6,2>' 0.4375\n"
    "  echo 'cast;fixed<16,6>;1300;fixed<8,4,RND,SAT>' | jsc-fixed";

constexpr std::string_view kFormats =
    "FORMAT is fixed<W,I,Q,O,N> or ufixed<W,I,Q,O,N>, quoted for the shell: W bits in all, I of them left of "
    "the\n"
    "binary point, both with the sign bit; value = raw * 2^(I-W). Q, O and N may be left out.\n"
    "  Q, rounding   RND RND_ZERO RND_MIN_INF RND_INF RND_CONV (nearest; ties toward +infinity, zero,\n"
    "                -infinity, away from zero, to even), RND_CONV_ODD (to odd), TRN (floor; the default),\n"
    "                TRN_ZERO (toward zero), CEIL, UP (away from zero)\n"
    "  O, overflow   SAT SAT_ZERO SAT_SYM WRAP (the default) WRAP_SM\n"
    "  N             most significant bits that saturate with WRAP and WRAP_SM [0]\n"
    "ap_fixed<>, sc_fixed<>, AP_RND, SC_RND and so on are read too, and Q4.4, which is fixed<8,4>.\n"
    "NUMBER is a decimal (-1.25, 3e-4), a hexadecimal (0x5p-4), inf or nan; its exact value is cast to "
    "FORMAT.\n\n"
    "A batch has one operation a line with ';' between its fields and integers for raw values. Each line "
    "comes\n"
    "back with the answer appended:\n";

std::string footer() {
  std::string text(kFormats);
  for (const jsc::FixedOperationInfo& info : jsc::kFixedOperations)
    text += fmt::format("  {:<31} {:<20} {}\n", info.line, info.answer, info.help);
  return text + "A malformed line is reported with its number and ends the run with exit code 2.";
}

// -1.5, -.5, -inf and -nan are numbers, not options.
bool is_option(const std::string& argument) {
  return argument.size() > 1 && argument[0] == '-' && argument != "-inf" && argument != "-infinity" &&
         argument != "-nan" && argument[1] != '.' && !(argument[1] >= '0' && argument[1] <= '9');
}

int run(int argc, char** argv) {
  CLI::App app{std::string(kIntroduction), "jsc-fixed"};
  app.set_version_flag("--version", "jsc-fixed " JSC_VERSION);
  app.footer(footer());
  app.allow_extras();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    jsc::fail("{}", error.what());
  }
  const std::vector<std::string> arguments = app.remaining();
  for (const std::string& argument : arguments)
    if (is_option(argument)) jsc::fail("unknown option '{}' (jsc-fixed --help tells all)", argument);
  if (!arguments.empty()) {
    fmt::print("{}", jsc::fixed_calculation(arguments));
    return 0;
  }
  if (isatty(STDIN_FILENO) != 0) {
    fmt::print("{}", app.help());
    return 2;
  }
  jsc::run_fixed_batch(STDIN_FILENO, STDOUT_FILENO);
  return 0;
}

// One line, whatever the message holds.
int complain(std::string message, int exit_code) {
  for (char& c : message)
    if (c == '\n') c = ' ';
  fmt::print(stderr, "jsc-fixed: {}\n", message);
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int exit_code = run(argc, argv);
    jsc::flush_standard_output();
    return exit_code;
  } catch (const jsc::Error& error) {
    return complain(error.what(), 2);
  } catch (const jsc::fixed::Error& error) {
    return complain(error.what(), 2);
  } catch (const std::exception& error) {
    if (std::ferror(stdout) != 0) return complain(fmt::format("standard output: {}", error.what()), 2);
    return complain(fmt::format("internal error: {}", error.what()), 3);
  }
}
