// report.html of a run: what was run, how it went, how well the network tells the classes, what its numbers
// are like, and what verify found. Made from the folder's files and the data, so it can be made again.
#pragma once

#include <string>
#include <vector>

#include "apps/checkpoint/trained_model.hpp"
#include "apps/training/prepared_data.hpp"

namespace jsc {

enum class PageExtent {
  whole,
  brief  // without what a sweep's trials share, the distributions of the features, and without SVG files
};

// Writes report.html into `folder`, and loss.svg and accuracy.svg where it holds metrics.csv. Of the folder
// it reads what is there: config.toml, metrics.csv, summary.json (`summary` in its place if it is not null),
// certificate.json (shown if it is of these weights). The network, a checkpoint of jsc-train, is measured on
// the test rows of `data`. Returns warnings, one line each: plots that could not be drawn. Throws Error if a
// file cannot be read or written.
std::vector<std::string> write_run_page(const std::string& folder, TrainedModel& trained,
                                        const PreparedData& data, const Execution& execution,
                                        PageExtent extent = PageExtent::whole,
                                        const MetaValue& summary = nullptr);

}  // namespace jsc
