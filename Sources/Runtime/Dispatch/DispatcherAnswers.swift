// What a call came to, as an answer: status, header lines and body. The answer is rendered into the
// dispatcher's buffers and either sent or handed to the function that called.

import CLua
import SpacerArtifact

/// An answer whose body is in `Dispatcher.output` and whose header lines are in `Dispatcher.headers`.
struct Answer {
  var status: Int
  /// The body is JSON, and the header lines hold no Content-Type.
  var isJSON = true
  /// The body is the handler's own string.
  var isRaw = false
}

extension Dispatcher {
  /// What of an error's text is told.
  static let errorBytesMax = 8192
  static let apology = "We're sorry, something went wrong"

  // MARK: Rendering

  /// Renders a handler's `results`, which are all that is on the coroutine's stack.
  func renderAnswer(_ slot: Int32, _ coroutine: OpaquePointer, results: Int32) -> Answer {
    output.reset()
    headers.reset()
    let isError = results >= 2 && lua_toboolean(coroutine, 2) != 0
    var shape = ResponseShape()
    if results >= 3, lua_type(coroutine, 3) != LUA_TNIL {
      do throws(ResponseShapeError) {
        shape = try .read(coroutine, at: 3, isError: isError, headers: &headers)
      } catch {
        return renderMisuse(slot, error.message)
      }
    }
    if shape.isRaw && !isError { return renderRaw(slot, coroutine, results, shape) }
    let status = shape.status ?? (isError ? 400 : 200)
    if isError {
      output.append("{\"error\":")
    } else if results == 0 || lua_type(coroutine, 1) == LUA_TNIL {
      output.append("{}\n")
      return Answer(status: status, isJSON: !shape.hasContentType)
    } else {
      output.append("{\"data\":")
    }
    do throws(JSONEncodeFailure) {
      try JSONEncoder(state: coroutine, arrayTag: arrayTag).encode(at: isError ? 2 : 1, into: &output)
    } catch {
      let whole = isError ? "error" : "data"
      return renderMisuse(
        slot, "the answer holds \(error.reason) at \(whole)\(error.path), which JSON cannot hold")
    }
    output.append("}\n")
    return Answer(status: status, isJSON: !shape.hasContentType)
  }

  private func renderRaw(
    _ slot: Int32, _ coroutine: OpaquePointer, _ results: Int32, _ shape: ResponseShape
  ) -> Answer {
    if results > 0, let body = LuaStack(coroutine).bytes(at: 1) {
      output.append(body)
    } else if results > 0, lua_type(coroutine, 1) != LUA_TNIL {
      let kind = LuaStack(coroutine).typeName(at: 1)
      return renderMisuse(slot, "with raw = true the first result must be a string, not \(kind)")
    }
    if !shape.hasContentType { headers.append("Content-Type: application/octet-stream\r\n") }
    return Answer(status: shape.status ?? 200, isJSON: false, isRaw: true)
  }

  /// Renders the error on top of the coroutine's stack.
  func renderError(_ slot: Int32, _ coroutine: OpaquePointer) -> Answer {
    let message = errorText(coroutine)
    logFault(slot, message, traceback: traceback(coroutine))
    if let overrun {
      headers.reset()
      renderErrorBody(overrun.message)
      return Answer(status: overrun.status)
    }
    guard policy.showsErrors, lua_type(coroutine, -1) == LUA_TTABLE else {
      return renderFault(slot, message, isLogged: true)
    }
    output.reset()
    headers.reset()
    output.append("{\"error\":")
    do throws(JSONEncodeFailure) {
      try JSONEncoder(state: coroutine, arrayTag: arrayTag).encode(at: -1, into: &output)
    } catch {
      return renderFault(
        slot, "the error is a table with \(error.reason) at error\(error.path)", isLogged: true)
    }
    output.append("}\n")
    return Answer(status: 500)
  }

  /// Why the run that just ended was ended, when it was for what it used.
  var overrun: RequestFailure? {
    if record.pointee.is_over_time != 0 {
      return RequestFailure(
        504,
        "the function took more than \(policy.cpuMilliseconds) ms of processor time (limits.cpuMilliseconds)")
    }
    if record.pointee.is_over_memory != 0 {
      return RequestFailure(
        503, "the function took more than \(policy.callMemoryBytes) bytes of memory (limits.callMemoryBytes)")
    }
    return nil
  }

  /// Renders a 500 for results that make no answer: no line is known, the function's file is.
  private func renderMisuse(_ slot: Int32, _ message: String) -> Answer {
    guard let name = functionName(of: calls[slot]), !name.isEmpty else { return renderFault(slot, message) }
    return renderFault(slot, "app/\(String(decoding: name, as: UTF8.self)).lua: \(message)")
  }

  /// Renders a 500 with `message`, which only development shows.
  func renderFault(_ slot: Int32, _ message: String, isLogged: Bool = false) -> Answer {
    if !isLogged { logFault(slot, message, traceback: nil) }
    headers.reset()
    renderErrorBody(policy.showsErrors ? message : Self.apology)
    return Answer(status: 500)
  }

  /// Puts `{"error":message}` into `output`.
  func renderErrorBody(_ message: String) {
    output.reset()
    output.append("{\"error\":")
    var message = message
    message.withUTF8 { _ = JSONEncoder.append(string: UnsafeRawBufferPointer($0), to: &output) }
    output.append("}\n")
  }

  /// The error value on top as text. No metamethod runs.
  func errorText(_ state: OpaquePointer) -> String {
    let stack = LuaStack(state)
    switch lua_type(state, -1) {
    case LUA_TSTRING:
      // Bounded, since an error passed on through `flow.call` is quoted once a level.
      return stack.bytes(at: -1).map { String(decoding: $0.prefix(Self.errorBytesMax), as: UTF8.self) } ?? ""
    case LUA_TNIL: return "nil"
    case LUA_TBOOLEAN: return lua_toboolean(state, -1) != 0 ? "true" : "false"
    case LUA_TNUMBER:
      return lua_isinteger(state, -1) != 0
        ? String(lua_tointegerx(state, -1, nil)) : lua_tonumberx(state, -1, nil).description
    case LUA_TTABLE:
      var text = OutputBuffer(capacity: 256)
      var encoder = JSONEncoder(state: state, arrayTag: arrayTag)
      encoder.bytesMax = Self.errorBytesMax
      do throws(JSONEncodeFailure) {
        try encoder.encode(at: -1, into: &text)
      } catch {
        return "(an error object that is a table)"
      }
      return String(decoding: text.bytes, as: UTF8.self)
    default: return "(an error object that is a \(stack.typeName(at: -1)))"
    }
  }

  /// Where the coroutine is, one line a function.
  private func traceback(_ coroutine: OpaquePointer) -> String? {
    luaL_traceback(main, coroutine, nil, 0)
    defer { spacer_lua_pop(main, 1) }
    return LuaStack(main).text(at: -1)
  }

  private func logFault(_ slot: Int32, _ message: String, traceback: String?) {
    log.message(
      .error, traceback.map { "\(message)\n\($0)" } ?? message, trace: calls[slot].trace,
      function: functionName(of: calls[slot]) ?? UnsafeRawBufferPointer(start: nil, count: 0))
  }

  // MARK: Sending

  /// Sends the rendered answer of a call and logs it.
  func send(_ slot: Int32, _ answer: Answer) {
    let call = calls[slot]
    let body =
      answer.status == 204 || answer.status == 304
      ? UnsafeRawBufferPointer(start: nil, count: 0) : output.bytes
    if log.isEnabled(.info), let name = functionName(of: call) {
      _ = server?.request(call.exchange) { request in
        log.access(
          request, status: answer.status, function: name, bytes: body.count,
          nanoseconds: clock() &- call.start,
          trace: call.trace, remark: remark(status: answer.status, body: answer.isJSON ? body : nil))
      }
    }
    if let buildNotice { appendBuildHeader(buildNotice) }
    server?.respond(
      call.exchange, status: answer.status, headers: headers.bytes,
      contentType: answer.isJSON ? .json : .inHeaders, body: body)
  }

  /// Why a request was turned down, and by which build; an error of the function's own is logged already.
  private func remark(status: Int, body: UnsafeRawBufferPointer?) -> AccessRemark {
    var remark = AccessRemark()
    guard log.format.isCompact else { return remark }
    remark.isOfOldBuild = buildNotice?.isFailed ?? false
    if let body, 400..<500 ~= status { remark.refusal = body }
    return remark
  }

  /// The function's name for the log; empty for the write proxy.
  func functionName(of call: Call) -> UnsafeRawBufferPointer? {
    guard call.module >= 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return generations[call.generation]?.names[Int(call.module)]
  }

  /// Answers a request that reached no function; header lines are those in `headers`.
  func answer(
    _ exchange: ExchangeID, _ request: borrowing RequestView, status: Int, body: UnsafeRawBufferPointer,
    _ trace: TraceContext
  ) {
    if log.isEnabled(.info) {
      log.access(
        request, status: status, function: UnsafeRawBufferPointer(start: nil, count: 0), bytes: body.count,
        nanoseconds: 0, trace: trace, remark: remark(status: status, body: body))
    }
    if let buildNotice { appendBuildHeader(buildNotice) }
    server?.respond(exchange, status: status, headers: headers.bytes, contentType: .json, body: body)
  }

  func fail(
    _ exchange: ExchangeID, _ request: borrowing RequestView, _ failure: RequestFailure, _ trace: TraceContext
  ) {
    headers.reset()
    renderErrorBody(failure.message)
    answer(exchange, request, status: failure.status, body: output.bytes, trace)
  }
}
