// The globals and the modules that every function uses.

extension Stub {
  static let globals = Stub(
    module: nil,
    text: """
      ---Waits, while the worker serves others. Cannot be called while a module loads, nor inside a function
      ---that Lua cannot suspend (a `table.sort` comparator, a `string.gsub` callback, `__tostring`).
      ---@param seconds number 0 to 86400
      function sleep(seconds) end

      ---Runs `fn` after the answer is sent, as a call of its own with limits of its own. What it raises is logged.
      ---@param fn fun()
      function defer(fn) end

      ---@param text string
      ---@param name? string
      ---@param mode? string
      ---@param env? table
      ---@return function?
      ---@return string? message
      function loadstring(text, name, mode, env) end

      """)

  static let flow = Stub(
    module: "flow",
    text: """
      ---Calls functions from functions, inside the process.
      local flow = {}

      ---Calls a function as a request would: `data` and the result are copies, by the rules of JSON. An answer of
      ---400 and above is raised as its whole body, `{"error":…}` and a newline.
      ---@param name string the function's name, `controllers/users/get`; `private/…` too
      ---@param data? any
      ---@return any
      function flow.call(name, data) end

      ---Calls several functions at once. The first error is raised, and the other calls end.
      ---@param calls table<any, { [1]: string, [2]: any }> at most 256
      ---@return table results each at the key of its call
      function flow.all(calls) end

      return flow

      """)

  static let host = Stub(
    module: "host",
    text: """
      ---The functions of the Swift program that serves the application, under the names it registers them by.
      ---@type table<string, fun(...: any): any>
      local host = {}

      return host

      """)

  static let request = Stub(
    module: "request",
    text: """
      ---The request that the running call answers.
      ---@class spacer.request
      ---@field method string
      ---@field path string as it came, not decoded
      ---@field query string without its `?`
      ---@field headers table<string, string> found in any letter case
      ---@field body string
      ---@field remote_address string the peer's address, without port
      ---@field scheme string `https` when the request came over TLS, else `http`
      ---@field route? string the pattern that matched
      ---@field trace_id string 32 hexadecimal digits
      ---@field deadline number when the call's wall time is over, in seconds since 1970
      local request = {}

      return request

      """)

  static let time = Stub(
    module: "time",
    text: """
      local time = {}

      ---@return number wall seconds since 1970
      ---@return number monotonic seconds of a clock that nobody sets
      function time.now() end

      ---@return number seconds of a clock that nobody sets
      function time.monotonic() end

      return time

      """)

  static let topics = Stub(
    module: "topics",
    text: """
      local topics = {}

      ---@class spacer.topics.Options
      ---@field id? string names the append: where the storage can promise it, it is appended once
      ---@field timeout? number seconds to wait for the storage; 10 unless given

      ---What a trigger's handler gets beside the payload: `return function (payload, event) … end`; with `batch`
      ---two arrays. It may return nil and a message, which is final, and of a batch `{ failed = { … } }`.
      ---@class spacer.topics.Event
      ---@field topic string
      ---@field partition integer
      ---@field key string
      ---@field offset integer
      ---@field timestamp integer when it was appended, in milliseconds since 1970
      ---@field id string the same at each attempt and each replay
      ---@field attempt integer 1 for the first
      ---@field group string the consumer group
      ---@field trace_id string of the request that appended it
      ---@field schedule? string the name of the schedule that runs the function

      ---What the handler of a batch may return.
      ---@class spacer.topics.Outcome
      ---@field failed (integer|string)[] places in the batch, from 1, or ids of events: those are tried again

      ---Appends entries to a topic's log, in byte order of their keys, and waits until they are stored.
      ---@param topic string
      ---@param entries table<string|integer, any> a payload for each key
      ---@param options? spacer.topics.Options
      ---@return "ok"
      function topics.append(topic, entries, options) end

      return topics

      """)
}
