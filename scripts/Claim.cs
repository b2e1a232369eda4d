using System.Globalization;
using System.Text.Json.Serialization;

namespace TorchZoo.Scripts;

/// <summary>What a recipe found: the paper's claim and whether it holds here.</summary>
/// <param name="Paper">The recipe's name: the paper's slug, or begins with it.</param>
/// <param name="Metric">What was measured, e.g. <c>relative L2 at 256</c>.</param>
/// <param name="Value">Its value.</param>
/// <param name="Threshold">The value that the claim asks for.</param>
/// <param name="Baseline">The same metric of the baseline trained in this run; null if the claim has none.</param>
/// <param name="Conditions">All that has to be true; the claim holds if every one is.</param>
[method: JsonConstructor]
public sealed record Claim(string Paper, string Metric, double Value, double Threshold, double? Baseline,
    IReadOnlyList<Condition> Conditions)
{
    /// <summary>A claim with a single condition.</summary>
    public Claim(string paper, string metric, double value, double threshold, double? baseline, bool holds)
        : this(paper, metric, value, threshold, baseline, [new Condition(metric, holds)])
    {
    }

    /// <summary>Whether the claim holds.</summary>
    public bool Holds => Conditions.All(c => c.Holds);

    /// <summary>The closing line of a run: <c>claim fno: relative L2 0.0137 (threshold 0.025, baseline 0.42) PASS</c>.</summary>
    /// <param name="smoke">Whether this was a smoke run, whose numbers prove nothing: <c>SMOKE</c> in place of the verdict.</param>
    public string Line(bool smoke) =>
        $"claim {Paper}: {Metric} {Number(Value)} (threshold {Number(Threshold)}, baseline {Number(Baseline)}) {Verdict(smoke)}";

    /// <summary><c>PASS</c>, <c>FAIL</c> or <c>SMOKE</c>.</summary>
    public string Verdict(bool smoke) => smoke ? "SMOKE" : Holds ? "PASS" : "FAIL";

    /// <summary>Four significant digits, the same in every language; <c>none</c> for what there isn't.</summary>
    internal static string Number(double? value) => value?.ToString("G4", CultureInfo.InvariantCulture) ?? "none";
}
