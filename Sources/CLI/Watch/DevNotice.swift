// What clients of `spacer dev` are told of the last build: JSON for programs, a page for a browser.

import SpacerCompiler
import SpacerRuntime

/// Makes the notices of one run of `dev`.
enum DevNotice {
  /// - Parameters:
  ///   - number: Of the build, so that a page in a browser sees that there is another.
  ///   - isServing: A good build answers.
  ///   - problem: Why nothing newer can be served, though it compiles; nil for no such reason.
  static func make(
    number: Int, _ result: BuildResult, isServing: Bool, problem: String? = nil
  ) -> BuildNotice {
    let isFailed = result.artifact == nil || problem != nil
    return BuildNotice(
      isFailed: isFailed, isServing: isServing,
      json: Array(json(number: number, result, isServing: isServing, isFailed: isFailed, problem).utf8),
      page: isFailed ? Array(page(number: number, result, isServing: isServing, problem).utf8) : [])
  }

  /// The members that `check --format json` prints, and before them the state.
  private static func json(
    number: Int, _ result: BuildResult, isServing: Bool, isFailed: Bool, _ problem: String?
  ) -> String {
    var fields: [(String, JSONText)] = [
      ("state", .string(isFailed ? "failed" : "good")), ("serving", .boolean(isServing)),
      ("build", .integer(number)),
    ]
    if isFailed { fields.append(("error", .string(problem ?? summary(result)))) }
    let report = DiagnosticJSON(sources: result.sources).text(result.report)
    return JSONText.object(fields).line.dropLast() + "," + report.dropFirst()
  }

  private static func summary(_ result: BuildResult) -> String {
    "the build failed" + (result.report.summary.map { ": \($0)" } ?? "")
  }

  private static func page(
    number: Int, _ result: BuildResult, isServing: Bool, _ problem: String?
  ) -> String {
    let others =
      isServing
      ? "Other clients than browsers get the last good build."
      : "There is no earlier build that could answer."
    let frame = DiagnosticPage.Frame(
      title: problem == nil ? "The build failed" : "The build cannot be served",
      subtitle: others + " The next good build takes the place of this page.", message: problem,
      script: script(number))
    return DiagnosticPage(sources: result.sources).html(result.report, frame)
  }

  /// Loads the page again when there is another build.
  private static func script(_ number: Int) -> String {
    """
    setInterval(async () => {
      try {
        const answer = await fetch("\(BuildNotice.path)");
        if ((await answer.json()).build !== \(number)) location.reload();
      } catch {}
    }, 500);
    """
  }
}
