// Descriptions of arguments, as they go into the artifact.

import SpacerArtifact
import Testing

@testable import SpacerCompiler

@Suite struct ValidationFactsTests {
  private func descriptions(_ text: String) -> [String] {
    FactsProbe(text).facts.validations.map { "\($0.line) \($0.description)" }
  }

  @Test func constantTablesAreRecorded() {
    let found = descriptions(
      #"""
      local validate = require "validate"
      local MAX, kind = 80, "integer"
      local check = validate {
        name = { type = "string", max = MAX, min = -1, pattern = "^\"%a\\" }, ["id"] = kind,
        list = { enum = { 1, 2.5, 1e3, 1e15, true, "ä\n" }, default = (2) }, empty = {},
      }
      local other = require("validate")({ a = "any" }, { extra = "error" })
      local direct = validate.check({ b = "any" }, args, { extra = "keep" })
      local none = validate({}, nil)
      """#)
    #expect(
      found == [
        #"3 {"fields":{"empty":{},"id":"integer","list":{"default":2,"enum":[1,2.5,1000,1000000000000000,true,"ä\u000a"]},"#
          + #""name":{"max":80,"min":-1,"pattern":"^\"%a\\","type":"string"}},"type":"object"}"#,
        #"7 {"extra":"error","fields":{"a":"any"},"type":"object"}"#,
        #"8 {"extra":"keep","fields":{"b":"any"},"type":"object"}"#,
        #"9 {"fields":{},"type":"object"}"#,
      ])
  }

  @Test func otherTablesAreNot() {
    for argument in [
      "{ a = f() }", "{ a = { type = \"string\", max = n } }", "description", "{ a = { 1, b = 2 } }",
      "{ [x] = \"any\" }", "{ a = \"any\", a = \"string\" }", "{ a = 1e999 }", "{ a = \"\\xff\" }",
      "{ a = function() end }", "{ a = {} .. {} }", "{ a = \"any\" }, options",
    ] {
      #expect(
        descriptions("local validate = require \"validate\"\nvalidate(\(argument))") == [], "\(argument)")
    }
    #expect(descriptions("validate { a = \"any\" }") == [])
    #expect(descriptions("local validate = require \"valid\"\nvalidate { a = \"any\" }") == [])
    let deep = String(repeating: "{ a = ", count: 40) + "1" + String(repeating: "}", count: 40)
    #expect(descriptions("local validate = require \"validate\"\nvalidate(\(deep))") == [])
  }

  @Test func aGlobalBoundToTheModuleCounts() {
    let text = "validate = require \"validate\"\nvalidate { a = \"any\" }\n"
    #expect(descriptions(text) == [#"2 {"fields":{"a":"any"},"type":"object"}"#])
    #expect(descriptions("validate = print\n" + text) == [])
  }

  @Test func unknownTypes() {
    let probe = FactsProbe(
      """
      local validate = require "validate"
      validate {
        a = "strnig", b = { type = "integr", max = n() }, c = { type = kind },
        d = { items = { type = "text" } }, e = { fields = { type = "date", f = "string" } },
        g = { enum = { "strnig" } },
      }
      """)
    #expect(probe.names(probe.facts.unknownTypes) == ["strnig", "integr", "text", "date"])
  }

  @Test func unknownOptions() {
    let probe = FactsProbe(
      """
      local validate = require "validate"
      validate {
        a = { type = "integer", mn = 1, optional = true }, b = { type = "boolean", min = n() },
        c = { type = kind, mn = 1 }, d = { items = { type = "text", mn = 1 } },
        f = { type = "string.email", mn = nil }, g = { type = "string", mn = nil },
        e = { type = "array", items = { type = "string", length = 4 } },
      }
      """)
    #expect(
      probe.names(probe.facts.unknownTypes) == [
        "integer\0mn", "boolean\0min", "text", "string.email", "string\0length",
      ])
  }

  @Test func theArtifactHasThem() throws {
    let files = project([
      "app/hello.lua": """
      local validate = require "validate"
      local check = validate { id = "integer" }
      return function (args) return check(args) end
      """
    ])
    let plan = try #require(Compiler.check(files: files).plan)
    let module = try #require(plan.contents.modules.first { $0.name == "hello" })
    #expect(
      module.validations == [.init(line: 2, description: #"{"fields":{"id":"integer"},"type":"object"}"#)])
    #expect(plan.description.contains("validates {"))
  }

  @Test func aModuleOfTheProjectsOwnIsNotAskedAbout() throws {
    let files = project([
      "lib/validate.lua": "return function (t) return t end",
      "app/hello.lua": """
      local validate = require "validate"
      local check = validate { id = "strnig" }
      return function (args) return check end
      """,
    ])
    let result = Compiler.check(files: files)
    #expect(findings(result) == [])
    #expect(try #require(result.plan).contents.modules.allSatisfy { $0.validations.isEmpty })
  }
}
