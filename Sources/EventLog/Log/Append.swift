// An append: what is handed to a store, what comes of it, and who is told. Unsafe: an entry's bytes are lent for the
// length of a closure, cut at the key's count, which its `init` took from the same bytes.

/// One event to append.
package struct AppendEntry: Equatable, Sendable {
  /// The key, then the payload: in one piece, since another thread fetches them.
  private var bytes: [UInt8]
  private let keyCount: Int
  /// Where the storage can promise it, an event with this id is appended to the topic once only.
  package var id: String?

  /// - Parameters:
  ///   - key: UTF-8, without NUL.
  ///   - value: JSON.
  package init(key: some Collection<UInt8>, value: some Collection<UInt8>, id: String? = nil) {
    keyCount = key.count
    bytes = []
    bytes.reserveCapacity(keyCount + value.count)
    bytes += key
    bytes += value
    self.id = id
  }

  package var key: ArraySlice<UInt8> { bytes[..<keyCount] }
  package var value: ArraySlice<UInt8> { bytes[keyCount...] }

  /// What it counts in bounds on memory, in bytes.
  package var byteCount: Int { bytes.count + (id?.utf8.count ?? 0) + 64 }

  /// Lends key, payload and id.
  func withBytes<Result>(
    _ body: (
      _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ id: UnsafeRawBufferPointer?
    ) -> Result
  ) -> Result {
    bytes.withUnsafeBytes { bytes in
      let key = UnsafeRawBufferPointer(rebasing: bytes[..<keyCount])
      let value = UnsafeRawBufferPointer(rebasing: bytes[keyCount...])
      guard var id else { return body(key, value, nil) }
      return id.withUTF8 { body(key, value, UnsafeRawBufferPointer($0)) }
    }
  }
}

/// Events to append to one topic together: all of them or, where the storage can promise it, none.
package struct AppendRequest: Equatable, Sendable {
  package var topic: String
  /// At least one, in the order of appending.
  package var entries: AppendEntries
  package var trace: TraceParent?
  /// After this long, what was not begun is not begun any more.
  package var timeoutMilliseconds: Int

  package init(
    topic: String, entries: some Sequence<AppendEntry>, trace: TraceParent? = nil,
    timeoutMilliseconds: Int = 30_000
  ) {
    self.topic = topic
    self.entries = AppendEntries(entries)
    self.trace = trace
    self.timeoutMilliseconds = timeoutMilliseconds
  }

  package var byteCount: Int { entries.reduce(64) { $0 + $1.byteCount } }
}

/// The entries of a request. Most have one, which then takes no memory of its own.
package struct AppendEntries: RandomAccessCollection, Equatable, Sendable {
  private var first: AppendEntry?
  private var others: [AppendEntry] = []

  package init() {}

  package init(_ entries: some Sequence<AppendEntry>) { for entry in entries { append(entry) } }

  package mutating func append(_ entry: AppendEntry) {
    if first == nil { first = entry } else { others.append(entry) }
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int { first == nil ? 0 : others.count + 1 }

  package subscript(place: Int) -> AppendEntry {
    guard place == 0, let first else { return others[place - 1] }
    return first
  }
}

/// What an append came to.
package struct AppendOutcome: Equatable, Sendable {
  /// The offsets of the events that were appended, in the request's order: those whose id was there already, or
  /// is an earlier one's in the request, are left out.
  package var offsets: AppendedOffsets
  /// The events' ids were all there already: nothing was appended.
  package var isDuplicate: Bool

  package init(offsets: AppendedOffsets, isDuplicate: Bool = false) {
    self.offsets = offsets
    self.isDuplicate = isDuplicate
  }
}

/// Offsets of one append. They mostly follow each other, and then take no memory of their own.
package struct AppendedOffsets: RandomAccessCollection, ExpressibleByArrayLiteral, Sendable {
  private var first: Int64 = 0
  package private(set) var count = 0
  /// All of them, when they do not follow each other; else empty.
  private var list: [Int64] = []

  package init() {}

  package init(_ offsets: some Sequence<Int64>) { for offset in offsets { append(offset) } }

  package init(arrayLiteral offsets: Int64...) { self.init(offsets) }

  package mutating func append(_ offset: Int64) {
    if count == 0 {
      first = offset
    } else if !list.isEmpty {
      list.append(offset)
    } else if offset != first &+ Int64(count) {
      list = Array(self)
      list.append(offset)
    }
    count += 1
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int { count }

  package subscript(place: Int) -> Int64 {
    precondition(place >= 0 && place < count, "an offset's place")
    return list.isEmpty ? first &+ Int64(place) : list[place]
  }
}

extension AppendedOffsets: Equatable {
  package static func == (a: Self, b: Self) -> Bool { a.elementsEqual(b) }
}

/// Is told what came of appends.
package protocol AppendReceiver: AnyObject, Sendable {
  /// Called once for each append, on any thread; must not block.
  func completed(_ append: PendingAppend, _ result: Result<AppendOutcome, EventLogError>)
}

/// An append that was handed to a store. One object for all that is known of it, since the store's thread has to fetch
/// what the caller's thread wrote, and counts references to it beside that thread.
package final class PendingAppend: @unchecked Sendable {
  // Thread rule: `deadlineMilliseconds` is set before another thread has the append; the rest never changes.
  package let request: AppendRequest
  /// The receiver's.
  package let number: UInt64
  private let receiver: any AppendReceiver
  /// On the store's monotonic clock.
  package internal(set) var deadlineMilliseconds = Int64.max

  package init(_ request: AppendRequest, number: UInt64 = 0, for receiver: any AppendReceiver) {
    self.request = request
    self.number = number
    self.receiver = receiver
  }

  /// Tells the receiver. Once.
  package func complete(_ result: Result<AppendOutcome, EventLogError>) { receiver.completed(self, result) }
}

/// Called once, on any thread; must not block.
package typealias AppendCompletion = @Sendable (Result<AppendOutcome, EventLogError>) -> Void

/// Tells a closure.
private final class ClosureReceiver: AppendReceiver {
  private let completion: AppendCompletion

  init(_ completion: @escaping AppendCompletion) { self.completion = completion }

  func completed(_ append: PendingAppend, _ result: Result<AppendOutcome, EventLogError>) {
    completion(result)
  }
}

extension PendingAppend {
  package convenience init(_ request: AppendRequest, completion: @escaping AppendCompletion) {
    self.init(request, for: ClosureReceiver(completion))
  }
}

extension EventStore {
  /// As `append(_:)`, for who has a closure to be told.
  package func append(_ request: AppendRequest, completion: @escaping AppendCompletion) {
    append(PendingAppend(request, completion: completion))
  }
}
