// Cycles in small directed graphs given by functions, without recursion.

/// Strongly connected parts.
enum StronglyConnected {
  /// The groups of nodes that reach each other, and single nodes that reach themselves directly; members
  /// ascending, groups by their first member.
  static func groups(count: Int, edges: (Int) -> [Int]) -> [[Int]] {
    var index = [Int](repeating: -1, count: count)
    var low = [Int](repeating: 0, count: count)
    var isOpen = [Bool](repeating: false, count: count)
    var open: [Int] = []
    var groups: [[Int]] = []
    var counter = 0
    var work: [(node: Int, targets: [Int], next: Int)] = []

    func enter(_ node: Int) {
      index[node] = counter
      low[node] = counter
      counter += 1
      open.append(node)
      isOpen[node] = true
      work.append((node, edges(node), 0))
    }
    for root in 0..<count where index[root] < 0 {
      enter(root)
      while let (node, targets, next) = work.last {
        if next < targets.count {
          work[work.count - 1].next += 1
          let target = targets[next]
          if index[target] < 0 {
            enter(target)
          } else if isOpen[target] {
            low[node] = min(low[node], index[target])
          }
          continue
        }
        work.removeLast()
        if let parent = work.last?.node { low[parent] = min(low[parent], low[node]) }
        guard low[node] == index[node] else { continue }
        var group: [Int] = []
        while let member = open.popLast() {
          isOpen[member] = false
          group.append(member)
          if member == node { break }
        }
        if group.count > 1 || targets.contains(node) { groups.append(group.sorted()) }
      }
    }
    return groups.sorted { $0[0] < $1[0] }
  }
}

/// Shortest ways back.
enum ShortestCycle {
  /// The steps from `start` back to it, each a node and the label of the edge taken from it; nil when there is
  /// no way. Of several shortest ways the one whose edges are listed first.
  static func find(
    from start: Int, edges: (Int) -> [(target: Int, label: Int)]
  ) -> [(node: Int, label: Int)]? {
    var reachedBy: [Int: (node: Int, label: Int)] = [:]
    var queue = [start]
    var position = 0
    while position < queue.count {
      let node = queue[position]
      position += 1
      for (target, label) in edges(node) {
        if target == start {
          var steps = [(node: node, label: label)]
          while let first = steps.first, first.node != start, let before = reachedBy[first.node] {
            steps.insert(before, at: 0)
          }
          return steps
        }
        if reachedBy[target] == nil {
          reachedBy[target] = (node, label)
          queue.append(target)
        }
      }
    }
    return nil
  }
}
