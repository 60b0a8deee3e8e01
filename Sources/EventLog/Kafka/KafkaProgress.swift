// How far a partition has been brought, and what an offset that comes means. A value. After a pause the client
// fetches again what it had handed out since it was told to pause; anything else below is a log that went back: one
// that was created anew, or has lost its end. What it holds now is new, whatever its offsets.

/// How far a member has got in one partition.
struct KafkaProgress {
  /// The next offset that is new.
  private(set) var next: Int64
  /// Where the client is.
  private var position: Int64
  /// What comes again after a pause is not below this.
  private var repeatsFrom: Int64

  /// - Parameter next: What the group has committed, 0 for nothing.
  init(next: Int64) {
    self.next = next
    position = next
    repeatsFrom = next
  }

  enum Meaning {
    case new
    case repeated
    case wentBack
  }

  /// Takes an event's offset in.
  mutating func take(_ offset: Int64) -> Meaning {
    position = offset + 1
    if offset >= next {
      next = position
      return .new
    }
    if offset >= repeatsFrom { return .repeated }
    next = position
    repeatsFrom = offset
    return .wentBack
  }

  /// The client is about to be told to pause: it may go on from where it is now.
  mutating func pause() { repeatsFrom = position }
}
