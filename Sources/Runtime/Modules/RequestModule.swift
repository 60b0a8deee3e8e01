// `require "request"`: the request that the running call answers. Each field is read when it is asked for,
// from the bytes the connection still holds.

import CLua
import CSystem
import Glibc
import SpacerArtifact

enum RequestFunction: Int32, HostFunctions {
  case field, headersIndex

  static var moduleNumber: Int32 { BuiltinModule.request.rawValue }
  static var prefix: String { "request." }

  func invoke(_ dispatcher: Dispatcher, _ state: OpaquePointer) -> Int32 {
    switch self {
    case .field: dispatcher.requestField(state)
    case .headersIndex: dispatcher.headerField(state)
    }
  }
}

extension Dispatcher {
  /// `request.FIELD`: the table and the field's name are the arguments.
  func requestField(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    guard currentCall >= 0 else { return raise(state, "there is no request while a module loads", at: true) }
    guard let field = stack.text(at: 2) else {
      lua_pushnil(state)
      return 1
    }
    let call = calls[currentCall]
    switch field {
    case "query" where call.isByName: stack.push("")
    case "trace_id":
      transfer.reset()
      call.trace.appendTrace(to: &transfer)
      stack.push(transfer.bytes)
    case "deadline":
      lua_pushnumber(state, deadline(of: call))
    case "route":
      guard call.route >= 0, let artifact = artifacts[Int(call.generation)] else {
        lua_pushnil(state)
        return 1
      }
      stack.push(artifact.routes.route(Int(call.route)).pattern)
    default:
      // A called function's request is its caller's, as far as it is about the connection.
      let pushed =
        server?.request(call.exchange) { request in pushField(field, of: request, onto: stack) } ?? false
      if !pushed { lua_pushnil(state) }
    }
    return 1
  }

  /// When the call's time is over, in seconds since 1970.
  private func deadline(of call: Call) -> Double {
    if let seconds = capturedSeconds { return seconds + Double(policy.wallMilliseconds) / 1000 }
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let elapsed = Double(clock() &- call.start) / 1e9
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9 - elapsed + Double(policy.wallMilliseconds) / 1000
  }

  private func pushField(_ field: String, of request: borrowing RequestView, onto stack: LuaStack) -> Bool {
    switch field {
    case "method": stack.push(request.methodName)
    case "path": stack.push(request.path)
    case "query": stack.push(request.query)
    case "body": stack.push(request.body)
    case "remote_address": stack.push(request.peer.text)
    case "scheme": stack.push(request.isSecure ? "https" : "http")
    case "headers": pushHeaders(of: request, onto: stack)
    default: return false
    }
    return true
  }

  /// A table with lower-case names; values of a repeated header are joined by `, ` (RFC 9110, section 5.3).
  private func pushHeaders(of request: borrowing RequestView, onto stack: LuaStack) {
    let state = stack.raw
    lua_createtable(state, 0, 8)
    request.forEachHeader { name, value in
      transfer.reset()
      for byte in name { transfer.append(byte &- 0x41 < 26 ? byte | 0x20 : byte) }
      stack.push(transfer.bytes)
      lua_pushvalue(state, -1)
      if lua_rawget(state, -3) == LUA_TSTRING, let earlier = stack.bytes(at: -1) {
        transfer.reset()
        transfer.append(earlier)
        transfer.append(", ")
        transfer.append(value)
        stack.pop()
        stack.push(transfer.bytes)
      } else {
        stack.pop()
        stack.push(value)
      }
      lua_rawset(state, -3)
      return true
    }
    lua_createtable(state, 0, 1)
    RequestFunction.headersIndex.push(onto: state)
    stack.setField("__index")
    lua_setmetatable(state, -2)
  }

  /// `headers[NAME]` for a name that is not in lower case.
  func headerField(_ state: OpaquePointer) -> Int32 {
    let stack = LuaStack(state)
    guard let name = stack.bytes(at: 2) else {
      lua_pushnil(state)
      return 1
    }
    transfer.reset()
    for byte in name { transfer.append(byte &- 0x41 < 26 ? byte | 0x20 : byte) }
    stack.push(transfer.bytes)
    lua_rawget(state, 1)
    return 1
  }
}
