// The pattern functions of the string library, bounded. Private to the C side.
#pragma once
#include "host.h"

/// Sets `find`, `match`, `gmatch`, `gfind` and `gsub` in the table on top. `budget` outlives the state.
void spacer_add_pattern_functions(lua_State *L, const spacer_pattern_budget *budget);
