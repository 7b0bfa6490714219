#include "apps/training/event_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "engine/error.hpp"
#include "graph/state_dict.hpp"

namespace jsc {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // Castagnoli's, reflected
constexpr std::size_t kBins = 30;

std::uint32_t crc32c(const std::string& bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      t[i] = i;
      for (int bit = 0; bit < 8; ++bit) t[i] = (t[i] >> 1) ^ ((t[i] & 1) != 0 ? kPolynomial : 0);
    }
    return t;
  }();
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char c : bytes) crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

template <class T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string masked_crc(const std::string& bytes) {
  return raw(std::rotr(crc32c(bytes), 15) + 0xa282ead8U);
}

// Fields of protocol buffers: a key (number and kind), then the value.
std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string integer_field(unsigned number, std::int64_t value) {
  return varint(number << 3) + varint(static_cast<std::uint64_t>(value));
}
std::string double_field(unsigned number, double value) {
  return varint(number << 3 | 1) + raw(value);
}
std::string float_field(unsigned number, float value) {
  return varint(number << 3 | 5) + raw(value);
}
std::string bytes_field(unsigned number, const std::string& bytes) {  // strings, messages, packed numbers
  return varint(number << 3 | 2) + varint(bytes.size()) + bytes;
}

std::string event(std::int64_t step, const std::string& what) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return double_field(1, std::chrono::duration<double>(now).count()) + integer_field(2, step) + what;
}

std::string scalar(const std::string& tag, double value) {
  return bytes_field(1, bytes_field(1, tag) + float_field(2, static_cast<float>(value)));
}

// Equal bins from the smallest to the largest value; a bin's limit is its right end.
std::string histogram(const std::string& tag, const float* values, std::int64_t size) {
  const auto [low, high] = std::minmax_element(values, values + size);
  const double first = *low, last = *high, width = (last - first) / kBins;
  double sum = 0, squares = 0;
  std::vector<double> counts(width > 0 ? kBins : 1, 0.0);
  for (std::int64_t i = 0; i < size; ++i) {
    const double x = values[i];
    sum += x;
    squares += x * x;
    const double bin = width > 0 ? (x - first) / width : 0;
    ++counts[std::min(static_cast<std::size_t>(bin), counts.size() - 1)];
  }
  std::string limits, numbers;
  for (std::size_t b = 0; b < counts.size(); ++b) {
    limits += raw(b + 1 == counts.size() ? last : first + static_cast<double>(b + 1) * width);
    numbers += raw(counts[b]);
  }
  const std::string message = double_field(1, first) + double_field(2, last) +
                              double_field(3, static_cast<double>(size)) + double_field(4, sum) +
                              double_field(5, squares) + bytes_field(6, limits) + bytes_field(7, numbers);
  return bytes_field(1, bytes_field(1, tag) + bytes_field(5, message));
}

// Their names sort as they were made, which is the order TensorBoard reads them in.
std::string new_path(const RunFolder& folder) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  for (int n = 0;; ++n) {
    const std::string name = fmt::format("events.out.tfevents.{}.{:03}.jsc", seconds, n);
    if (!folder.has(name)) return folder.file(name);
  }
}

}  // namespace

EventFile::EventFile(const RunFolder& folder, std::int64_t epochs)
    : path_(new_path(folder)), file_(std::fopen(path_.c_str(), "wbxe"), std::fclose) {
  if (!file_) fail("{}: cannot create: {}", path_, std::strerror(errno));
  append(event(0, bytes_field(3, "brain.Event:2")));
  if (epochs > 0) append(event(epochs + 1, bytes_field(7, integer_field(1, 1))));  // a session starts here
}

void EventFile::add(const EpochMetrics& epoch, const Graph& graph) {
  std::string summary = scalar("loss/train", epoch.train_loss) + scalar("loss/validation", epoch.val_loss) +
                        scalar("accuracy/train", epoch.train_accuracy) +
                        scalar("accuracy/validation", epoch.val_accuracy) +
                        scalar("learning_rate", epoch.learning_rate);
  for (const StateEntry& entry : state_dict(graph))
    if (entry.name.ends_with(".weight") || entry.name.ends_with(".bias"))
      summary += histogram(entry.name, std::get<float*>(entry.data), entry.size);
  append(event(epoch.epoch + 1, bytes_field(5, summary)));
}

void EventFile::append(const std::string& event) {
  const std::string length = raw(std::uint64_t{event.size()});
  const std::string record = length + masked_crc(length) + event + masked_crc(event);
  if (std::fwrite(record.data(), 1, record.size(), file_.get()) != record.size() ||
      std::fflush(file_.get()) != 0)
    fail("{}: cannot write: {}", path_, std::strerror(errno));
}

}  // namespace jsc
