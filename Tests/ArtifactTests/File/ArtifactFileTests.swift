// Writing and reading whole artifacts.

import Testing

@testable import SpacerArtifact

@Suite struct ArtifactFileTests {
  @Test func roundTrip() throws {
    let bytes = try ArtifactWriter.encode(Sample.contents())
    let held = try TestImage(bytes)
    defer { withExtendedLifetime(held) {} }
    let image = held.image
    let contents = image.contents()
    #expect(contents == (try CanonicalContents(Sample.contents()).contents))
    #expect(try ArtifactWriter.encode(contents) == bytes)
    #expect(
      contents.modules.map(\.path) == [
        "app/helper.lua", "app/private/audit.lua", "app/users/get.lua", "lib/a/b.lua", "lib/helper.lua",
      ])
    #expect(contents.modules[2].requires == [3, 4])
    #expect(contents.topics == ["Logins", "signups"])
    #expect(contents.triggers.map(\.module) == [2, 0, 1])
    #expect(image.byteCount == bytes.count)
    #expect(image.sections.map(\.name) == SectionKind.required.map(\.name))
  }

  @Test func empty() throws {
    let contents = ArtifactContents(
      appName: "", spacerRelease: "0", luaRelease: "Lua 5.4.4", architecture: "x86_64")
    let held = try TestImage(try ArtifactWriter.encode(contents))
    defer { withExtendedLifetime(held) {} }
    let image = held.image
    #expect(image.contents() == contents)
    #expect(image.moduleIndex(named: "x", .function) == nil)
    #expect(image.setting("x") == nil)
  }

  @Test func lookups() throws {
    let held = try TestImage(try ArtifactWriter.encode(Sample.contents()))
    defer { withExtendedLifetime(held) {} }
    let image = held.image
    #expect(
      image.moduleIndex(named: "helper", .function).map { image.module($0).pathString } == "app/helper.lua")
    #expect(
      image.moduleIndex(named: "helper", .library).map { image.module($0).pathString } == "lib/helper.lua")
    #expect(image.moduleIndex(named: "private/audit", .function) == 1)
    #expect(image.moduleIndex(named: "audit", .function) == nil)
    #expect(image.moduleIndex(named: "helpe", .library) == nil)
    #expect(image.setting("limits.wallMilliseconds") == .integer(-5))
    #expect(image.setting("limits.x") == .string("${NAME:-é}\u{0}z"))
    #expect(image.setting("tls") == .boolean(true))
    #expect(image.setting("ratio") == .float(0.5))
    #expect(image.setting("limits") == nil)
    #expect(image.settings(prefix: "limits.").map(\.key) == ["limits.wallMilliseconds", "limits.x"])
    let module = image.module(2)
    #expect(module.name.baseAddress?.load(fromByteOffset: module.name.count, as: UInt8.self) == 0)
    #expect(module.builtins == ["cjson", "flow"])
    #expect(module.appends == ["signups"])
    #expect(module.calls == ["private/audit"])
    var parameters = RouteParameters()
    let route = try #require(
      image.routes.match(.get, path: Array("/users/7".utf8).span, parameters: &parameters))
    #expect(image.module(image.routes.route(route).module).nameString == "users/get")
  }

  @Test func anyOrderGivesTheSameBytes() throws {
    let contents = Sample.fullContents()
    let bytes = try ArtifactWriter.encode(contents)
    for seed in 0..<20 {
      var random = FuzzRandom(state: UInt64(seed))
      #expect(try ArtifactWriter.encode(Self.shuffled(contents, &random)) == bytes)
    }
  }

  private static func shuffled(_ contents: ArtifactContents, _ random: inout FuzzRandom) -> ArtifactContents {
    var result = contents
    let modules = Array(contents.modules.indices).shuffled(using: &random)
    let newModule = { (old: Int) in modules.firstIndex(of: old) ?? old }
    result.modules = modules.map { old in
      var module = contents.modules[old]
      module.requires = module.requires.map(newModule).shuffled(using: &random)
      module.calls.shuffle(using: &random)
      module.capabilities.shuffle(using: &random)
      module.builtins.shuffle(using: &random)
      return module
    }
    let topics = Array(contents.topics.indices).shuffled(using: &random)
    result.topics = topics.map { contents.topics[$0] }
    // The order of triggers on one topic is the configuration's, so only the topics' order is free.
    result.triggers = contents.triggers.map { trigger in
      .init(
        topic: topics.firstIndex(of: trigger.topic) ?? 0, event: trigger.event,
        module: newModule(trigger.module))
    }
    result.routes = contents.routes.map { route in
      var route = route
      route.module = newModule(route.module)
      return route
    }.shuffled(using: &random)
    result.settings.shuffle(using: &random)
    result.environmentVariables.shuffle(using: &random)
    return result
  }

  @Test func validationsBelongToTheirModules() throws {
    let held = try TestImage(try ArtifactWriter.encode(Sample.fullContents()))
    defer { withExtendedLifetime(held) {} }
    #expect(held.image.contents() == (try CanonicalContents(Sample.fullContents()).contents))
    let index = try #require(held.image.moduleIndex(named: "users/get", .function))
    #expect(held.image.module(index).validations == Sample.fullContents().modules[0].validations)
    let other = try #require(held.image.moduleIndex(named: "helper", .library))
    #expect(held.image.module(other).validations.isEmpty)
    // A file without any has no such section.
    let without = try TestImage(try ArtifactWriter.encode(Sample.contents()))
    defer { withExtendedLifetime(without) {} }
    #expect(!without.image.sections.contains { $0.name == "validations" })
  }

  @Test func textsAreComparedByBytes() throws {
    var contents = Sample.contents()
    contents.environmentVariables = ["e\u{301}", "\u{E9}"]
    contents.settings = [
      .init(key: "\u{E9}", value: .string("\u{E9}")), .init(key: "e\u{301}", value: .string("e\u{301}")),
    ]
    let held = try TestImage(try ArtifactWriter.encode(contents))
    defer { withExtendedLifetime(held) {} }
    let image = held.image
    let names = image.environmentVariables.map { Array($0.utf8) }
    #expect(names == [Array("e\u{301}".utf8), Array("\u{E9}".utf8)])
    guard case .string(let text) = image.setting("e\u{301}") else {
      Issue.record("no such setting")
      return
    }
    #expect(Array(text.utf8) == Array("e\u{301}".utf8))
  }

  @Test func writerRefuses() throws {
    func refuses(_ edit: (inout ArtifactContents) -> Void) -> Bool {
      var contents = Sample.contents()
      edit(&contents)
      do {
        _ = try ArtifactWriter.encode(contents)
        return false
      } catch .invalidContents {
        return true
      } catch {
        return false
      }
    }
    #expect(refuses { $0.modules[1].name = "a/b" })
    #expect(refuses { $0.modules[0].name = "helper" })
    #expect(!refuses { $0.modules[1].name = "users/get" })
    #expect(refuses { $0.modules[0].requires = [9] })
    #expect(refuses { $0.modules[0].requires = [-1] })
    #expect(refuses { $0.routes[0].module = 1 })
    #expect(refuses { $0.routes[0].module = 5 })
    #expect(refuses { $0.routes[0].methods = [] })
    #expect(refuses { $0.routes[0].pattern = "users" })
    #expect(refuses { $0.routes.append($0.routes[0]) })
    #expect(refuses { $0.topics.append("Logins") })
    #expect(refuses { $0.triggers[0].topic = 2 })
    #expect(refuses { $0.triggers[0].module = 3 })
    #expect(refuses { $0.settings.append($0.settings[0]) })
    #expect(refuses { $0.environmentVariables.append("HOME") })
  }
}
