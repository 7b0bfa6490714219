#include <catch2/catch.hpp>

#include <fstream>
#include <memory>
#include <random>
#include <regex>

#include "apps/checkpoint/checkpoint.hpp"
#include "apps/checkpoint/content_hash.hpp"
#include "apps/checkpoint/verification_files.hpp"
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
  TensorFile written = sample_file();
  written.metadata[kContentHash] = content_hash(written);
  CHECK(file.metadata == written.metadata);
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

namespace {

struct TrainedTiny {
  ModelContext context{find_model("jsc-tiny"), {}, {"g", "q", "t", "w", "z"}, {}};
  Graph graph;
  std::unique_ptr<Optimizer> optimizer;
  TrainingState state;

  TrainedTiny() {
    for (int i = 0; i < 16; ++i) {
      context.feature_names.push_back("f" + std::to_string(i));
      context.scaler.mean.push_back(0.1 * i);
      context.scaler.scale.push_back(1 + 0.1 * i);
    }
    graph = build_model(context.model, 16, 5);
    graph.initialize(3);
    optimizer = make_optimizer({}, graph.parameter_count());
    for (const Optimizer::StateArray& array : optimizer->state()) std::ranges::fill(array.values, 0.25f);
    state.data_hash = "of the data";
  }
};

// In place: writing the file anew thousands of times waits for the disk.
void put_byte(const std::string& path, std::size_t at, char byte) {
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out)
      .seekp(static_cast<std::streamoff>(at))
      .put(byte);
}

std::string without_content_hash(std::string bytes, const std::string& version) {
  const auto replace = [&](const std::regex& pattern, const std::string& by) {
    REQUIRE(std::regex_search(bytes, pattern));
    bytes = std::regex_replace(bytes, pattern, by, std::regex_constants::format_first_only);
  };
  const std::string same_length(std::string("\"content_hash\":\"0123456789abcdef\",").size(), ' ');
  replace(std::regex("\"content_hash\":\"[0-9a-f]{16}\","), same_length);
  replace(std::regex("\"version\":\"2\""), "\"version\":\"" + version + "\"");
  return bytes;
}

}  // namespace

TEST_CASE("a bit flipped anywhere in a checkpoint is refused") {
  const TemporaryFolder folder;
  TrainedTiny tiny;
  const std::string best = folder / "best.safetensors", last = folder / "last.safetensors";
  save_checkpoint(best, tiny.graph, tiny.context);
  save_checkpoint(last, tiny.graph, tiny.context, tiny.state, *tiny.optimizer);
  for (const std::string& path : {best, last}) {
    CAPTURE(path);
    CHECK(state_hash(load_checkpoint(path).graph) == state_hash(tiny.graph));
    const std::string whole = read_text(path);
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
      const char byte = whole[bit / 8];
      put_byte(path, bit / 8, static_cast<char>(byte ^ (1 << (bit % 8))));
      bool refused = false;
      try {
        load_checkpoint(path);
      } catch (const Error& error) {
        refused = std::string_view(error.what()).starts_with(path);
      }
      if (!refused) FAIL_CHECK("bit " << bit % 8 << " of byte " << bit / 8);
      put_byte(path, bit / 8, byte);
    }
  }
}

TEST_CASE("any byte of a checkpoint may be wrong and nothing worse than an Error happens") {
  const TemporaryFolder folder;
  const std::string path = folder / "c.safetensors";
  const TrainedTiny tiny;
  save_checkpoint(path, tiny.graph, tiny.context);
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  // Without the hash, so that what follows is reached.
  const std::string whole = without_content_hash(read_text(path), "1");
  write_file(path, whole);
  int refused = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::size_t at = random() % whole.size();
    put_byte(path, at, static_cast<char>(random()));
    try {
      load_checkpoint(path);
    } catch (const Error&) {
      ++refused;
    }
    put_byte(path, at, whole[at]);
  }
  CHECK(refused > 300);  // the rest hit the scaler, names, spaces, or put back the same byte
}

TEST_CASE("a checkpoint from before the content hash loads, and a later one needs it") {
  const TemporaryFolder folder;
  const std::string path = folder / "c.safetensors";
  const TrainedTiny tiny;
  save_checkpoint(path, tiny.graph, tiny.context);
  const std::string whole = read_text(path);
  write_file(path, without_content_hash(whole, "1"));
  CHECK(state_hash(load_checkpoint(path).graph) == state_hash(tiny.graph));
  write_file(path, without_content_hash(whole, "2"));
  CHECK_THROWS_WITH(load_checkpoint(path),
                    path + ": not a jsc checkpoint: its metadata has no 'content_hash'");
  write_file(path, without_content_hash(whole, "3"));
  CHECK_THROWS_WITH(load_checkpoint(path), path + ": expected checkpoint version 1 or 2, found '3'");
}

TEST_CASE("a model whose name is not UTF-8 is stored as text that its hash fits") {
  const TemporaryFolder folder;
  const std::string path = folder / "c.safetensors";
  TrainedTiny tiny;
  tiny.context.model.name = "caf\xe9";
  save_checkpoint(path, tiny.graph, tiny.context);
  CHECK(load_checkpoint(path).context.model.name == "caf\xef\xbf\xbd");
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

namespace {

// With the widest weights that the accumulator's casts take: 54 bits of magnitude beside the input's 7.
IntegerFile two_features_to_three_classes() {
  IntegerStep relu, dense;
  relu.operation = Operation::relu;
  relu.inputs = {0};
  relu.output = 1;
  dense.operation = Operation::dense;
  dense.inputs = {1};
  dense.output = 2;
  dense.weight_format = {55, 55};
  dense.weights.assign(6, 1);
  dense.accumulator = fixed::Format{16, 16};
  IntegerFile file;
  file.program.values = {{"x", 2, 0, {}}, {"relu", 2, 0, {}}, {"y", 3, 0, {}}};
  file.program.inputs = {{0, fixed::Format{8, 8}}};
  file.program.steps = {relu, dense};
  file.program.result = 2;
  file.feature_names = {"a", "b"};
  file.class_names = {"g", "q", "t"};
  return file;
}

}  // namespace

TEST_CASE("an integer network needs a name for each class") {
  const TemporaryFolder folder;
  const std::string path = folder / "integer.safetensors";
  IntegerFile file = two_features_to_three_classes();
  save_integer_network(path, file);
  CHECK(load_integer_network(path).class_names == file.class_names);
  for (const std::vector<std::string>& names :
       std::vector<std::vector<std::string>>{{}, {"g", "q"}, {"g", "q", "t", "w"}}) {
    file.class_names = names;
    save_integer_network(path, file);
    CHECK_THROWS_WITH(load_integer_network(path),
                      path + ": expected 3 class names, found " + std::to_string(names.size()));
  }
}

TEST_CASE("an integer network with an accumulator that is too wide is refused by its file's name") {
  const TemporaryFolder folder;
  const std::string path = folder / "integer.safetensors";
  IntegerFile file = two_features_to_three_classes();
  file.program.steps[1].weight_format = {56, 56};
  save_integer_network(path, file);
  CHECK_THROWS_WITH(load_integer_network(path),
                    path +
                        ": integer network, step 1 (dense): an accumulator's casts need 62 bits, expected "
                        "at most 61");
}

TEST_CASE("a network that was refuted does not take the place of a verified one") {
  const TemporaryFolder folder;
  const std::string path = folder / "integer.safetensors";
  IntegerFile network = two_features_to_three_classes();
  const VerificationFiles good = save_verification(folder / "", {{"verified", true}}, network);
  CHECK(good.network == path);
  const std::string verified = read_text(path);
  network.program.steps[1].weights[0] ^= 1;
  const VerificationFiles refuted = save_verification(folder / "", {{"verified", false}}, network);
  CHECK(refuted.network.empty());
  CHECK((read_text(path) == verified));  // too long to show
  CHECK(read_text(refuted.certificate) == "{\n  \"verified\": false\n}\n");
}
