// The files that the original's `init` put into every project. Built-in modules replace them, so they are
// left out of the artifact, once their content shows that they are the original's: a user's own
// `lib/route.lua` is a library like any other.

/// Recognises the original's runtime.
enum OriginalRuntime {
  /// Whether the file at `path` with this content is the original's.
  static func contains(_ path: String, content: [UInt8]) -> Bool {
    guard let markers = markers[path] else { return false }
    return markers.contains { marker in occurs(marker, in: content) }
  }

  /// Whether `path` is one of the names; its content then decides.
  static func names(_ path: String) -> Bool { markers[path] != nil }

  /// Text of which each of the original's releases holds at least one piece, and a library that does not
  /// serve the original's engine holds none.
  private static let markers: [String: [String]] = [
    "config/nginx.conf": ["content_by_lua", "lua_package_path", "SPACER_"],
    "lib/flow.lua": ["ngx.", "spacer_internal_token", "resty.http"],
    "lib/internal_token.lua": ["SPACER_INTERNAL_TOKEN"],
    "lib/log_func_name.lua": ["make_router", "spacer_internal_token"],
    "lib/luaunit.lua": ["bluebird75", "Philippe Fremy"],
    "lib/make_router.lua": ["router.new"],
    "lib/reject.lua": ["ngx."],
    "lib/route.lua": ["router.new"],
    "lib/router.lua": ["APItools", "Enrique Garc", "Raimon Grau"],
    "lib/run.lua": ["ngx.", "internal_token"],
    "lib/topics.lua": ["append_log_proxy", "write_proxy", "writeProxy", "ngx.", "flow.call"],
    "lib/trace.lua": ["ngx."],
    "lib/uuid.lua": ["thibault", "jit-uuid", "jit_uuid", "ngx.", "ffi"],
    "lib/resty/evp.lua": ["EVP_", "ffi"],
    "lib/resty/hmac.lua": ["HMAC_", "ffi"],
    "lib/resty/jwt.lua": ["resty.jwt", "resty.hmac", "resty.evp"],
    "lib/resty/jwt-validators.lua": ["ngx.", "jwt"],
  ]

  private static func occurs(_ marker: String, in content: [UInt8]) -> Bool {
    let wanted = Array(marker.utf8)
    guard let first = wanted.first, content.count >= wanted.count else { return false }
    for start in 0...(content.count - wanted.count) where content[start] == first {
      if content[start..<(start + wanted.count)].elementsEqual(wanted) { return true }
    }
    return false
  }
}
