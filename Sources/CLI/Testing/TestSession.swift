// Builds a project with its tests and runs them; again and again with `--watch`.

import SpacerCompiler
import SpacerRuntime

/// The runs of one `spacer test`.
final class TestSession {
  private let command: TestCommand
  private let project: String
  private let build: ProjectBuild
  private let runner: TestRunner
  /// What the last run was of.
  private var artifact: LoadedArtifact?

  init(_ command: TestCommand) throws(CommandFailure) {
    self.command = command
    project = command.target.project
    var options = BuildOptions()
    options.includesTests = true
    build = try ProjectBuild(project: project, options: options, format: command.json ? .json : .text)
    let testOptions = try command.options()
    do throws(TestRunError) {
      runner = try TestRunner(testOptions)
    } catch {
      throw .missing(error.message)
    }
  }

  /// Builds, runs and prints. True when all is well.
  /// - Parameter onlyChanged: Whether files are left out that nothing has changed for since the last run.
  func run(onlyChanged: Bool = false) throws(CommandFailure) -> Bool {
    let start = Clock.nanoseconds
    let outcome = build.build()
    guard let bytes = outcome.artifact else {
      build.printDiagnostics(outcome)
      return false
    }
    build.printTestWarnings(outcome)
    let loaded: LoadedArtifact
    do throws(LoadError) {
      loaded = try LoadedArtifact(bytes: bytes)
    } catch {
      throw .missing(error.message)
    }
    defer { artifact = loaded }
    let all = tests(of: loaded)
    let paths = onlyChanged ? concerned(all, loaded) : all
    let printer = command.printer(project: project)
    printer.begin(fileCount: paths.count)
    var results: [TestFileResult] = []
    do throws(TestRunError) {
      try runner.run(loaded.modules(at: paths), of: loaded) { result in
        results.append(result)
        printer.print(result)
      }
    } catch {
      throw .missing(error.message)
    }
    printer.end(results, nanoseconds: Clock.nanoseconds - start)
    if command.filter == nil { tellOfUnrun(results) }
    var isMissed = false
    if all.isEmpty {
      say("no tests: there is no test/test_*.lua in \(project == "." ? "this folder" : "'\(project)'")")
    } else if let filter = command.filter, !paths.isEmpty, results.allSatisfy({ $0.tests.isEmpty }),
      results.allSatisfy({ $0.failure == nil })
    {
      say("no test fits --filter '\(filter)'; 'spacer test --verbose' lists them all")
      isMissed = true
    }
    if command.countsLines { try showCoverage(results, loaded) }
    return !isMissed && results.allSatisfy { $0.failureCount == 0 }
  }

  /// What looks like a test and is none.
  private func tellOfUnrun(_ results: [TestFileResult]) {
    for result in results where result.tests.isEmpty && result.failure == nil {
      say(
        "warning: \(result.path) has no test: tests are global functions named 'test…', and functions named so of "
          + "global tables named 'Test…'")
    }
    for path in TestFiles.misnamed(in: project) {
      say("warning: \(path) is not run: tests are in files named test_*.lua")
    }
  }

  private func tests(of artifact: LoadedArtifact) -> [String] {
    artifact.paths.filter(TestFiles.isTest).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The tests that what has changed since the last run concerns: all, unless only tests and their helpers have.
  private func concerned(_ tests: [String], _ loaded: LoadedArtifact) -> [String] {
    guard let artifact, loaded.hasSameWiring(as: artifact),
      Set(artifact.paths).subtracting(loaded.paths).allSatisfy(TestFiles.contains)
    else { return tests }
    let changed = loaded.changedPaths(since: artifact)
    // Any module of the application's may be what a request of any test comes to.
    guard changed.allSatisfy(TestFiles.contains) else { return tests }
    return tests.filter(changed.contains)
  }

  private func showCoverage(_ results: [TestFileResult], _ loaded: LoadedArtifact) throws(CommandFailure) {
    let coverage = Coverage(loaded, results)
    if let path = command.lcov {
      do throws(SystemFailure) {
        try Files.makeFolder(Files.parent(of: path))
        try Files.replace(path, with: Array(coverage.lcov(project: project).utf8))
      } catch {
        throw .missing("cannot write '\(path)': \(error.reason); name another place with --lcov")
      }
    }
    if command.coverage, !command.json, !command.junit, !command.tap {
      Console.standardOutput.write("\n" + coverage.table)
    }
  }

  private func say(_ text: String) { Console.standardError.write("spacer: \(text)\n") }
}
