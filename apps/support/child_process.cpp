// Files, not pipes, so that neither side ever waits for the other.
#include "apps/support/child_process.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

extern char** environ;

namespace jsc {

namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File temporary_file() {
  return {std::tmpfile(), std::fclose};
}

std::string content(std::FILE* file) {
  std::string text;
  std::array<char, 4096> buffer{};
  std::rewind(file);
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), file))
    text.append(buffer.data(), n);
  return text;
}

}  // namespace

ChildOutput run_child(const std::vector<std::string>& command, std::string_view input) {
  const std::string& name = command.at(0);
  const auto problem = [&](std::string_view what, int error) {
    return ChildOutput{"", fmt::format("{}: {}: {}", name, what, std::strerror(error)), error == ENOENT};
  };
  const File in = temporary_file(), out = temporary_file(), err = temporary_file();
  if (!in || !out || !err) return problem("no temporary file", errno);
  if (std::fwrite(input.data(), 1, input.size(), in.get()) != input.size() || std::fflush(in.get()) != 0)
    return problem("could not write its input", errno);
  std::rewind(in.get());

  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, fileno(in.get()), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, fileno(out.get()), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, fileno(err.get()), STDERR_FILENO);
  // In a process group of its own: an interrupt from the terminal is for us, who let the child end its work.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t child = 0;
  const int spawned = posix_spawnp(&child, name.c_str(), &files, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (spawned != 0) return problem("could not be started", spawned);

  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return problem("was lost", errno);
  ChildOutput result;
  result.out = content(out.get());
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return result;
  std::string message = content(err.get());
  std::replace(message.begin(), message.end(), '\n', ' ');
  result.problem = fmt::format("{} failed (status {}): {}", name, status, message);
  return result;
}

}  // namespace jsc
