#include "apps/settings/settings_table.hpp"

namespace jsc {

Table settings_table(const Settings& settings) {
  std::vector<std::string> titles = {"Name", "Default"};
  if (settings.has_config()) titles.push_back("Config. File");
  titles.insert(titles.end(), {"Manual Override", "Effective"});
  Table table(titles);
  for (const Settings::Row& row : settings.rows()) {
    std::vector<std::string> cells = {row.key, row.default_value};
    if (settings.has_config()) cells.push_back(row.config_value);
    cells.insert(cells.end(), {row.flag_value, row.effective});
    table.add_row(cells);
  }
  return table;
}

}  // namespace jsc
