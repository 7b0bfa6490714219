// A file's bytes, mapped for reading.
#pragma once

#include <string>
#include <string_view>

namespace jsc {

class MappedFile {
 public:
  explicit MappedFile(
      const std::string& path);  // throws Error when it cannot be opened or is no regular file
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {data_, size_}; }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace jsc
