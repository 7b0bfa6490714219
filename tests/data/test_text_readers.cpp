// CSV and ARFF: what is read, and what is refused with which words.
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "apps/data/dataset.hpp"
#include "apps/data/split.hpp"
#include "apps/support/atomic_file.hpp"
#include "tests/data/temporary_folder.hpp"

using namespace jsc;
using Names = std::vector<std::string>;
using Labels = std::vector<std::int32_t>;

namespace {

struct TextFile {
  TemporaryFolder folder;
  std::string path;
  explicit TextFile(const std::string& text, const std::string& name = "a.csv") : path(folder / name) {
    write_file(path, text);
  }
};

Dataset load_text(const std::string& text, const LoadOptions& options = {},
                  const std::string& name = "a.csv") {
  return load_dataset(TextFile(text, name).path, options);
}

// The error without the folder.
std::string error_of(const std::string& text, const LoadOptions& options = {},
                     const std::string& name = "a.csv") {
  const TextFile file(text, name);
  try {
    load_dataset(file.path, options);
  } catch (const Error& error) {
    const std::string message = error.what();
    return message.starts_with(file.path) ? message.substr(file.path.size() - name.size()) : message;
  }
  return "no error";
}

std::vector<float> values(const Dataset& data) {
  return {data.x.get(), data.x.get() + data.rows * data.features};
}

}  // namespace

TEST_CASE("a CSV file with names and class names is read") {
  const Dataset data = load_text("a,j_b,class\n1,2.5,w\n-3e-2,+4,g\n5,6,w\n");
  CHECK(data.feature_names == Names{"a", "b"});
  CHECK(data.class_names == Names{"g", "w"});
  CHECK(data.labels == Labels{1, 0, 1});
  CHECK(values(data) == std::vector<float>{1, 2.5F, -0.03F, 4, 5, 6});
}

TEST_CASE("CSV syntax: quotes, CRLF, blanks, other delimiters, a byte-order mark, no newline at the end") {
  const Names forms = {"a,b,class\r\n1,2,x\r\n3,4,y\r\n",
                       "\"a\",\"b\",\"class\"\n\"1\",2,\"x\"\n3,\"4\",\"y\"\n",
                       "a;b;class\n1;2;x\n3;4;y\n",
                       "a\tb\tclass\n1\t2\tx\n3\t4\ty",
                       "\xEF\xBB\xBF"
                       "a,b,class\n1,2,x\n3,4,y\n",
                       "\na, b ,class\n\n 1 , 2,  x\n3,4,y\n\n",
                       ",a,b,class\n0,1,2,x\n1,3,4,y\n",
                       "class,a,b\nx,1,2\ny,3,4\n"};
  for (const std::string& text : forms) {
    INFO(text);
    const Dataset data = load_text(text);
    CHECK(data.feature_names == Names{"a", "b"});
    CHECK(data.class_names == Names{"x", "y"});
    CHECK(values(data) == std::vector<float>{1, 2, 3, 4});
    CHECK(data.labels == Labels{0, 1});
  }
  CHECK(load_text("a,class\n1,\"x \"\"1\"\", y\"\n2,z\n").class_names == Names{"x \"1\", y", "z"});
}

TEST_CASE("a CSV file without names: the only text, or the last column, is the label") {
  CHECK(load_text("1,2,x\n3,4,y\n").labels == Labels{0, 1});
  CHECK(load_text("x,1,2\ny,3,4\n").labels == Labels{0, 1});
  const Dataset data = load_text("1,2,0\n3,4,2\n5,6,1\n");
  CHECK(data.labels == Labels{0, 2, 1});
  CHECK(data.class_names == Names{"0", "1", "2"});
  CHECK(data.feature_names == Names{"x0", "x1"});
  CHECK(load_text("0,1,class\n3,4,2\n5,6,1\n").feature_names == Names{"0", "1"});
}

TEST_CASE("labels may be one-hot, by value, by name or by the classes expected") {
  const std::string text = "a,j_g,j_t,b\n7,0,1,5\n8,1,0,6\n";
  const Dataset data = load_text(text);
  CHECK(data.feature_names == Names{"a", "b"});
  CHECK(data.class_names == Names{"g", "t"});
  CHECK(data.labels == Labels{1, 0});
  LoadOptions options;
  options.class_order = {"t", "g"};
  CHECK(load_text(text, options).labels == Labels{0, 1});
  LoadOptions by_name;
  by_name.label = "j_t,g";
  CHECK(load_text(text, by_name).class_names == Names{"t", "g"});
}

TEST_CASE("columns are found by name in any order, with or without the prefix") {
  LoadOptions options;
  options.feature_names = {"c", "a"};
  options.class_order = {"y", "x"};
  const Dataset data = load_text("j_a,name,j_c,class\n1,text,3,x\n4,more,6,y\n", options);
  CHECK(values(data) == std::vector<float>{3, 1, 6, 4});
  CHECK(data.labels == Labels{1, 0});
  CHECK(error_of("a,b,class\n1,2,x\n3,4,y\n", options) == "a.csv: expected a column 'c', found a, b, class");
}

TEST_CASE("a file without labels is read for inference only") {
  LoadOptions options;
  options.label_policy = LabelPolicy::optional;
  options.feature_names = {"a", "b"};
  CHECK_FALSE(load_text("a,b\n1,2\n3,4\n", options).labelled());
  CHECK_FALSE(load_text("1,2\n3,4\n", options).labelled());
  CHECK(load_text("1,2,x\n", options).labelled());
  options.label_policy = LabelPolicy::required;
  CHECK(error_of("a,b\n1,2\n3,4\n", options) ==
        "a.csv: expected a label column (class, label, target, y, or one-hot columns), found none");
  options.feature_names.clear();
  options.feature_count = 5;
  CHECK(error_of("a,b,class\n1,2,x\n3,4,y\n", options) == "a.csv: expected 5 features, found 2");
}

TEST_CASE("what is wrong with a CSV file is said with line and column") {
  const std::string head = "a,b,class\n1,2,x\n";
  CHECK(error_of(head + "3,y\n") == "a.csv, line 3, column 3: expected 3 cells, found 2");
  CHECK(error_of(head + "\n3,4,y,5\n") == "a.csv, line 4, column 4: expected 3 cells, found 4");
  CHECK(error_of(head + "3,four,y\n") == "a.csv, line 3, column 2 'b': expected a number, found 'four'");
  CHECK(error_of(head + "3,4 5,y\n") == "a.csv, line 3, column 2 'b': expected a number, found '4 5'");
  CHECK(error_of(head + "3,nan,y\n") == "a.csv, line 3, column 2 'b': expected a finite number, found 'nan'");
  CHECK(error_of(head + "3,-inf,y\n") ==
        "a.csv, line 3, column 2 'b': expected a finite number, found '-inf'");
  CHECK(error_of(head + "3,1e999,y\n") ==
        "a.csv, line 3, column 2 'b': expected a finite number, found '1e999'");
  CHECK(error_of(head + "3,,y\n") == "a.csv, line 3, column 2 'b': expected a finite number, found ''");
  CHECK(error_of(head + "3,4,\n") == "a.csv, line 3, column 3 'class': expected a class, found ''");
  CHECK(error_of(head + "3,\"4,y\n") ==
        "a.csv, line 3, column 2 'b': expected a closing \", found the end of the line");
  CHECK(error_of(head + "3,\"4\"z,y\n") ==
        "a.csv, line 3, column 2 'b': expected ',' after a quoted cell, found 'z'");
  CHECK(error_of("") == "a.csv: expected rows of data, found an empty file");
  CHECK(error_of("\n\n") == "a.csv: expected rows of data, found an empty file");
  CHECK(error_of("a,b,class\n") == "a.csv: expected rows of data, found a line of names only");
  CHECK(error_of(head + "3,4,x\n") == "a.csv: expected at least two classes, found only 'x'");
  CHECK(error_of("a,b\n1,0.5\n2,1\n") ==
        "a.csv, row 1, column 'b': expected a class index from 0 to 999, found 0.5");
  CHECK(error_of("1\n0\n") == "a.csv: expected feature columns beside the label, found none");
  CHECK(error_of(std::string("1,2\0,x\n", 7)) == "a.csv: expected CSV text, found a zero byte");
  CHECK(error_of("{}", {}, "a.npy") ==
        "a.npy: expected the first bytes of a .npy file, found another format");
  LoadOptions options;
  options.class_order = {"x", "z"};
  CHECK(error_of(head + "3,4,y\n", options) == "a.csv: unknown class 'y': expected one of x, z");
  CHECK(error_of("1,0\n2,2\n", options) == "a.csv: unknown class 2: expected an index below 2 (x, z)");
  options.label = "truth";
  CHECK(error_of(head, options) == "a.csv: expected a column 'truth', found a, b, class");
  CHECK_THROWS_WITH(load_dataset("/nowhere/a.csv"), "/nowhere/a.csv: cannot open: No such file or directory");
}

TEST_CASE("rows with missing or non-finite cells are dropped or kept when asked") {
  const std::string text = "a,b,class\n1,2,x\n,4,y\n5,inf,y\n7,8,?\n9,10,y\n";
  LoadOptions options;
  options.non_finite = NonFinite::drop;
  const Dataset data = load_text(text, options);
  CHECK(values(data) == std::vector<float>{1, 2, 9, 10});
  CHECK(data.labels == Labels{0, 1});
  REQUIRE(data.warnings.size() == 1);
  CHECK_THAT(data.warnings[0], Catch::Contains("dropped 3 of 5 rows"));
  options.non_finite = NonFinite::keep;
  const Dataset kept = load_text(text, options);
  CHECK(kept.rows == 5);
  CHECK(std::isnan(kept.row(1)[0]));
  CHECK(kept.labels == Labels{0, 1, 1, -1, 1});
}

TEST_CASE("numbers too small for float32 are read as a cast from double would give") {
  const Dataset data = load_text("a,class\n1e-40,x\n1e-60,y\n1e-999,y\n3.4028235e38,x\n");
  CHECK(values(data) == std::vector<float>{1e-40F, 0, 0, 3.4028235e38F});
}

TEST_CASE("the threads do not change what is read, nor which error is reported") {
  std::string text = "a,b,class\n";
  for (int i = 0; i < 300000; ++i) text += fmt::format("{},{},c{}\n", i, i * 0.25, (i / 1000 * 7) % 11);
  LoadOptions two;
  two.threads = 2;
  std::int64_t reported = 0, total = 0;
  two.progress = [&](std::int64_t done, std::int64_t all) { reported = done, total = all; };
  const TextFile file(text);
  const Dataset a = load_dataset(file.path), b = load_dataset(file.path, two);
  CHECK(a.rows == 300000);
  CHECK(values(a) == values(b));
  CHECK(a.labels == b.labels);
  CHECK(a.class_names == b.class_names);
  CHECK(reported == total);
  CHECK(a.row(299999)[1] == 74999.75F);
  text.replace(text.find("250000,"), 6, "broken");
  text += "worse,1,c1\n";
  for (int threads : {1, 2}) {
    LoadOptions options;
    options.threads = threads;
    CHECK(error_of(text, options) == "a.csv, line 250002, column 1 'a': expected a number, found 'broken'");
  }
}

TEST_CASE("an ARFF file is read, its nominal values give the order of the classes") {
  const Dataset data = load_text(
      "% comment\n@RELATION 'some jets'\n\n@ATTRIBUTE \"first one\" REAL\n@attribute b numeric\n"
      "@ATTRIBUTE class {z, 'g', q}\n@DATA\n% more\n1,2,g\n\n'3',4,z\n5,6,'g'\n",
      {}, "a.arff");
  CHECK(data.feature_names == Names{"first one", "b"});
  CHECK(data.class_names == Names{"z", "g", "q"});
  CHECK(data.labels == Labels{1, 0, 1});
  CHECK(values(data) == std::vector<float>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("what is wrong with an ARFF file is said") {
  const std::string head = "@RELATION r\n@ATTRIBUTE a REAL\n@ATTRIBUTE class {x,y}\n";
  const auto error = [&](const std::string& text) { return error_of(text, {}, "a.arff"); };
  CHECK(error(head) == "a.arff: expected a line @DATA, found the end of the file");
  CHECK(error(head + "@DATA\n") == "a.arff: expected rows of data, found none");
  CHECK(error(head + "@DATA\n{0 1, 1 x}\n") ==
        "a.arff, line 5: expected cells between commas, found a sparse row {...}, which is not read");
  CHECK(error(head + "@DATA\n1,x\n2\n") == "a.arff, line 6, column 2: expected 2 cells, found 1");
  CHECK(error(head + "@DATA\n1,x\n2,w\n") == "a.arff: unknown class 'w': expected one of x, y");
  CHECK(error("@ATTRIBUTE d DATE\n") ==
        "a.arff, line 1: expected the type numeric, real, integer, string or {...}, found 'date'");
  CHECK(error("@FOO\n") == "a.arff, line 1: expected @RELATION, @ATTRIBUTE or @DATA, found '@foo'");
  CHECK(error("@DATA\n1,2\n") == "a.arff: expected @ATTRIBUTE lines before @DATA, found none");
}

TEST_CASE("a thousand real jets are read") {
  const std::string path = JSC_PROJECT_ROOT "/../shared/jsc/jets_1000.csv";
  if (!std::filesystem::exists(path)) {
    WARN("skipped: " << path << " is not there");
    return;
  }
  const Dataset data = load_dataset(path);
  CHECK(data.rows == 1000);
  CHECK(data.features == 16);
  CHECK(data.class_names == Names{"g", "q", "t", "w", "z"});
  std::vector<int> count(5);
  for (std::int32_t label : data.labels) ++count[static_cast<std::size_t>(label)];
  CHECK(count == std::vector<int>{219, 216, 191, 182, 192});
  CHECK(data.row(0)[0] == -2.34414F);
  CHECK(data.row(1)[15] == 39.0F);
}
