using static TorchSharp.torch;

namespace TorchZoo.Models.Operators;

/// <summary>The plans of the few grids that a layer saw last.</summary>
internal sealed class SpectralPlanCache : IDisposable
{
    private const int Kept = 4;
    private readonly List<(string Key, SpectralPlan Plan)> _plans = [];

    /// <inheritdoc cref="SpectralPlan(long[], long[], long[], long[], bool, bool, ScalarType, Device)"/>
    public SpectralPlan For(Tensor x, long[] outSizes, long[] modes, long[] weights, bool hermitian)
    {
        var sizes = x.shape[2..];
        var type = x.is_complex() ? SpectralPlan.RealType(x.dtype) : x.dtype;
        var key = $"{string.Join(',', sizes)};{string.Join(',', outSizes)};{string.Join(',', modes)};{type};{x.device}";
        lock (_plans)
        {
            var known = _plans.FindIndex(p => p.Key == key);
            var plan = known >= 0
                ? _plans[known].Plan
                : new SpectralPlan(sizes, outSizes, modes, weights, x.is_complex(), hermitian, type, x.device);
            if (known >= 0) _plans.RemoveAt(known);
            // A plan that falls out isn't disposed of: a backward pass may still need it. The collector gets it.
            if (_plans.Count == Kept) _plans.RemoveAt(0);
            _plans.Add((key, plan));
            return plan;
        }
    }

    public void Dispose()
    {
        foreach (var (_, plan) in _plans) plan.Dispose();
        _plans.Clear();
    }
}
