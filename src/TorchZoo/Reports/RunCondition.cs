namespace TorchZoo.Reports;

/// <summary>One thing that has to be true for a <see cref="RunClaim"/>.</summary>
/// <param name="Text">What, with its numbers.</param>
/// <param name="Holds">Whether it is.</param>
public sealed record RunCondition(string Text, bool Holds);
