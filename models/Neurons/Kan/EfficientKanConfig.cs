namespace TorchZoo.Models.Neurons;

/// <summary>What an <see cref="EfficientKan"/> is made of. Names and defaults are efficient-kan's.</summary>
public sealed record EfficientKanConfig
{
    /// <summary>Features of each layer, inputs and outputs included.</summary>
    public required IReadOnlyList<long> LayersHidden { get; init; }

    /// <summary>Intervals of the splines' grids, G.</summary>
    public int GridSize { get; init; } = 5;

    /// <summary>k</summary>
    public int SplineOrder { get; init; } = 3;

    /// <summary>See <see cref="KanLinear"/>.</summary>
    public double ScaleNoise { get; init; } = 0.1;

    /// <summary>See <see cref="KanLinear"/>.</summary>
    public double ScaleBase { get; init; } = 1;

    /// <summary>See <see cref="KanLinear"/>.</summary>
    public double ScaleSpline { get; init; } = 1;

    /// <summary>The function beside the splines (<see cref="Activations.Names"/>).</summary>
    public string BaseActivation { get; init; } = "silu";

    /// <summary>Share of equidistant points in updated grids.</summary>
    public double GridEps { get; init; } = 0.02;

    /// <summary>The first grids' ends.</summary>
    public IReadOnlyList<double> GridRange { get; init; } = [-1, 1];

    /// <exception cref="ArgumentException">An option is out of range; the message says what was expected.</exception>
    internal void Validate()
    {
        if (LayersHidden is null || LayersHidden.Count < 2) throw new ArgumentException("Expected inputs and outputs at least", nameof(LayersHidden));
        if (LayersHidden.Any(n => n < 1))
            throw new ArgumentException($"Expected positive numbers, got [{string.Join(", ", LayersHidden)}]", nameof(LayersHidden));
        KanConfig.CheckLayer(1, 1, GridSize, SplineOrder, GridEps);
        Activations.Named(BaseActivation, nameof(BaseActivation));
        if (GridRange is not [var low, var high] || !(low < high))
            throw new ArgumentException("Expected the two ends of an interval", nameof(GridRange));
    }
}
