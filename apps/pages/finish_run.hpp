// The end of a training: the test of its best network, its page, its summary.
#pragma once

#include <string>
#include <vector>

#include "apps/pages/run_page.hpp"
#include "apps/training/run.hpp"

namespace jsc {

struct FinishedRun {
  Metrics test;
  std::vector<std::string> warnings;  // of the page, one line each; a page that cannot be made is no more
};

// Writes report.html if the run's settings ask for one, then summary.json, which marks the run as finished:
// one that is killed in between does both again.
FinishedRun finish_run(Run& run, PageExtent extent);

}  // namespace jsc
