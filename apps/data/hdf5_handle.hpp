// HDF5's handles as owners, its error stack as one line of text.
#pragma once

#include <hdf5.h>

#include <string>
#include <string_view>
#include <utility>

namespace jsc {

template <herr_t (*close)(hid_t)>
class Hdf5Handle {
 public:
  Hdf5Handle() = default;
  explicit Hdf5Handle(hid_t id) : id_(id) {}
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Hdf5Handle() {
    if (id_ >= 0) close(id_);
  }
  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }

  // For a writer: closing is what finds that the disk is full.
  bool finish() { return close(std::exchange(id_, H5I_INVALID_HID)) >= 0; }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

using Hdf5File = Hdf5Handle<H5Fclose>;
using Hdf5Dataset = Hdf5Handle<H5Dclose>;
using Hdf5Type = Hdf5Handle<H5Tclose>;
using Hdf5Space = Hdf5Handle<H5Sclose>;
using Hdf5Properties = Hdf5Handle<H5Pclose>;

// Keeps HDF5 from printing its error stack while it lives.
class Hdf5Silence {
 public:
  Hdf5Silence() {
    H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Hdf5Silence() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }
  Hdf5Silence(const Hdf5Silence&) = delete;
  Hdf5Silence& operator=(const Hdf5Silence&) = delete;

 private:
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

// The innermost reason of the call that failed last.
inline std::string hdf5_reason() {
  std::string reason;
  const auto keep_first = [](unsigned, const H5E_error2_t* error, void* text) -> herr_t {
    auto& kept = *static_cast<std::string*>(text);
    if (kept.empty() && error->desc != nullptr) kept = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &reason);
  // A failed system call is described with time, file and addresses around the message that says something.
  static constexpr std::string_view kMessage = "error message = '";
  if (const auto found = reason.find(kMessage); found != reason.npos) {
    const auto begin = found + kMessage.size();
    return reason.substr(begin, reason.find('\'', begin) - begin);
  }
  return reason.empty() ? "unknown reason" : reason;
}

}  // namespace jsc
