using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>What a <see cref="Kan"/> is made of. Names and defaults are those of the reference implementation (pykan).</summary>
public sealed record KanConfig
{
    /// <summary>Nodes that add, of each layer from the inputs to the outputs.</summary>
    public required IReadOnlyList<long> Width { get; init; }

    /// <summary>Nodes that multiply, of each layer; 0 for the inputs. Null: none.</summary>
    public IReadOnlyList<long>? MultWidth { get; init; }

    /// <summary>How many subnodes a node multiplies.</summary>
    public int MultArity { get; init; } = 2;

    /// <summary>Intervals of the splines' grids, G.</summary>
    public int Grid { get; init; } = 3;

    /// <summary>The splines' order.</summary>
    public int K { get; init; } = 3;

    /// <summary>The first curves are those through noise uniform in ±noise_scale/(2G).</summary>
    public double NoiseScale { get; init; } = 0.3;

    /// <summary>Mean of s_b · √in.</summary>
    public double ScaleBaseMu { get; init; }

    /// <summary>Half the range of s_b · √in.</summary>
    public double ScaleBaseSigma { get; init; } = 1;

    /// <summary>The function beside the splines (<see cref="Activations.Names"/>).</summary>
    public string BaseFun { get; init; } = "silu";

    /// <summary>Share of equidistant points in updated grids.</summary>
    public double GridEps { get; init; } = 0.02;

    /// <summary>The first grids' ends.</summary>
    public IReadOnlyList<double> GridRange { get; init; } = [-1, 1];

    /// <summary>Whether nodes' scales and biases are trained.</summary>
    public bool AffineTrainable { get; init; }

    /// <summary>Edges whose function is known; null: none.</summary>
    public IReadOnlyList<KanSymbol>? Symbols { get; init; }

    internal long Multiplications(int layer) => MultWidth?[layer] ?? 0;

    /// <summary>What a layer's nodes give to the next one.</summary>
    internal long Nodes(int layer) => Width[layer] + Multiplications(layer);

    /// <summary>What a layer's edges end in.</summary>
    internal long Subnodes(int layer) => Width[layer] + MultArity * Multiplications(layer);

    /// <exception cref="ArgumentException">An option is out of range; the message says what was expected.</exception>
    internal void Validate()
    {
        if (Width is null || Width.Count < 2) throw new ArgumentException("Expected inputs and outputs at least", nameof(Width));
        if (MultWidth is not null && (MultWidth.Count != Width.Count || MultWidth[0] != 0 || MultWidth.Any(n => n < 0)))
            throw new ArgumentException($"Expected {Width.Count} numbers, the first one 0, got [{string.Join(", ", MultWidth)}]", nameof(MultWidth));
        if (Width.Any(n => n < 0) || Enumerable.Range(0, Width.Count).Any(l => Nodes(l) < 1))
            throw new ArgumentException($"Expected a node at least in each layer, got [{string.Join(", ", Width)}]", nameof(Width));
        if (MultArity < 2) throw new ArgumentException($"Expected 2 or more subnodes to multiply, got {MultArity}", nameof(MultArity));
        CheckLayer(1, 1, Grid, K, GridEps);
        Activations.Named(BaseFun, nameof(BaseFun));
        if (GridRange is not [var low, var high] || !(low < high))
            throw new ArgumentException("Expected the two ends of an interval", nameof(GridRange));
        foreach (var s in Symbols ?? [])
        {
            if (s.Layer < 0 || s.Layer >= Width.Count - 1 || s.Input < 0 || s.Input >= Nodes(s.Layer) || s.Output < 0
                || s.Output >= Subnodes(s.Layer + 1))
                throw new ArgumentException($"There is no edge from {s.Input} to {s.Output} in layer {s.Layer}", nameof(Symbols));
            SymbolicLibrary.Find(s.Function, nameof(Symbols));
        }
    }

    internal static void CheckLayer(long inFeatures, long outFeatures, int gridSize, int order, double gridEps)
    {
        if (inFeatures < 1) throw new ArgumentException($"Expected a feature at least, got {inFeatures}", nameof(inFeatures));
        if (outFeatures < 1) throw new ArgumentException($"Expected a feature at least, got {outFeatures}", nameof(outFeatures));
        if (gridSize < 1) throw new ArgumentException($"Expected an interval at least, got {gridSize}", nameof(gridSize));
        if (order < 0) throw new ArgumentException($"Expected an order ≥ 0, got {order}", nameof(order));
        if (gridEps is not (>= 0 and <= 1)) throw new ArgumentException($"Expected a share, got {gridEps}", nameof(gridEps));
    }

    internal static void CheckInput(Tensor x, long features, string parameter)
    {
        ArgumentNullException.ThrowIfNull(x, parameter);
        if (x.dim() < 1 || x.shape[^1] != features)
            throw new ArgumentException($"Expected (…, {features}), got ({string.Join(", ", x.shape)})", parameter);
    }

    /// <summary>Samples as rows, enough of them to say what so many coefficients should be.</summary>
    internal static Tensor Samples(Tensor x, long features, long least, ScalarType type, string parameter)
    {
        CheckInput(x, features, parameter);
        var rows = x.detach().reshape(-1, features).to(type);
        return rows.shape[0] >= least ? rows : throw new ArgumentException(
            $"Expected {least} samples or more for as many coefficients of each curve, got {rows.shape[0]}", parameter);
    }
}
