namespace TorchZoo.Reports;

/// <summary>A line of a <see cref="MetricsLog"/>.</summary>
/// <param name="Step">The training step, from 1.</param>
/// <param name="Epoch">The epoch in which it was written, from 1.</param>
/// <param name="Values">What was measured, by name.</param>
public sealed record MetricsRecord(long Step, long Epoch, IReadOnlyDictionary<string, double> Values);
