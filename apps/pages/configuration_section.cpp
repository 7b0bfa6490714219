#include <fstream>
#include <sstream>

#include "apps/pages/sections.hpp"
#include "apps/training/train_settings.hpp"

namespace jsc {

void add_configuration_section(Page& page, const std::string& config_path) {
  TrainSettings train;
  const Settings settings = train.read(config_path);

  page.section("Configuration");
  Table table({"setting", "value", "default, where it is another"});
  for (const Settings::Row& row : settings.rows())
    table.add_row({row.key, row.effective, row.effective == row.default_value ? "" : row.default_value});
  page.table(table, {.caption = "Effective settings", .file = "settings"});

  std::ostringstream text;
  text << std::ifstream(config_path).rdbuf();
  const std::size_t passes = text.str().find("\n[passes");
  if (passes == std::string::npos) return;
  page.text("Transforms before the training:");
  page.code(text.str().substr(passes + 1));
}

}  // namespace jsc
