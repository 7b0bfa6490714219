// A file that appears complete or not at all: written under a temporary name beside its own, flushed to the
// disk, then renamed. Everything this program writes goes through it.
//
//   AtomicFile file(path);
//   file.write(text);
//   file.commit();      // without it the destructor removes what was written
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace jsc {

class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void write(const void* bytes, std::size_t size);
  void commit();
  // The same, but leaves a file that has the name by now, and is false then: of several processes one wins.
  bool commit_new();

  // For a library that writes by name: it may replace the file of this name before commit().
  const std::string& temporary_path() const { return temporary_; }

 private:
  void finish();  // the temporary file
  void placed();  // under its name now
  [[noreturn]] void fail_with_errno(const char* what) const;

  std::string path_, temporary_;
  std::FILE* file_ = nullptr;
};

// Who may be writing into a folder: any process, or none now, since the caller holds a lock and is not
// writing.
enum class Writers { any, none };

// Removes from a folder what processes were writing when they were killed. Where there may be writers, files
// of processes that run stay.
void remove_stale_temporaries(const std::string& folder, Writers writers = Writers::any);

// Writes the whole file at once.
void write_file(const std::string& path, std::string_view bytes);

}  // namespace jsc
