// `topics` in its two forms, a list of names of which any may carry options, and a mapping.

/// One declared topic.
struct TopicItem {
  /// Whether it is a valid name is checked elsewhere.
  var name: Located<String>
  /// Nil when there are none.
  var options: ConfigNode?

  init(name: Located<String>, options: ConfigNode?) {
    self.name = name
    self.options = options.flatMap { $0.isNull ? nil : $0 }
  }

  /// A list's item: `orders`, or `orders: {…}`; nil for anything else.
  init?(_ item: ConfigNode) {
    if let text = item.text {
      guard !item.isNull else { return nil }
      self.init(name: Located(text, at: item.range), options: nil)
      return
    }
    guard case .mapping(let entries) = item.content, entries.count == 1, let entry = entries.first else {
      return nil
    }
    self.init(name: entry.key, options: entry.value)
  }

  /// The items of `topics` that have one of the forms, in the file's order.
  static func all(in node: ConfigNode?) -> [TopicItem] {
    switch node?.content {
    case .list(let items): items.compactMap { TopicItem($0) }
    case .mapping(let entries): entries.map { TopicItem(name: $0.key, options: $0.value) }
    default: []
    }
  }
}
