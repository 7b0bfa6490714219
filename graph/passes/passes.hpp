// The passes of this folder, one file each; pass_registry.cpp has their options and defaults.
#pragma once

#include "graph/passes/pass.hpp"

namespace jsc {

PassResult init_metadata(Graph& graph, const PassArguments& arguments);
PassResult add_common_metadata(Graph& graph, const PassArguments& arguments);
PassResult add_software_metadata(Graph& graph, const PassArguments& arguments);
PassResult add_hardware_metadata(Graph& graph, const PassArguments& arguments);
PassResult verify_common_metadata(Graph& graph, const PassArguments& arguments);
PassResult save_node_meta_param(Graph& graph, const PassArguments& arguments);
PassResult load_node_meta_param(Graph& graph, const PassArguments& arguments);
PassResult report_graph(Graph& graph, const PassArguments& arguments);
PassResult report_node_meta_param(Graph& graph, const PassArguments& arguments);
PassResult report_node_type(Graph& graph, const PassArguments& arguments);
PassResult report_node_shape(Graph& graph, const PassArguments& arguments);
PassResult report_node_hardware_type(Graph& graph, const PassArguments& arguments);
PassResult profile_statistics(Graph& graph, const PassArguments& arguments);
PassResult profile_ranges(Graph& graph, const PassArguments& arguments);
PassResult draw_graph(Graph& graph, const PassArguments& arguments);
PassResult count_operations(Graph& graph, const PassArguments& arguments);
PassResult memory_footprint(Graph& graph, const PassArguments& arguments);

}  // namespace jsc
