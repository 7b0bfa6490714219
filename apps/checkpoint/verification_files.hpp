// What verification leaves in a folder: certificate.json, and the network, integer.safetensors, if the
// certificate says that it was verified. `infer` takes what lies there: a network that was refuted must not
// take the place of a good one.
#pragma once

#include <filesystem>
#include <string>

#include "apps/checkpoint/integer_file.hpp"
#include "graph/metadata.hpp"

namespace jsc {

struct VerificationFiles {
  std::string certificate, network;  // paths; network: empty if it was not written
};

VerificationFiles save_verification(const std::filesystem::path& folder, const MetaValue& certificate,
                                    const IntegerFile& network);

}  // namespace jsc
