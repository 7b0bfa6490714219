// Named settings with one precedence: default < config file < command line. One table drives the flags, the
// config file's keys, the checks, the printed table of effective values and the config.toml of a run folder.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace CLI {
class App;
}

namespace toml {
inline namespace v3 {
class node;
}
}  // namespace toml

namespace jsc {

class Settings {
 public:
  using Target = std::variant<std::string*, std::int64_t*, double*, bool*>;
  enum class Kind { text, integer, number, flag };  // of the target, in its order

  struct Range {
    double low, high;
    bool open_low = false;  // low itself is excluded
    bool open_high = false;
  };

  // Adds a setting; *target holds its default. The flag is --key with "_" written "-".
  Settings& add(std::string key, Target target, std::string help);
  // Restrictions on the setting added last.
  Settings& range(double low, double high);
  Settings& range(Range range);
  Settings& choices(std::vector<std::string> choices);
  Settings& alias(std::string config_key);  // another spelling accepted in config files (MASE's)
  Settings& array();       // text that a config file may also give as an array, joined with commas
  Settings& positional();  // on the command line an argument by place, not a flag

  void add_flags(CLI::App& app);
  // Values from a TOML file; the string "NA" is no value. Its tables (not plain values) named in `tables` are
  // left to others, its keys named in `unused` are left alone and returned in the order of the file. Throws
  // Error naming file, line, key, expected and found; unknown keys are errors with the nearest known one.
  std::vector<std::string> read_config(const std::string& path, const std::vector<std::string>& tables = {},
                                       const std::vector<std::string>& unused = {});
  // For those of `keys` that neither a flag nor a config file has set: their values in the config file of
  // another command (a run's config.toml), whose other keys are left alone. After resolve(), with the checks
  // of read_config().
  void inherit(const std::string& path, const std::vector<std::string>& keys);
  // By a flag or a config file; after resolve().
  bool is_set(std::string_view key) const;
  // Applies config values, then flags, to the targets. Throws Error naming the flag or file.
  void resolve();

  // Sets one target after resolve(), with the checks of a flag; `where` begins the message. The key must
  // exist.
  void set(std::string_view key, const std::string& text, const std::string& where);
  Kind kind(std::string_view key) const;

  // The same settings, but each takes text for someone else to read (a list of values): it goes to
  // texts[key], which holds the default. Those in `unchanged` stay as they are, with the target they have.
  Settings list_form(std::map<std::string, std::string>& texts,
                     const std::vector<std::string>& unchanged) const;

  // Keys set by a flag.
  std::vector<std::string> given_flags() const;

  struct Row {
    std::string key, default_value, config_value, flag_value, effective;
    std::string where;  // "--key", "config 'F.toml', line 3: 'key'", or the key for a default
  };
  std::vector<Row> rows() const;
  bool has_config() const { return has_config_; }
  // The effective values as TOML, one line a key, in order of addition.
  std::string to_toml() const;

 private:
  struct Entry {
    std::string key, help, default_text;
    Target target;
    std::vector<Range> ranges;  // none or one
    std::vector<std::string> choices;
    std::vector<std::string> aliases;
    std::string config_text, config_where;
    std::vector<std::string> flag_text;
    bool in_config = false;
    bool is_positional = false;
    bool is_list = false;
    bool takes_array = false;
  };
  Entry* find(std::string_view key);
  const Entry& entry(std::string_view key) const;
  static std::string config_text(const Entry& entry, const toml::node& node, const std::string& where);
  static void assign(const Entry& entry, const std::string& text, const std::string& where);

  std::vector<Entry> entries_;
  std::map<std::string, int> flag_counts_;
  bool has_config_ = false;
};

// An option beside the settings whose value may not be empty.
void add_text_option(CLI::App& app, const std::string& flag, std::string& text, const std::string& help);

// A string as TOML writes it, in quotes.
std::string toml_string(const std::string& text);

}  // namespace jsc
