// The build-tool plugin SpacerBuild: `app.spx` is made by `swift build`, when what it is made of has changed.

import Foundation
import SpacerTestSupport
import Testing

extension PackageTests {
  /// Builds, which must succeed, and gives what SwiftPM printed.
  @discardableResult
  private func built(_ consumer: ConsumerPackage) throws -> String {
    let outcome = try consumer.build()
    guard outcome.status == 0 else { throw HarnessError("swift build:\n\(outcome.output)\(outcome.errors)") }
    #expect(!(outcome.output + outcome.errors).contains("warning:"), "\(outcome.output)\(outcome.errors)")
    return outcome.output
  }

  /// When the target's resource was written.
  private func time(_ consumer: ConsumerPackage) throws -> Date {
    let attributes = try FileManager.default.attributesOfItem(atPath: consumer.artifact)
    return try #require(attributes[.modificationDate] as? Date)
  }

  private func routes(_ consumer: ConsumerPackage) throws -> String {
    try Tool.run(["routes", consumer.artifact]).output
  }

  @Test func swiftBuildCompilesTheProjectInThePackagesFolder() throws {
    let consumer = try ConsumerPackage()
    try built(consumer)
    #expect(try routes(consumer).contains("/hello"))
    #expect(
      !FileManager.default.fileExists(atPath: consumer.path + "/.spacer"), "the cache is not in the project")
    let first = try time(consumer)
    try built(consumer)
    #expect(try time(consumer) == first, "nothing changed")

    // A new file, the same file once more, its end.
    try consumer.write("return { {'GET', '/new', 'more/new'} }\n", to: "app/gateway.lua")
    try consumer.write("return function() return 1 end\n", to: "app/more/new.lua")
    try built(consumer)
    let second = try time(consumer)
    #expect(second > first)
    #expect(try routes(consumer).contains("/new"))
    try consumer.write("return function() return 2 end\n", to: "app/more/new.lua")
    try built(consumer)
    let third = try time(consumer)
    #expect(third > second)

    try consumer.remove("app/more/new.lua")
    let failed = try consumer.build()
    #expect(failed.status != 0)
    let text = failed.output + failed.errors
    #expect(
      text.contains("\(consumer.path)/app/gateway.lua:1:26: error: no function named 'more/new'"), "\(text)")
    #expect(try time(consumer) == third, "a failed build leaves the artifact as it was")

    try consumer.remove("app/gateway.lua")
    try consumer.edit("Package.swift", replacing: "name: \"PluginConsumer\"", with: "name: \"Consumer\"")
    let without = try consumer.build()
    #expect(without.status != 0)
    let reason = without.output + without.errors
    #expect(reason.contains("no Spacer project for the target 'Greeter'"), "\(reason)")
    #expect(reason.contains("\(consumer.path)/Sources/Greeter/app/gateway.lua"), "\(reason)")
  }

  @Test func swiftBuildCompilesAProjectInTheTargetsFolder() throws {
    let consumer = try ConsumerPackage()
    for folder in ["app", "config"] {
      try FileManager.default.moveItem(
        atPath: "\(consumer.path)/\(folder)", toPath: "\(consumer.path)/Sources/Greeter/\(folder)")
    }
    try consumer.edit(
      "Package.swift", replacing: "      plugins:",
      with: "      exclude: [\"app\", \"config\"],\n      plugins:")
    let step = "Compiling app.spx of Greeter"
    #expect(try built(consumer).contains(step))
    // SwiftPM links the tool twice after a change to the package, and does what depends on it again.
    try built(consumer)
    #expect(try !built(consumer).contains(step), "nothing changed")

    let file = "Sources/Greeter/app/more/new.lua"
    try consumer.write("return function() return 1 end\n", to: file)
    #expect(try built(consumer).contains(step), "a new file in a new folder")
    #expect(try Tool.run(["inspect", consumer.artifact]).output.contains("more/new"))
    try consumer.write("return function() return 2 end\n", to: file)
    #expect(try built(consumer).contains(step), "the new file was changed")
    try consumer.remove(file)
    #expect(try built(consumer).contains(step), "it was deleted")
    #expect(try !Tool.run(["inspect", consumer.artifact]).output.contains("more/new"))
    #expect(try !built(consumer).contains(step), "nothing changed")

    try consumer.write("return function(\n", to: "Sources/Greeter/app/hello.lua")
    let failed = try consumer.build()
    #expect(failed.status != 0)
    let text = failed.output + failed.errors
    #expect(text.contains("\(consumer.path)/Sources/Greeter/app/hello.lua:1:17: error:"), "\(text)")
  }
}
