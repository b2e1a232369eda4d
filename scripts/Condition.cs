namespace TorchZoo.Scripts;

/// <summary>One thing that has to be true for a <see cref="Claim"/> to hold.</summary>
/// <param name="Text">What, with its numbers, e.g. <c>error at 1024 within 2 % of the error at 256 (0.3 %)</c>.</param>
/// <param name="Holds">Whether it is.</param>
public sealed record Condition(string Text, bool Holds);
