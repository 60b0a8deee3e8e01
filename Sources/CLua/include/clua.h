#pragma once
#include "build_sandbox.h"
#include "host.h"
#include "lua_api.h"
