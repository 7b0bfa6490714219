// A file appears whole or not at all, and failures name the file and the reason.
#include <sys/resource.h>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "apps/support/atomic_file.hpp"
#include "apps/support/mapped_file.hpp"
#include "engine/error.hpp"
#include "tests/data/temporary_folder.hpp"

using namespace jsc;

TEST_CASE("a file appears at commit and not before") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.txt";
  {
    AtomicFile file(path);
    file.write("hello");
    CHECK_FALSE(std::filesystem::exists(path));
    file.commit();
    CHECK(MappedFile(path).bytes() == "hello");
  }
  write_file(path, "replaced");
  CHECK(MappedFile(path).bytes() == "replaced");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a file that is not committed leaves nothing and keeps the old one") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.txt";
  write_file(path, "old");
  { AtomicFile(path).write("new"); }
  CHECK(MappedFile(path).bytes() == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a file that may only be new leaves the one that another has made meanwhile") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.txt";
  {
    AtomicFile first(path), second(path);
    first.write("first");
    second.write("second");
    CHECK(first.commit_new());
    CHECK_FALSE(second.commit_new());
  }
  CHECK(MappedFile(path).bytes() == "first");
  CHECK(folder.entries() == 1);
}

TEST_CASE("names that a killed process of the same number has left are passed over") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.txt";
  const std::string name = AtomicFile(path).temporary_path();
  const std::size_t dash = name.rfind('-');
  const std::string left = name.substr(0, dash + 1) + std::to_string(std::stoi(name.substr(dash + 1)) + 1);
  std::ofstream(left) << "left";
  write_file(path, "new");
  CHECK(MappedFile(path).bytes() == "new");
  CHECK(MappedFile(left).bytes() == "left");
}

TEST_CASE("a folder that does not exist, or a folder in the file's place, is an error") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(AtomicFile(folder / "no/a.txt"),
                    (folder / "no/a.txt") + ": cannot create: No such file or directory");
  CHECK_THROWS_WITH(AtomicFile(folder / ""), Catch::Contains("expected a regular file or a new name"));
  CHECK_THROWS_WITH(AtomicFile("/dev/null"), Catch::Contains("found a special file"));
}

TEST_CASE("running out of space is an error and leaves nothing") {
  const TemporaryFolder folder;
  const std::string path = folder / "big.bin";
  rlimit old = {};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small = {4096, old.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message;
  try {
    write_file(path, std::string(100000, 'x'));
  } catch (const Error& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  CHECK(message == path + ": cannot write: File too large");
  CHECK(folder.entries() == 0);
}

TEST_CASE("a file that cannot be read is named with the reason") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(MappedFile(folder / "none"),
                    (folder / "none") + ": cannot open: No such file or directory");
  CHECK_THROWS_WITH(MappedFile(folder / ""), Catch::Contains("expected a regular file"));
  write_file(folder / "empty", "");
  CHECK(MappedFile(folder / "empty").bytes().empty());
}
