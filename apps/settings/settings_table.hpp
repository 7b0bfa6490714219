// The effective settings as MASE prints them: Name, Default, Config. File (if there is one), Manual Override,
// Effective.
#pragma once

#include "apps/report/table.hpp"
#include "apps/settings/settings.hpp"

namespace jsc {

Table settings_table(const Settings& settings);

}  // namespace jsc
