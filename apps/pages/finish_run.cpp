#include "apps/pages/finish_run.hpp"

namespace jsc {

FinishedRun finish_run(Run& run, PageExtent extent) {
  FinishedRun finished;
  finished.test = run.test();
  const MetaValue summary = run.summary(finished.test);
  if (run.settings().report) {
    try {
      TrainedModel best = open_trained_model(run.folder().path());
      finished.warnings =
          write_run_page(run.folder().path(), best, run.data(), run.settings().execution(), extent, summary);
    } catch (const Error& error) {
      if (extent == PageExtent::brief)
        throw;  // the disk may be full: the sweep goes on later, with all pages
      finished.warnings.push_back(fmt::format("no report: {}", error.what()));
    }
  }
  run.write_summary(summary);
  return finished;
}

}  // namespace jsc
