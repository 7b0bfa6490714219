// What TensorBoard reads: an event file in the run folder, to which each epoch adds losses, accuracies, the
// learning rate and histograms of the weights.
//
// A file is a sequence of records (TFRecord): length as uint64, its checksum, the bytes, their checksum; all
// little-endian, checksums CRC-32C, masked as TensorFlow does. The bytes are an Event in protocol buffers'
// wire format (tensorflow/core/util/event.proto, framework/summary.proto). A reader ignores a last record
// that is cut short, so records are appended as they come.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "apps/training/run_folder.hpp"
#include "graph/graph.hpp"

namespace jsc {

class EventFile {
 public:
  // A new file, beside those of the run before it was interrupted: what they say of epochs after the first
  // `epochs` is void. Throws Error if it cannot be written.
  EventFile(const RunFolder& folder, std::int64_t epochs);

  // Steps are epochs, counted from 1. Throws Error if the disk is full.
  void add(const EpochMetrics& epoch, const Graph& graph);

 private:
  void append(const std::string& event);

  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

}  // namespace jsc
