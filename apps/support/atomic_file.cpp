#include "apps/support/atomic_file.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>

#include "engine/error.hpp"

namespace jsc {

namespace {

constexpr const char* kMark = ".tmp-";  // then the number of the process and of the file

std::string unique_suffix() {
  static std::atomic<unsigned> count{0};
  return fmt::format("{}{}-{}", kMark, getpid(), count++);
}

// The process that a temporary file's name tells, or 0 for another name.
pid_t writer_of(const std::string& name) {
  const std::size_t mark = name.rfind(kMark);
  if (mark == name.npos) return 0;
  const char* end = name.data() + name.size();
  pid_t process = 0;
  unsigned count = 0;
  const auto first = std::from_chars(name.data() + mark + std::strlen(kMark), end, process);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return 0;
  const auto second = std::from_chars(first.ptr + 1, end, count);
  return second.ec == std::errc() && second.ptr == end && process > 0 ? process : 0;
}

bool flush_to_disk(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool done = fsync(descriptor) == 0 || errno == EINVAL;  // EINVAL: a file system that has no fsync
  close(descriptor);
  return done;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == path.npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  struct stat status = {};
  if (stat(path_.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    fail("{}: cannot write: expected a regular file or a new name, found a {}", path_,
         S_ISDIR(status.st_mode) ? "folder" : "special file");
  int descriptor = -1;
  do {  // a process that was killed may have had the number of this one, as in containers
    temporary_ = path_ + unique_suffix();
    descriptor = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor < 0 && errno == EEXIST);
  if (descriptor < 0) fail_with_errno("create");
  file_ = fdopen(descriptor, "wb");
  if (file_ == nullptr) {
    const int error = errno;
    close(descriptor);
    unlink(temporary_.c_str());
    errno = error;
    fail_with_errno("create");
  }
}

AtomicFile::~AtomicFile() {
  if (file_ != nullptr) std::fclose(file_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  write(bytes.data(), bytes.size());
}

void AtomicFile::write(const void* bytes, std::size_t size) {
  JSC_ASSERT(file_ != nullptr);
  if (std::fwrite(bytes, 1, size, file_) != size) fail_with_errno("write");
}

void AtomicFile::finish() {
  JSC_ASSERT(file_ != nullptr);
  if (std::fclose(std::exchange(file_, nullptr)) != 0) fail_with_errno("write");
  if (!flush_to_disk(temporary_)) fail_with_errno("write");
}

void AtomicFile::commit() {
  finish();
  if (rename(temporary_.c_str(), path_.c_str()) != 0) fail_with_errno("rename");
  placed();
}

bool AtomicFile::commit_new() {
  finish();
  if (link(temporary_.c_str(), path_.c_str()) == 0)
    unlink(temporary_.c_str());
  else if (errno == EEXIST)
    return false;                                           // the destructor removes what was written
  else if (rename(temporary_.c_str(), path_.c_str()) != 0)  // a file system without hard links
    fail_with_errno("rename");
  placed();
  return true;
}

void AtomicFile::placed() {
  temporary_.clear();
  flush_to_disk(folder_of(path_));  // so that the new name survives too; some file systems cannot
}

void AtomicFile::fail_with_errno(const char* what) const {
  fail("{}: cannot {}: {}", path_, what, std::strerror(errno));
}

void remove_stale_temporaries(const std::string& folder, Writers writers) {
  namespace fs = std::filesystem;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const pid_t process = writer_of(entry.path().filename().string());
    if (process == 0) continue;
    if (writers == Writers::none || (kill(process, 0) != 0 && errno == ESRCH))
      fs::remove(entry.path(), error);
  }
}

void write_file(const std::string& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace jsc
