#include "apps/checkpoint/verification_files.hpp"

#include "apps/support/atomic_file.hpp"

namespace jsc {

VerificationFiles save_verification(const std::filesystem::path& folder, const MetaValue& certificate,
                                    const IntegerFile& network) {
  VerificationFiles files{(folder / "certificate.json").string(), ""};
  if (certificate.at("verified").get<bool>()) {
    files.network = (folder / "integer.safetensors").string();
    save_integer_network(files.network, network);
  }
  write_file(files.certificate, certificate.dump(2) + "\n");
  return files;
}

}  // namespace jsc
