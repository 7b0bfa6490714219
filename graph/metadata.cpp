#include "graph/metadata.hpp"
