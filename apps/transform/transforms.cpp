#include "apps/transform/transforms.hpp"

#include "apps/transform/pass_list.hpp"

namespace jsc {

void Transforms::add(std::string_view pass, const MetaValue& options) {
  list.push_back({{"pass", std::string(pass)}, {"options", options}});
}

void Transforms::replay(Graph& graph) const {
  for (const MetaValue& transform : list) {
    PassArguments arguments;
    arguments.options = transform.at("options");
    run_pass(find_pass(transform.at("pass").get<std::string>()), graph, arguments);
  }
}

}  // namespace jsc
