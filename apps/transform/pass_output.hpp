// What a pass found, as people and programs read it: text for the terminal, one JSON object, and the files of
// the run folder.
#pragma once

#include <string>
#include <vector>

#include "apps/training/run_folder.hpp"
#include "apps/transform/transform_file.hpp"

namespace jsc {

// One pass that has run.
struct PassRun {
  const PassCall* call = nullptr;
  int number = 0;  // 1, 2, ... in the order of the file
  PassResult result;
  std::vector<std::string> files;  // in the run folder, beside the JSON
  double seconds = 0;
};

// Text and tables; these as wide as the terminal, or of any width.
std::string terminal_text(const PassRun& run);
std::string plain_text(const PassRun& run);

// pass, options, info, text, tables, boxes, changed, files.
MetaValue to_json(const PassRun& run);

// Writes NN_NAME.txt (or another ending), .csv and .md (with several tables NN_NAME_TABLE.csv), .dot, .svg
// and .json into the folder, as far as the result has them, and what the options file_name and save_path ask
// for beside. Notes the files in `run`; returns warnings, one line each: an SVG that could not be drawn.
std::vector<std::string> write_files(PassRun& run, const RunFolder& folder);

}  // namespace jsc
