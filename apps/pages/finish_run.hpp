// The end of a training: the test of its best network, its page, its summary.
#pragma once

#include <string>
#include <vector>

#include "apps/pages/run_page.hpp"
#include "apps/training/run.hpp"

namespace jsc {

struct FinishedRun {
  Metrics test;
  std::vector<std::string> warnings;  // of the page, one line each
};

// Writes report.html if the run's settings ask for one, then summary.json, which marks the run as finished:
// one that is killed in between does both again. A whole page that cannot be made is a warning; a brief one
// throws Error.
FinishedRun finish_run(Run& run, PageExtent extent);

}  // namespace jsc
