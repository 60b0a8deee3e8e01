// What a host function sees, and how its outcome comes back to the loop.

import SpacerSystem
import Synchronization

/// The arguments of a call of a host function: `host.greeting("Ada", 2)` gives two.
public struct HostArguments: Sendable {
  /// All of them, in order.
  public let values: [JSONValue]

  /// How many there are.
  public var count: Int { values.count }

  /// The argument at a position, from 0; `null` where there is none.
  public subscript(position: Int) -> JSONValue {
    values.indices.contains(position) ? values[position] : .null
  }

  /// A field of the first argument, for functions that take one table: `host.greeting { name = "Ada" }`. `null` where
  /// there is none.
  public subscript(name: String) -> JSONValue { self[0][name] }

  init(_ values: [JSONValue]) { self.values = values }
}

/// An error whose text reaches the Lua code that called a host function, as `app/hello.lua:3: host.NAME: TEXT`.
/// Any other error that a function throws reaches it as its description.
public struct HostError: Error, CustomStringConvertible, Sendable {
  /// The text.
  public var description: String

  /// An error of the text.
  public init(_ description: String) { self.description = description }
}

/// What a host function came to.
enum HostOutcome: Sendable {
  case value(JSONValue)
  /// The text of what it threw.
  case failed(String)

  /// The longest text of an error that Lua gets, in bytes; more is cut off.
  static let errorBytesMax = 8 << 10

  init(_ body: () throws -> JSONValue) {
    do {
      self = .value(try body())
    } catch {
      self = .failure(error)
    }
  }

  static func failure(_ error: any Error) -> HostOutcome {
    let text = "\(error)"
    guard text.utf8.count > errorBytesMax else { return .failed(text) }
    return .failed(String(decoding: text.utf8.prefix(errorBytesMax), as: UTF8.self) + "…")
  }
}

/// Takes the outcome of a function that runs elsewhere; usable from every thread, and after the call was given up.
/// Only the first outcome counts.
final class HostReply: Sendable {
  private let deliver: Mutex<(@Sendable (HostOutcome) -> Void)?>

  init(_ deliver: @escaping @Sendable (HostOutcome) -> Void) { self.deliver = Mutex(deliver) }

  func callAsFunction(_ outcome: HostOutcome) { take()?(outcome) }

  /// Nobody waits any more.
  func cancel() { _ = take() }

  /// Whether somebody waits.
  var isAwaited: Bool { deliver.withLock { $0 != nil } }

  private func take() -> (@Sendable (HostOutcome) -> Void)? {
    deliver.withLock { deliver in
      defer { deliver = nil }
      return deliver
    }
  }
}

/// The threads of functions that block.
enum HostThreads {
  /// Threads of the process; they begin when there is work for them.
  static let countMax = 64
  /// Calls that wait for one or are running on one.
  static let pendingCountMax = 10_000

  private static let queue = WorkQueue(name: "host", threadCountMax: countMax)
  private static let pendingCount = Atomic<Int>(0)

  /// Has a thread run `body`, unless nobody waits for it any more by then. False when too many wait already.
  static func run(_ reply: HostReply, _ body: @escaping @Sendable () throws -> JSONValue) -> Bool {
    guard pendingCount.wrappingAdd(1, ordering: .relaxed).newValue <= pendingCountMax else {
      pendingCount.wrappingSubtract(1, ordering: .relaxed)
      return false
    }
    queue.run {
      defer { pendingCount.wrappingSubtract(1, ordering: .relaxed) }
      if reply.isAwaited { reply(HostOutcome(body)) }
    }
    return true
  }
}
