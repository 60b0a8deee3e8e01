// `cjson` and `cjson.safe`, which differ in how they fail.

extension Stub {
  static let cjson = Stub(
    module: "cjson", text: cjsonText(name: "cjson", results: "---@return %\n", failure: "Raises"))

  static let cjsonSafeText = cjsonText(
    name: "safe", results: "---@return %?\n---@return string? message\n",
    failure: "Returns nil and a message")

  private static func cjsonText(name: String, results: String, failure: String) -> String {
    func result(_ type: String) -> String {
      results.split(separator: "%", omittingEmptySubsequences: false).joined(separator: type)
    }
    let options = [
      "encode_empty_table_as_object", "encode_sparse_array", "encode_max_depth", "decode_max_depth",
      "encode_number_precision", "encode_keep_buffer", "encode_invalid_numbers", "decode_invalid_numbers",
      "decode_array_with_array_mt",
    ]
    return """
      ---JSON (RFC 8259).
      ---@class spacer.\(name)
      ---@field null lightuserdata JSON's null
      ---@field empty_array lightuserdata written as `[]`
      ---@field array_mt table the metatable of a table that is `[]` when empty
      ---@field empty_array_mt table the same
      ---@field _NAME string
      ---@field _VERSION string
      local \(name) = {}

      ---\(failure) when JSON cannot hold the value.
      ---@param value any
      \(result("string"))function \(name).encode(value) end

      ---\(failure) when the text is malformed.
      ---@param text string
      \(result("any"))function \(name).decode(text) end

      ---@return spacer.\(name)
      function \(name).new() end

      """
        + options.map {
          "\n---Accepted and without effect: the codec is strict.\nfunction \(name).\($0)(...) end\n"
        }
        .joined() + "\nreturn \(name)\n"
  }
}
