// Nanoseconds and allocations per route lookup, methods included, next to Hummingbird's router.
//
//   RouteBench [ROUTES.tsv]      METHOD<tab>PATTERN a line; a generated set when the file is absent

import SpacerArtifact

let file = CommandLine.arguments.dropFirst().first ?? "/dev/null"
let (name, all) = gitHubRoutes(file: file)

func parameterCount(_ lookup: Lookup) -> Int { lookup.pattern.split(separator: ":").count - 1 }

let fiveRoute = [Lookup(.get, "/:a/:b/:c/:d/:e", path: "/one/twotwo/three/four/fivefive")]
let fiveParameters = Array(repeating: fiveRoute[0], count: 100)
let sets: [(name: String, routes: [Lookup], lookups: [Lookup], isMiss: Bool)] = [
  (name, all, all, false),
  ("static", all, all.filter { parameterCount($0) == 0 }, false),
  ("one parameter", all, all.filter { parameterCount($0) == 1 }, false),
  ("two or more", all, all.filter { parameterCount($0) > 1 }, false),
  ("five parameters", fiveRoute, fiveParameters, false),
  ("miss", all, all.map { Lookup($0.method, $0.pattern, path: $0.path + "/nothing/here") }, true),
  ("405", all, all.map { Lookup(.patch, $0.pattern, path: $0.path) }, true),
]

func show(_ name: String, _ subject: String, _ cost: Cost) {
  func column(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(width - text.count, 0)) + text
  }
  func number(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
  print(
    name + String(repeating: " ", count: max(24 - name.count, 0))
      + subject + String(repeating: " ", count: max(14 - subject.count, 0))
      + column(number(cost.bestNanoseconds), 8) + column(number(cost.medianNanoseconds), 9)
      + column(number(cost.allocations), 9))
}

print("set                     router        ns best   median   allocs")
for set in sets where !set.lookups.isEmpty {
  let spacer = try SpacerSubject(set.routes)
  if !set.isMiss && !spacer.verify(set.lookups) { print("\(set.name): wrong matches") }
  let requests = SpacerSubject.Requests(set.lookups)
  show(set.name, "Spacer", measure(lookups: set.lookups.count) { spacer.match(requests) })
  if set.isMiss {
    show(set.name, "  with Allow", measure(lookups: set.lookups.count) { spacer.matchOrAllow(requests) })
  }
  let peer = HummingbirdSubject(set.routes)
  let peerRequests = HummingbirdSubject.Requests(set.lookups)
  show(set.name, "Hummingbird", measure(lookups: set.lookups.count) { peer.match(peerRequests) })
}
let spacer = try SpacerSubject(all)
let requests = SpacerSubject.Requests(all)
show("normal-form check", "Spacer", measure(lookups: all.count) { spacer.needsNormalization(requests) })
print("table: \(spacer.tableBytes) bytes")
