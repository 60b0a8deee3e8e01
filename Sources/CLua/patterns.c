// Lua's patterns (reference manual, section 6.4.1) with a way out: the VM's own matcher runs in C, where no
// hook can end it, and a pattern can be made to backtrack for longer than anybody waits. This one calls its
// state's budget for each step, which may raise.
//
// Invariants: `at` and `limit` bracket the subject, `pattern_end` the pattern; nothing beyond them is read;
// a capture's length is its bytes, or one of the two marks below.
#define _GNU_SOURCE
#include <ctype.h>
#include <string.h>

#include "patterns.h"

enum {
  capture_count_max = 32,
  /// As deep as the VM's own matcher goes.
  depth_max = 200,
  capture_open = -1,
  capture_position = -2,
};

typedef struct {
  lua_State *L;
  const spacer_pattern_budget *budget;
  const char *subject;
  const char *limit;
  const char *pattern_end;
  int depth;
  int capture_count;
  struct {
    const char *start;
    ptrdiff_t length;
  } captures[capture_count_max];
} matcher;

static const char *match_here(matcher *m, const char *at, const char *pattern);

/// Accounts for so many bytes looked at.
static void spend(matcher *m, ptrdiff_t steps) { m->budget->spend(m->budget->context, m->L, (size_t)steps); }

// MARK: Single characters

/// Past the single-character class that begins at `pattern`.
static const char *class_end(matcher *m, const char *pattern) {
  char first = *pattern++;
  if (first == '%') {
    if (pattern == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
    return pattern + 1;
  }
  if (first != '[') return pattern;
  if (pattern < m->pattern_end && *pattern == '^') pattern++;
  // A ']' that comes first stands for itself.
  do {
    if (pattern == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
    if (*pattern++ == '%') {
      if (pattern == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
      pattern++;
    }
  } while (pattern == m->pattern_end || *pattern != ']');
  return pattern + 1;
}

static int in_named_class(int byte, int name) {
  int result;
  switch (tolower(name)) {
    case 'a': result = isalpha(byte); break;
    case 'c': result = iscntrl(byte); break;
    case 'd': result = isdigit(byte); break;
    case 'g': result = isgraph(byte); break;
    case 'l': result = islower(byte); break;
    case 'p': result = ispunct(byte); break;
    case 's': result = isspace(byte); break;
    case 'u': result = isupper(byte); break;
    case 'w': result = isalnum(byte); break;
    case 'x': result = isxdigit(byte); break;
    default: return name == byte;
  }
  return isupper(name) ? !result : result != 0;
}

/// Whether the set between `pattern`, its '[', and `last`, its ']', holds the byte.
static int in_set(int byte, const char *pattern, const char *last) {
  int found = 1;
  if (pattern[1] == '^') {
    found = 0;
    pattern++;
  }
  for (pattern++; pattern < last; pattern++) {
    if (*pattern == '%') {
      pattern++;
      if (in_named_class(byte, (unsigned char)*pattern)) return found;
    } else if (pattern[1] == '-' && pattern + 2 < last) {
      if ((unsigned char)pattern[0] <= byte && byte <= (unsigned char)pattern[2]) return found;
      pattern += 2;
    } else if ((unsigned char)*pattern == byte) {
      return found;
    }
  }
  return !found;
}

/// Whether the class from `pattern` to `end` takes the byte at `at`, if there is one.
static int takes(matcher *m, const char *at, const char *pattern, const char *end) {
  if (at >= m->limit) return 0;
  int byte = (unsigned char)*at;
  switch (*pattern) {
    case '.': return 1;
    case '%': return in_named_class(byte, (unsigned char)pattern[1]);
    case '[': return in_set(byte, pattern, end - 1);
    default: return (unsigned char)*pattern == byte;
  }
}

// MARK: Items

static const char *match_balanced(matcher *m, const char *at, const char *pattern) {
  if (m->pattern_end - pattern < 2) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
  if (at >= m->limit || *at != pattern[0]) return NULL;
  char open = pattern[0];
  char close = pattern[1];
  size_t nesting = 1;
  const char *next = at + 1;
  for (; next < m->limit && nesting > 0; next++) {
    if (*next == close) {
      nesting--;
    } else if (*next == open) {
      nesting++;
    }
  }
  spend(m, next - at);
  return nesting == 0 ? next : NULL;
}

/// As often as it goes, then ever less often until the rest fits.
static const char *match_greedy(matcher *m, const char *at, const char *pattern, const char *end) {
  ptrdiff_t count = 0;
  while (takes(m, at + count, pattern, end)) count++;
  spend(m, count);
  for (; count >= 0; count--) {
    const char *rest = match_here(m, at + count, end + 1);
    if (rest != NULL) return rest;
    spend(m, 1);
  }
  return NULL;
}

/// As seldom as it goes.
static const char *match_lazy(matcher *m, const char *at, const char *pattern, const char *end) {
  for (;;) {
    const char *rest = match_here(m, at, end + 1);
    if (rest != NULL) return rest;
    if (!takes(m, at, pattern, end)) return NULL;
    at++;
    spend(m, 1);
  }
}

static const char *match_capture_start(matcher *m, const char *at, const char *pattern, ptrdiff_t kind) {
  if (m->capture_count >= capture_count_max) luaL_error(m->L, "too many captures");
  m->captures[m->capture_count].start = at;
  m->captures[m->capture_count].length = kind;
  m->capture_count++;
  const char *rest = match_here(m, at, pattern);
  if (rest == NULL) m->capture_count--;
  return rest;
}

static const char *match_capture_end(matcher *m, const char *at, const char *pattern) {
  int open = m->capture_count - 1;
  while (open >= 0 && m->captures[open].length != capture_open) open--;
  if (open < 0) luaL_error(m->L, "invalid pattern capture");
  m->captures[open].length = at - m->captures[open].start;
  const char *rest = match_here(m, at, pattern);
  if (rest == NULL) m->captures[open].length = capture_open;
  return rest;
}

/// The text of an earlier capture, once more.
static const char *match_again(matcher *m, const char *at, int digit) {
  int index = digit - '1';
  if (index < 0 || index >= m->capture_count || m->captures[index].length == capture_open) {
    luaL_error(m->L, "invalid capture index %%%d", index + 1);
  }
  ptrdiff_t length = m->captures[index].length;
  if (length < 0 || m->limit - at < length) return NULL;
  return memcmp(m->captures[index].start, at, (size_t)length) == 0 ? at + length : NULL;
}

/// Whether `at` is where the set begins to hold: `%f[set]`.
static int at_frontier(matcher *m, const char *at, const char *set, const char *set_end) {
  int before = at == m->subject ? 0 : (unsigned char)at[-1];
  int here = at == m->limit ? 0 : (unsigned char)*at;
  return !in_set(before, set, set_end - 1) && in_set(here, set, set_end - 1);
}

/// One class with what may follow it. Goes on by itself after a plain one: `*at` and `*pattern` move, and
/// the result is 1; else the match's end, or NULL, is in `*at`, and the result is 0.
static int match_single(matcher *m, const char **at, const char **pattern) {
  const char *end = class_end(m, *pattern);
  char suffix = end < m->pattern_end ? *end : '\0';
  switch (suffix) {
    case '?':
      if (takes(m, *at, *pattern, end)) {
        const char *rest = match_here(m, *at + 1, end + 1);
        if (rest != NULL) {
          *at = rest;
          return 0;
        }
      }
      *pattern = end + 1;
      return 1;
    case '+':
      *at = takes(m, *at, *pattern, end) ? match_greedy(m, *at + 1, *pattern, end) : NULL;
      return 0;
    case '*':
      *at = match_greedy(m, *at, *pattern, end);
      return 0;
    case '-':
      *at = match_lazy(m, *at, *pattern, end);
      return 0;
    default:
      if (!takes(m, *at, *pattern, end)) {
        *at = NULL;
        return 0;
      }
      *at += 1;
      *pattern = end;
      return 1;
  }
}

/// The items behind '%' that are no class. 1: gone on; 0: `*at` is the end; -1: it is a class after all.
static int match_special(matcher *m, const char **at, const char **pattern) {
  const char *item = *pattern + 1;
  if (item >= m->pattern_end) return -1;
  switch (*item) {
    case 'b':
      *at = match_balanced(m, *at, item + 1);
      *pattern = item + 3;
      return *at != NULL;
    case 'f': {
      const char *set = item + 1;
      if (set >= m->pattern_end || *set != '[') {
        luaL_error(m->L, "missing '[' after '%%f' in pattern");
      }
      const char *set_end = class_end(m, set);
      if (!at_frontier(m, *at, set, set_end)) *at = NULL;
      *pattern = set_end;
      return *at != NULL;
    }
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
      *at = match_again(m, *at, (unsigned char)*item);
      *pattern = item + 1;
      return *at != NULL;
    default:
      return -1;
  }
}

/// The end of the match of the pattern's rest at `at`, or NULL.
static const char *match_here(matcher *m, const char *at, const char *pattern) {
  if (m->depth-- == 0) luaL_error(m->L, "pattern too complex");
  spend(m, 1);
  int goes_on = 1;
  while (goes_on && pattern != m->pattern_end) {
    if (*pattern == '(') {
      int is_position = pattern + 1 < m->pattern_end && pattern[1] == ')';
      at = match_capture_start(m, at, pattern + 1 + is_position, is_position ? capture_position : capture_open);
      goes_on = 0;
    } else if (*pattern == ')') {
      at = match_capture_end(m, at, pattern + 1);
      goes_on = 0;
    } else if (*pattern == '$' && pattern + 1 == m->pattern_end) {
      if (at != m->limit) at = NULL;
      goes_on = 0;
    } else {
      goes_on = *pattern == '%' ? match_special(m, &at, &pattern) : -1;
      if (goes_on < 0) goes_on = match_single(m, &at, &pattern);
    }
  }
  m->depth++;
  return at;
}

// MARK: Captures as values

static void push_capture(matcher *m, int index, const char *start, const char *end) {
  if (index >= m->capture_count) {
    if (index != 0) luaL_error(m->L, "invalid capture index %%%d", index + 1);
    lua_pushlstring(m->L, start, (size_t)(end - start));
  } else if (m->captures[index].length == capture_position) {
    lua_pushinteger(m->L, m->captures[index].start - m->subject + 1);
  } else if (m->captures[index].length == capture_open) {
    luaL_error(m->L, "unfinished capture");
  } else {
    lua_pushlstring(m->L, m->captures[index].start, (size_t)m->captures[index].length);
  }
}

/// All captures, or the whole match when there are none and `start` is given.
static int push_captures(matcher *m, const char *start, const char *end) {
  int count = m->capture_count == 0 && start != NULL ? 1 : m->capture_count;
  luaL_checkstack(m->L, count, "too many captures");
  for (int i = 0; i < count; i++) push_capture(m, i, start, end);
  return count;
}

static void prepare(matcher *m, lua_State *L, const char *subject, size_t subject_length, const char *pattern,
                    size_t pattern_length) {
  m->L = L;
  m->budget = lua_touserdata(L, lua_upvalueindex(1));
  m->subject = subject;
  m->limit = subject + subject_length;
  m->pattern_end = pattern + pattern_length;
  m->depth = depth_max;
  m->capture_count = 0;
}

static const char *match_anew(matcher *m, const char *at, const char *pattern) {
  m->capture_count = 0;
  m->depth = depth_max;
  return match_here(m, at, pattern);
}

// MARK: find and match

/// Where a search that begins at position `given` (1-based, from the end when negative) starts; more than
/// `length` when it is past the end.
static size_t search_start(lua_Integer given, size_t length) {
  if (given > 0) return (size_t)given - 1;
  if (given == 0 || given < -(lua_Integer)length) return 0;
  return length + (size_t)given;
}

static int has_specials(const char *pattern, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (pattern[i] != '\0' && strchr("^$*+?.([%-", pattern[i]) != NULL) return 1;
  }
  return 0;
}

static int search(lua_State *L, int is_find) {
  size_t length;
  size_t pattern_length;
  const char *subject = luaL_checklstring(L, 1, &length);
  const char *pattern = luaL_checklstring(L, 2, &pattern_length);
  size_t start = search_start(luaL_optinteger(L, 3, 1), length);
  if (start > length) {
    luaL_pushfail(L);
    return 1;
  }
  if (is_find && (lua_toboolean(L, 4) || !has_specials(pattern, pattern_length))) {
    const char *found =
        pattern_length == 0 ? subject + start : memmem(subject + start, length - start, pattern, pattern_length);
    if (found == NULL) {
      luaL_pushfail(L);
      return 1;
    }
    lua_pushinteger(L, found - subject + 1);
    lua_pushinteger(L, found - subject + (lua_Integer)pattern_length);
    return 2;
  }
  matcher m;
  prepare(&m, L, subject, length, pattern, pattern_length);
  int is_anchored = pattern_length > 0 && *pattern == '^';
  const char *at = subject + start;
  do {
    const char *end = match_anew(&m, at, pattern + is_anchored);
    if (end == NULL) continue;
    if (!is_find) return push_captures(&m, at, end);
    lua_pushinteger(L, at - subject + 1);
    lua_pushinteger(L, end - subject);
    return push_captures(&m, NULL, NULL) + 2;
  } while (at++ < m.limit && !is_anchored);
  luaL_pushfail(L);
  return 1;
}

static int string_find(lua_State *L) { return search(L, 1); }

static int string_match(lua_State *L) { return search(L, 0); }

// MARK: gmatch

/// Upvalues: the budget, subject, pattern, where to go on, where the last match ended (0 before the first).
static int next_match(lua_State *L) {
  size_t length;
  size_t pattern_length;
  const char *subject = lua_tolstring(L, lua_upvalueindex(2), &length);
  const char *pattern = lua_tolstring(L, lua_upvalueindex(3), &pattern_length);
  matcher m;
  prepare(&m, L, subject, length, pattern, pattern_length);
  size_t start = (size_t)lua_tointeger(L, lua_upvalueindex(4));
  lua_Integer last = lua_tointeger(L, lua_upvalueindex(5));
  for (; start <= length; start++) {
    const char *at = subject + start;
    const char *end = match_anew(&m, at, pattern);
    if (end == NULL || end - subject + 1 == last) continue;
    lua_pushinteger(L, end - subject);
    lua_replace(L, lua_upvalueindex(4));
    lua_pushinteger(L, end - subject + 1);
    lua_replace(L, lua_upvalueindex(5));
    return push_captures(&m, at, end);
  }
  return 0;
}

static int string_gmatch(lua_State *L) {
  size_t length;
  luaL_checklstring(L, 1, &length);
  luaL_checkstring(L, 2);
  size_t start = search_start(luaL_optinteger(L, 3, 1), length);
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_pushinteger(L, (lua_Integer)(start > length ? length + 1 : start));
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, next_match, 5);
  return 1;
}

// MARK: gsub

static void add_template(matcher *m, luaL_Buffer *buffer, const char *start, const char *end) {
  size_t length;
  const char *text = lua_tolstring(m->L, 3, &length);
  for (size_t i = 0; i < length; i++) {
    if (text[i] != '%') {
      luaL_addchar(buffer, text[i]);
      continue;
    }
    i++;
    if (i < length && text[i] == '%') {
      luaL_addchar(buffer, '%');
    } else if (i < length && text[i] == '0') {
      luaL_addlstring(buffer, start, (size_t)(end - start));
    } else if (i < length && isdigit((unsigned char)text[i])) {
      push_capture(m, text[i] - '1', start, end);
      luaL_tolstring(m->L, -1, NULL);
      lua_remove(m->L, -2);
      luaL_addvalue(buffer);
    } else {
      luaL_error(m->L, "invalid use of '%%' in replacement string");
    }
  }
}

/// Adds what replaces the match; 0 when the match stays.
static int add_replacement(matcher *m, luaL_Buffer *buffer, const char *start, const char *end, int type) {
  lua_State *L = m->L;
  if (type == LUA_TFUNCTION) {
    lua_pushvalue(L, 3);
    lua_call(L, push_captures(m, start, end), 1);
  } else if (type == LUA_TTABLE) {
    push_capture(m, 0, start, end);
    lua_gettable(L, 3);
  } else {
    add_template(m, buffer, start, end);
    return 1;
  }
  if (!lua_toboolean(L, -1)) {
    lua_pop(L, 1);
    luaL_addlstring(buffer, start, (size_t)(end - start));
    return 0;
  }
  if (!lua_isstring(L, -1)) {
    return luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  }
  luaL_addvalue(buffer);
  return 1;
}

static int string_gsub(lua_State *L) {
  size_t length;
  size_t pattern_length;
  const char *subject = luaL_checklstring(L, 1, &length);
  const char *pattern = luaL_checklstring(L, 2, &pattern_length);
  int type = lua_type(L, 3);
  luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
                   "string/function/table");
  lua_Integer count_max = luaL_optinteger(L, 4, (lua_Integer)length + 1);
  int is_anchored = pattern_length > 0 && *pattern == '^';
  matcher m;
  prepare(&m, L, subject, length, pattern, pattern_length);
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  const char *at = subject;
  const char *last = NULL;
  lua_Integer count = 0;
  int has_changed = 0;
  while (count < count_max) {
    const char *end = match_anew(&m, at, pattern + is_anchored);
    if (end != NULL && end != last) {
      count++;
      has_changed |= add_replacement(&m, &buffer, at, end, type);
      at = last = end;
    } else if (at < m.limit) {
      luaL_addchar(&buffer, *at++);
    } else {
      break;
    }
    if (is_anchored) break;
  }
  if (has_changed) {
    luaL_addlstring(&buffer, at, (size_t)(m.limit - at));
    luaL_pushresult(&buffer);
  } else {
    lua_pushvalue(L, 1);
  }
  lua_pushinteger(L, count);
  return 2;
}

void spacer_add_pattern_functions(lua_State *L, const spacer_pattern_budget *budget) {
  static const luaL_Reg functions[] = {
      {"find", string_find},    {"match", string_match}, {"gmatch", string_gmatch},
      {"gfind", string_gmatch}, {"gsub", string_gsub},   {NULL, NULL},
  };
  lua_pushlightuserdata(L, (void *)budget);
  luaL_setfuncs(L, functions, 1);
}
