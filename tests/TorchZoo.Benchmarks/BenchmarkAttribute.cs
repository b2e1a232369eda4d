namespace TorchZoo.Benchmarks;

/// <summary>A static method <c>Measurement M(Stopwatches)</c> that measures one thing.</summary>
/// <param name="name">What it measures, <c>area/case</c>.</param>
/// <param name="against">What it is measured against.</param>
/// <param name="goal">The ratio to reach, e.g. <c>≥ 10</c> or <c>≤ 1.03</c>; null: for information.</param>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BenchmarkAttribute(string name, string against, string? goal = null) : Attribute
{
    public string Name => name;

    public string Against => against;

    public string? Goal => goal;
}
