// HDF5 and NumPy files made by h5py and NumPy (tests/golden/make_data_golden.py), round trips, and damaged
// files.
#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "apps/data/dataset.hpp"
#include "apps/data/duplicates.hpp"
#include "apps/data/emulator.hpp"
#include "apps/data/writers.hpp"
#include "apps/support/atomic_file.hpp"
#include "apps/support/mapped_file.hpp"
#include "tests/data/temporary_folder.hpp"

using namespace jsc;
using Names = std::vector<std::string>;
using Labels = std::vector<std::int32_t>;

namespace {

const std::string kFiles = JSC_PROJECT_ROOT "/tests/golden/data_files/";

std::vector<float> values(const Dataset& data) {
  return {data.x.get(), data.x.get() + data.rows * data.features};
}

void check_six_rows(const Dataset& data, bool whole_numbers = false) {
  REQUIRE(data.rows == 6);
  REQUIRE(data.features == 3);
  for (Index i = 0; i < 6; ++i) {
    const float n = static_cast<float>(i);
    CHECK(data.row(i)[0] == n + (whole_numbers ? 0.0F : 0.5F));
    CHECK(data.row(i)[1] == 10 * n);
    CHECK(data.row(i)[2] == -n);
  }
  CHECK(data.labels == Labels{0, 1, 2, 0, 1, 2});
}

// Without the flush to disk of write_file: the loops below write thousands of files.
void overwrite(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string bytes_of(const std::string& path) {
  return std::string(MappedFile(path).bytes());
}

// The error without the folder, or "" when the file is read.
std::string error_of(const std::string& path, const LoadOptions& options = {}) {
  try {
    load_dataset(path, options);
  } catch (const Error& error) {
    const std::string message = error.what(), folder = path.substr(0, path.rfind('/') + 1);
    return message.starts_with(folder) ? message.substr(folder.size()) : message;
  }
  return "";
}

}  // namespace

TEST_CASE("arrays of NumPy are read in every layout") {
  check_six_rows(load_dataset(kFiles + "x.npy"));
  check_six_rows(load_dataset(kFiles + "x.npy," + kFiles + "y.npy"));
  check_six_rows(load_dataset(kFiles + "big_endian_f8.npy"));
  check_six_rows(load_dataset(kFiles + "fortran_f4.npy"));
  check_six_rows(load_dataset(kFiles + "version2.npy"));
  check_six_rows(load_dataset(kFiles + "plain.npz"));
  check_six_rows(load_dataset(kFiles + "packed.npz"));
}

TEST_CASE("HDF5 files of h5py are read: records, arrays, one array") {
  LoadOptions options;
  options.feature_names = {"a", "b", "c"};
  options.label = "p,q,r";
  const Dataset records = load_dataset(kFiles + "records.h5", options);
  check_six_rows(records);
  CHECK(records.class_names == Names{"p", "q", "r"});
  const Dataset all = load_dataset(kFiles + "records.h5");
  CHECK(all.feature_names == Names{"a", "b", "count", "c"});
  CHECK(all.labels == records.labels);
  check_six_rows(load_dataset(kFiles + "arrays.h5"));
  check_six_rows(load_dataset(kFiles + "one_array.h5"), true);
}

TEST_CASE("a data set survives each format to the bit") {
  const TemporaryFolder folder;
  const Dataset data = emulated_dataset(3001, 5, 1);
  for (const std::string name : {"a.csv", "a.h5", "a.npy", "X.npy"}) {
    const std::string path = folder / name;
    write_dataset(path, data);
    for (int threads : {1, 2}) {
      LoadOptions options;
      options.threads = threads;
      options.class_order = data.class_names;
      options.feature_names = data.feature_names;
      const Dataset read = load_dataset(path, options);
      INFO(name);
      CHECK(values(read) == values(data));
      CHECK(read.labels == data.labels);
      CHECK(dataset_hash(read) == dataset_hash(data));
    }
  }
  CHECK(std::filesystem::exists(folder / "a_y.npy"));
  CHECK(std::filesystem::exists(folder / "y.npy"));
  for (const std::string name :
       {"a.csv", "a.h5"})  // also where nobody says which classes come in which order
    CHECK(dataset_hash(load_dataset(folder / name)) == dataset_hash(data));
  CHECK(folder.entries() == 6);
}

TEST_CASE("a data set that cannot be written says so and leaves nothing") {
  const TemporaryFolder folder;
  const Dataset data = emulated_dataset(10, 5, 1);
  for (const std::string name : {"a.csv", "a.h5", "a.npy"})
    CHECK_THROWS_WITH(write_dataset(folder / ("no/" + name), data),
                      Catch::Contains("No such file or directory"));
  CHECK_THROWS_WITH(write_dataset(folder / "a.txt", data),
                    Catch::Contains("expected a name that ends in .csv, .h5, .hdf5 or .npy, found '.txt'"));
  CHECK(folder.entries() == 0);
}

TEST_CASE("what is wrong with an HDF5 file is said") {
  CHECK(error_of(kFiles + "rank3.h5") == "rank3.h5, dataset X: expected 1 or 2 dimensions, found 3");
  CHECK(error_of(kFiles + "empty.h5") ==
        "empty.h5: expected a dataset t_allpar_new, or arrays X and y, found none");
  LoadOptions options;
  options.feature_names = {"nothing"};
  CHECK(error_of(kFiles + "records.h5", options) ==
        "records.h5, dataset jets: expected a column 'nothing', found j_a, j_b, count, j_c, j_p, j_q, j_r");
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  write_file(path, "no such magic");
  CHECK(error_of(path) == "a.h5: expected the first bytes of a .h5 file, found another format");
  const std::string whole = bytes_of(kFiles + "arrays.h5");
  write_file(path, whole.substr(0, whole.size() / 2));
  CHECK_THAT(error_of(path), Catch::StartsWith("a.h5: not a readable HDF5 file: truncated file"));
}

TEST_CASE("what is wrong with a NumPy file is said") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.npy";
  const std::string whole = bytes_of(kFiles + "version2.npy");
  const auto error_with = [&](const std::string& from, const std::string& to) {
    std::string bytes = whole;
    bytes.replace(bytes.find(from), from.size(), to);
    write_file(path, bytes);
    return error_of(path);
  };
  CHECK(error_with("(6, 4)", "(7, 4)") ==
        "a.npy: expected the data of 7 x 4 elements of 8 bytes as the header says, found 192 bytes");
  CHECK_THAT(error_with("(6, 4), }        ", "(600000000, 4), }"), Catch::Contains("600000000 x 4 elements"));
  CHECK_THAT(error_with("(6, 4), }                  ", "(4611686018427387904, 4), }"),
             Catch::Contains("found 192"));
  CHECK(error_with("(6, 4)", "(6,-4)") == "a.npy: expected a shape of whole numbers, found (6,-4)");
  CHECK(error_with("(6, 4), }", "(6,2,2),}") == "a.npy: expected 1 or 2 dimensions, found (6,2,2)");
  CHECK(error_with("<f8", "<c8") == "a.npy: expected elements f4, f8, i1 to i8, u1 to u8 or b1, found '<c8'");
  CHECK(error_with("descr", "dtype") == "a.npy: expected 'descr' in the header, found none");
  CHECK(error_with("\x02", "\x07") == "a.npy: expected .npy version 1, 2 or 3, found 7");
  CHECK(error_with("\x93NUMPY", "\x93NUMPE") ==
        "a.npy: expected the first bytes of a .npy file, found another format");
  write_file(path, whole.substr(0, 9));
  CHECK(error_of(path) == "a.npy: truncated: expected a header, found 9 bytes");
  write_file(path, whole.substr(0, 40));
  CHECK_THAT(error_of(path), Catch::StartsWith("a.npy: truncated: expected a header of"));
  CHECK(error_of(kFiles + "x.npy," + kFiles + "none.npy").find("cannot open") != std::string::npos);
  CHECK_THAT(error_of(kFiles + "x.npy," + kFiles + "version2.npy"), Catch::Contains("one-hot"));
  std::filesystem::copy_file(kFiles + "x.npy", folder / "x.npy");
  write_npy(folder / "X.npy", emulated_dataset(7, 0, 1));
  CHECK_THAT(error_of(folder / "x.npy"), Catch::Contains("found 6 rows and 7 labels"));
}

TEST_CASE("what is wrong with an archive is said") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.npz";
  const std::string whole = bytes_of(kFiles + "plain.npz");
  write_file(path, whole.substr(0, whole.size() / 2));
  CHECK_THAT(error_of(path), Catch::StartsWith("a.npz: not a readable .npz archive: "));
  std::string renamed = whole;
  for (std::size_t at = 0; (at = renamed.find("X.npy", at)) != renamed.npos; ++at) renamed[at] = 'Q';
  write_file(path, renamed);
  CHECK(error_of(path) ==
        "a.npz: expected arrays X and y (or x, data, features with y, labels, target), found Q, y");
}

// Neither may crash, hang or ask for absurd memory: each either is read or is refused by an Error.
TEST_CASE("files cut at any byte are refused or read, never worse") {
  const TemporaryFolder folder;
  const std::string csv = "a,b,class\n1,2,\"x\"\n3,4,y\n",
                    arff = "@ATTRIBUTE a REAL\n@ATTRIBUTE 'c' {x,y}\n@DATA\n1,x\n2,'y'\n";
  const std::vector<std::pair<std::string, std::string>> files = {
      {"a.csv", csv},
      {"a.arff", arff},
      {"a.npy", bytes_of(kFiles + "version2.npy")},
      {"a.npz", bytes_of(kFiles + "packed.npz")},
      {"a.h5", bytes_of(kFiles + "arrays.h5")}};
  for (const auto& [name, whole] : files) {
    const std::string path = folder / name;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      overwrite(path, whole.substr(0, size));
      const std::string error = error_of(path);
      if (name == "a.npy" || name == "a.npz" || name == "a.h5") {
        INFO(name << " cut to " << size);
        REQUIRE_FALSE(error.empty());
        REQUIRE(error.find('\n') == error.npos);
      }
    }
  }
}

TEST_CASE("files with mutated bytes are refused or read, never worse") {
  const unsigned seed = 20240217;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const TemporaryFolder folder;
  for (const std::string name : {"version2.npy", "packed.npz", "plain.npz"}) {
    const std::string whole = bytes_of(kFiles + name), path = folder / name;
    for (int round = 0; round < 400; ++round) {
      std::string bytes = whole;
      for (unsigned change = 0; change <= random() % 4; ++change)
        bytes[random() % bytes.size()] = static_cast<char>(random() % 3 == 0 ? 0xff : random());
      overwrite(path, bytes);
      CHECK_NOTHROW(error_of(path));
    }
  }
  const std::string csv = "a,b,class\n1,2,\"x\"\n3,4,y\n";
  for (int round = 0; round < 400; ++round) {
    std::string bytes = csv;
    bytes[random() % bytes.size()] = "\",;\n\r\t @%0e-?"[random() % 14];
    overwrite(folder / "a.csv", bytes);
    CHECK_NOTHROW(error_of(folder / "a.csv"));
  }
}
