// `http`.

extension Stub {
  static let http = Stub(
    module: "http",
    text: """
      ---Requests to other servers. Every status is a result; what keeps an answer from coming is raised.
      local http = {}

      ---@class spacer.http.options
      ---@field headers? table<string, string|number|(string|number)[]>
      ---@field query? table<string, any> added to the URL's query
      ---@field body? string
      ---@field json? any sent as `application/json`
      ---@field form? table<string, any> sent as `application/x-www-form-urlencoded`
      ---@field timeout? number seconds for the whole request, 30 by default
      ---@field connectTimeout? number seconds to connect, 5 by default
      ---@field redirects? integer how many are followed, 5 by default
      ---@field maxBytes? integer the longest body of an answer, 16 MiB by default

      ---@class spacer.http.request: spacer.http.options
      ---@field url string
      ---@field method? string GET by default, POST when there is a body

      ---@class spacer.http.response
      ---@field status integer
      ---@field headers table<string, string> found in any letter case
      ---@field body string
      ---@field url string where the answer came from, after redirects
      local response = {}

      ---The body as a value. Raises when it is no JSON.
      ---@return any
      function response:json() end

      ---@param request spacer.http.request
      ---@return spacer.http.response
      function http.request(request) end

      """
        + ["get", "post", "put", "patch", "delete", "head"].map {
          """

          ---@param url string
          ---@param options? spacer.http.options
          ---@return spacer.http.response
          function http.\($0)(url, options) end

          """
        }.joined() + "\nreturn http\n")
}
