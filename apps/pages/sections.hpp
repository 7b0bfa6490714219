// The sections of a run's page, one file each. Every section takes what it shows as values.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apps/checkpoint/checkpoint.hpp"
#include "apps/pages/evaluation.hpp"
#include "apps/report/html.hpp"
#include "apps/report/plot.hpp"
#include "apps/training/run_folder.hpp"
#include "graph/metadata.hpp"

namespace jsc {

// Loss and accuracy by epoch; also the plots of loss.svg and accuracy.svg.
Plot loss_plot(const std::string& model, std::span<const EpochMetrics> epochs);
Plot accuracy_plot(const std::string& model, std::span<const EpochMetrics> epochs);
void add_training_section(Page& page, const std::string& model, std::span<const EpochMetrics> epochs);

// ROC curves, a table of classes, and the confusion matrix. `quantized` is null for a float network. `rows`
// says in words which rows were evaluated: "40,000 test rows".
void add_classes_section(Page& page, const std::vector<std::string>& class_names, const Evaluation& plain,
                         const Evaluation* quantized, const std::string& rows);

// Distributions of the features, class by class.
void add_features_section(Page& page, const PreparedData& data, std::span<const std::uint32_t> chosen,
                          const std::string& rows);

// Magnitudes of weights and activations, and the formats that they are held in.
void add_ranges_section(Page& page, Graph& graph, const PreparedData& data,
                        std::span<const std::uint32_t> chosen, const std::string& rows,
                        const Execution& execution);

// What verify found: `certificate` is certificate.json.
void add_verification_section(Page& page, const MetaValue& certificate);

// What was run, in full: config.toml.
void add_configuration_section(Page& page, const std::string& config_path);

// At most `most` of n places, evenly apart, the first and the last among them.
std::vector<std::size_t> thinned(std::size_t n, std::size_t most);

}  // namespace jsc
