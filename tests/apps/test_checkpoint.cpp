#include <catch2/catch.hpp>

#include <random>

#include "apps/checkpoint/checkpoint.hpp"
#include "apps/support/atomic_file.hpp"
#include "apps/support/mapped_file.hpp"
#include "graph/state_dict.hpp"
#include "tests/data/temporary_folder.hpp"

using namespace jsc;

namespace {

std::string read_text(const std::string& path) {
  return std::string(MappedFile(path).bytes());
}

TensorFile sample_file() {
  TensorFile file;
  file.metadata["about"] = "two tensors";
  const std::vector<float> a = {1, 2, 3, 4, 5, 6};
  const std::vector<std::int64_t> b = {-7};
  file.tensors["a"] = StoredTensor::of<float>(Dtype::f32, {2, 3}, a);
  file.tensors["b"] = StoredTensor::of<std::int64_t>(Dtype::i64, {}, b);
  return file;
}

}  // namespace

TEST_CASE("a safetensors file reads back as it was written") {
  const TemporaryFolder folder;
  const std::string path = folder / "t.safetensors";
  write_safetensors(path, sample_file());
  const TensorFile file = read_safetensors(path);
  CHECK(file.metadata == sample_file().metadata);
  CHECK(file.tensors.at("a").values<float>() == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(file.tensors.at("a").shape == std::vector<std::int64_t>{2, 3});
  CHECK(file.tensors.at("b").values<std::int64_t>() == std::vector<std::int64_t>{-7});
  CHECK(file.tensors.at("b").shape.empty());
}

TEST_CASE("a safetensors file cut anywhere is refused") {
  const TemporaryFolder folder;
  const std::string path = folder / "t.safetensors";
  write_safetensors(path, sample_file());
  const std::string whole = read_text(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_file(path, whole.substr(0, size));
    CHECK_THROWS_AS(read_safetensors(path), Error);
  }
}

TEST_CASE("headers that lie are refused before anything is allocated") {
  const TemporaryFolder folder;
  const std::string path = folder / "t.safetensors";
  const auto refuse = [&](const std::string& header, const std::string& body, const std::string& words) {
    const std::uint64_t size = header.size();
    write_file(path, std::string(reinterpret_cast<const char*>(&size), 8) + header + body);
    CHECK_THROWS_WITH(read_safetensors(path), Catch::Contains(words));
  };
  refuse(R"({"a":{"dtype":"F32","shape":[4000000000,4000000000],"data_offsets":[0,4]}})", "1234",
         "more bytes than the file has");
  refuse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", "1234", "outside the file");
  refuse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", "1234", "outside the file");
  refuse(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "1234", "not a non-negative integer");
  refuse(R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", "1234", "unknown dtype 'F16'");
  refuse(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "12345678",
         "expected 8 bytes for its shape, found 4");
  refuse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "12345678",
         "expected 4 bytes of tensors, found 8");
  refuse(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "12345678", "leave a hole");
  refuse(R"({"a":{"dtype":"F32"}})", "", "should have dtype, shape and two data_offsets");
  refuse(R"({"__metadata__":{"a":1}})", "", "should be a string");
  refuse(R"({"a":{"dtype":"F32","shape":[0,9223372036854775809],"data_offsets":[0,0]}})", "",
         "more bytes than the file has");
  refuse("[]", "", "not a JSON object");
  refuse("nonsense", "", "not a JSON object");
}

TEST_CASE("any byte of a checkpoint may be wrong and nothing worse than an Error happens") {
  const TemporaryFolder folder;
  const std::string path = folder / "c.safetensors";
  ModelContext context{
      find_model("jsc-tiny"), std::vector<std::string>(16, "f"), {"g", "q", "t", "w", "z"}, {}};
  for (std::size_t i = 0; i < 16; ++i) context.feature_names[i] += std::to_string(i);
  Graph graph = build_model(context.model, 16, 5);
  graph.initialize(3);
  save_checkpoint(path, graph, context);
  CHECK(state_hash(load_checkpoint(path).graph) == state_hash(graph));

  const std::string whole = read_text(path);
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  int refused = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string bytes = whole;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    write_file(path, bytes);
    try {
      load_checkpoint(path);
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused > 500);  // the rest hit names, spaces, or put back the same byte
}

TEST_CASE("weights that do not fit the model are refused by name") {
  const Graph tiny = build_model(find_model("jsc-tiny"), 16, 5);
  const Graph toy = build_model(find_model("jsc-toy"), 16, 5);
  const auto file_of = [](const Graph& graph) {
    TensorFile file;
    for (const StateEntry& e : state_dict(graph)) {
      const std::vector<std::int64_t> shape(e.shape.begin(), e.shape.end());
      if (float* const* values = std::get_if<float*>(&e.data))
        file.tensors[e.name] =
            StoredTensor::of<float>(Dtype::f32, shape, {*values, static_cast<std::size_t>(e.size)});
      else
        file.tensors[e.name] =
            StoredTensor::of<std::int64_t>(Dtype::i64, shape, {std::get<std::int64_t*>(e.data), 1});
    }
    return file;
  };
  CHECK_NOTHROW(load_state(tiny, file_of(tiny), "f"));
  CHECK_THROWS_WITH(load_state(toy, file_of(tiny), "f"),
                    Catch::Contains("expected shape [8, 16], found [5, 16]"));
  TensorFile missing = file_of(tiny);
  missing.tensors.erase("seq_blocks.2.bias");
  CHECK_THROWS_WITH(load_state(tiny, missing, "f"),
                    "f: has no tensor 'seq_blocks.2.bias', which the model needs");
  TensorFile more = file_of(tiny);
  more.tensors["other"] = more.tensors.at("seq_blocks.2.bias");
  CHECK_THROWS_WITH(load_state(tiny, more, "f"), "f: tensor 'other' is not part of the model");
  TensorFile typed = file_of(tiny);
  typed.tensors.at("seq_blocks.2.bias").dtype = Dtype::i32;
  CHECK_THROWS_WITH(load_state(tiny, typed, "f"), Catch::Contains("expected type F32, found I32"));
}
