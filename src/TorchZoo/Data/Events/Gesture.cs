namespace TorchZoo.Data.Events;

/// <summary>A gesture in a recording of DVS128 Gesture.</summary>
/// <param name="Label">The class's number, from 0 on; the data set's files count from 1.</param>
/// <param name="Start">From this µs on.</param>
/// <param name="End">Before this µs.</param>
public sealed record Gesture(int Label, long Start, long End);
