#include "apps/sweep/sweep_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "apps/sweep/value_list.hpp"

namespace jsc {

namespace {

constexpr std::size_t kMostTrials = 100'000;
constexpr std::size_t kLongestName = 150;  // bytes; file systems take 255

// Values of these may hold commas themselves.
char separator(const std::string& key) {
  return key == "data" || key == "label" || key == "class_weights" ? ';' : ',';
}

Settings settings_of(TrainSettings& target) {
  Settings settings;
  target.add_to(settings);
  return settings;
}

std::string effective(const Settings& settings, const std::string& key) {
  for (const Settings::Row& row : settings.rows())
    if (row.key == key) return row.effective;
  return "";
}

SweptOption read_option(const std::string& key, const GivenList& given) {
  TrainSettings scratch;
  Settings settings = settings_of(scratch);
  SweptOption option{key, {}};
  std::vector<std::string> texts = {given.text};
  if (!given.text.empty()) texts = parse_values(given.text, settings.kind(key), separator(key), given.where);
  for (const std::string& text : texts) {
    settings.set(key, text, given.where);
    std::string value = effective(settings, key);
    if (std::ranges::find(option.values, value) != option.values.end())
      fail("{}: expected different values, found {} twice", given.where, value);
    option.values.push_back(std::move(value));
  }
  return option;
}

void repeat_seed(SweptOption& seed, const GivenList& given, std::int64_t seeds) {
  if (seed.values.size() > 1)
    fail("{}: expected one seed to count from beside --seeds {}, found '{}'", given.where, seeds, given.text);
  const std::int64_t first = std::stoll(seed.values[0]);
  for (std::int64_t i = 1; i < seeds; ++i) seed.values.push_back(fmt::format("{}", first + i));
}

// Every combination, the last option running fastest; seeds run fastest of all.
std::vector<std::vector<std::size_t>> combinations(const SweepPlan& plan,
                                                   const std::map<std::string, GivenList>& lists) {
  const std::size_t seed = plan.option("seed");
  std::size_t rows = 1, length = 1;
  std::string longest;
  for (const std::size_t i : plan.swept()) {
    const SweptOption& option = plan.options[i];
    if (plan.paired) {
      if (length > 1 && option.values.size() != length)
        fail("{}: paired lists should be equally long, found {} values beside {} of {}",
             lists.at(option.key).where, option.values.size(), length, longest);
      rows = option.values.size();
    } else {
      rows *= option.values.size();
    }
    length = option.values.size();
    longest = option.key;
    if (rows > kMostTrials) break;
  }
  const std::size_t seeds = plan.options[seed].values.size();
  if (rows > kMostTrials || rows * seeds > kMostTrials)
    fail("sweep: expected at most {} trials, found more; give fewer values", kMostTrials);

  std::vector<std::vector<std::size_t>> all;
  for (std::size_t row = 0; row < rows; ++row) {
    std::vector<std::size_t> choice(plan.options.size(), 0);
    std::size_t rest = row;
    const std::vector<std::size_t> swept = plan.swept();
    for (auto i = swept.rbegin(); i != swept.rend(); ++i) {
      const std::size_t count = plan.options[*i].values.size();
      choice[*i] = plan.paired ? row : rest % count;
      rest /= count;
    }
    for (choice[seed] = 0; choice[seed] < seeds; ++choice[seed]) all.push_back(choice);
  }
  return all;
}

// Letters that every file system and URL takes as they are.
std::string file_name(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("=._-+").find(c) != std::string_view::npos;
    name += plain ? c : '-';
  }
  return name.substr(0, kLongestName);
}

// Trials that differ in nothing but the number of epochs are one training, read off at several places.
void link_beginnings(std::vector<Trial>& trials) {
  std::map<std::string, std::vector<int>> groups;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    TrainSettings settings = trials[i].settings;
    ScheduleOptions schedule;
    schedule.name = settings.scheduler;
    if (depends_on_total(schedule)) continue;
    settings.max_epochs = 1;
    groups[settings_of(settings).to_toml()].push_back(static_cast<int>(i));
  }
  for (auto& [config, members] : groups) {
    std::ranges::stable_sort(members, {},
                             [&](int i) { return trials[static_cast<std::size_t>(i)].settings.max_epochs; });
    for (std::size_t i = 1; i < members.size(); ++i)
      trials[static_cast<std::size_t>(members[i])].begins_with = members[i - 1];
  }
}

}  // namespace

std::vector<std::size_t> SweepPlan::swept() const {
  std::vector<std::size_t> swept;
  for (std::size_t i = 0; i < options.size(); ++i)
    if (options[i].values.size() > 1 && options[i].key != "seed") swept.push_back(i);
  return swept;
}

std::size_t SweepPlan::option(const std::string& key) const {
  const auto found = std::ranges::find(options, key, &SweptOption::key);
  JSC_ASSERT(found != options.end());
  return static_cast<std::size_t>(found - options.begin());
}

const std::string& SweepPlan::value(const Trial& trial, const std::string& key) const {
  const std::size_t i = option(key);
  return options[i].values[trial.choice[i]];
}

std::string SweepPlan::describe(const Trial& trial, bool with_seed) const {
  std::vector<std::string> words;
  for (const std::size_t i : swept())
    words.push_back(fmt::format("{}={}", options[i].key, options[i].values[trial.choice[i]]));
  const SweptOption& seed = options[option("seed")];
  if (with_seed && (seed.values.size() > 1 || words.empty()))
    words.push_back(fmt::format("seed={}", value(trial, "seed")));
  return fmt::format("{}", fmt::join(words, " "));
}

std::string SweepPlan::to_toml() const {
  std::string text;
  TrainSettings scratch;
  const Settings settings = settings_of(scratch);
  for (const SweptOption& option : options) {
    const Settings::Kind kind = settings.kind(option.key);
    std::vector<std::string> values;
    for (const std::string& value : option.values)
      values.push_back(kind == Settings::Kind::text ? toml_string(value) : value);
    if (values.size() == 1)
      text += fmt::format("{} = {}\n", option.key, values[0]);
    else if (separator(option.key) == ',')
      text += fmt::format("{} = [{}]\n", option.key, fmt::join(values, ", "));
    else
      text +=
          fmt::format("{} = {}\n", option.key, toml_string(fmt::format("{}", fmt::join(option.values, ";"))));
  }
  return text + fmt::format("paired = {}\n", paired);
}

const std::vector<std::string>& unswept_settings() {
  static const std::vector<std::string> keys = {"threads",     "cpu_mask", "blas",
                                                "tensorboard", "report",   "quiet"};
  return keys;
}

SweepPlan make_plan(const std::map<std::string, GivenList>& lists, const TrainSettings& fixed, bool paired,
                    std::int64_t seeds) {
  SweepPlan plan;
  plan.paired = paired;
  TrainSettings current = fixed;
  Settings settings = settings_of(current);
  for (const Settings::Row& row : settings.rows())
    if (const auto given = lists.find(row.key); given != lists.end())
      plan.options.push_back(read_option(row.key, given->second));
  if (seeds > 0) repeat_seed(plan.options[plan.option("seed")], lists.at("seed"), seeds);

  const auto choices = combinations(plan, lists);
  const std::size_t digits = std::to_string(choices.size()).size();
  for (const std::vector<std::size_t>& choice : choices) {
    Trial trial;
    trial.choice = choice;
    for (std::size_t i = 0; i < plan.options.size(); ++i)
      settings.set(plan.options[i].key, plan.options[i].values[choice[i]], plan.options[i].key);
    current.execution_settings.threads = 1;
    current.quiet = true;
    trial.settings = current;
    trial.config = settings.to_toml();
    std::string name = plan.describe(trial, true);
    std::ranges::replace(name, ' ', '_');
    trial.name = file_name(fmt::format("{:0{}}_{}", plan.trials.size() + 1, digits, name));
    plan.trials.push_back(std::move(trial));
  }
  link_beginnings(plan.trials);
  return plan;
}

std::map<std::string, std::string> values_by_key(const std::string& toml) {
  std::map<std::string, std::string> values;
  std::istringstream in(toml);
  std::string line, table;
  while (std::getline(in, line)) {
    if (line.starts_with("#") || line.empty()) continue;
    if (line.starts_with("[")) {
      table = line.substr(1, line.find_last_of(']') - 1) + ".";
      continue;
    }
    const std::size_t equals = line.find(" = ");
    if (equals != line.npos) values[table + line.substr(0, equals)] = line.substr(equals + 3);
  }
  return values;
}

std::string plan_difference(const std::string& there, const std::string& here) {
  const auto old_lines = values_by_key(there), new_lines = values_by_key(here);
  std::set<std::string> keys;
  for (const auto& [key, value] : old_lines) keys.insert(key);
  for (const auto& [key, value] : new_lines) keys.insert(key);
  std::vector<std::string> differences;
  for (const std::string& key : keys) {
    const auto was = old_lines.find(key), is = new_lines.find(key);
    const std::string before = was == old_lines.end() ? "nothing" : was->second;
    const std::string now = is == new_lines.end() ? "nothing" : is->second;
    if (before != now) differences.push_back(fmt::format("{}: {} there, {} here", key, before, now));
  }
  return fmt::format("{}", fmt::join(differences, "; "));
}

}  // namespace jsc
