#pragma once
#include "host.h"
#include "lua_api.h"
