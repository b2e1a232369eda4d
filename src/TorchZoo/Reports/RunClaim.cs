namespace TorchZoo.Reports;

/// <summary>What a run was to show, and whether it did.</summary>
/// <param name="Metric">What was measured, e.g. <c>relative L2 at 256</c>.</param>
/// <param name="Value">Its value.</param>
/// <param name="Threshold">The value that was asked for; null: none.</param>
/// <param name="Baseline">The same metric of the baseline; null: there is none.</param>
/// <param name="Verdict"><c>PASS</c>, <c>FAIL</c>, or another word where neither can be said.</param>
/// <param name="Conditions">All that has to be true.</param>
public sealed record RunClaim(
    string Metric, double Value, double? Threshold, double? Baseline, string Verdict, IReadOnlyList<RunCondition> Conditions);

