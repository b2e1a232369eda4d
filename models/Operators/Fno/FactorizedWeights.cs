using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>The factors of a factorised weight: complex parameters <c>factor_0</c>, <c>factor_1</c>, …, stored as real pairs.</summary>
internal sealed class WeightFactors : Module, IHasStateViews
{
    private readonly int _count;

    public WeightFactors(double std, IReadOnlyList<long[]> shapes) : base(nameof(WeightFactors))
    {
        _count = shapes.Count;
        for (var i = 0; i < shapes.Count; i++) register_parameter($"factor_{i}", SpectralWeight.Normal(std, shapes[i]));
    }

    public Tensor this[int index] => get_parameter($"factor_{index}")!.view_as_complex();

    public IEnumerable<StateView> StateViews =>
        Enumerable.Range(0, _count).Select(i => SpectralWeight.Complex($"factor_{i}", $"factor_{i}"));
}

/// <summary>W = core ×₁ F₁ ×₂ F₂ …: a small core whose axes are mapped to those of W by one matrix each.</summary>
internal sealed class TuckerSpectralWeight : SpectralWeight
{
    [ComponentName(Name = "core")]
    private readonly Parameter _core;
    [ComponentName(Name = "factors")]
    private readonly WeightFactors _factors;
    private readonly int _channels;
    private readonly int _order;

    public TuckerSpectralWeight(long[] shape, int channels, double rank, bool fixInput, double std) : base(nameof(TuckerSpectralWeight))
    {
        (_order, _channels) = (shape.Length, channels);
        var ranks = FactorRanks.Tucker(shape, rank, fixInput);
        var each = Math.Pow(std / Math.Sqrt(ranks.Aggregate(1.0, (a, b) => a * b)), 1.0 / (shape.Length + 1));
        _core = Normal(each, ranks);
        _factors = new WeightFactors(each, [.. shape.Zip(ranks, (s, r) => new[] { s, r })]);
        RegisterComponents();
    }

    public override IEnumerable<StateView> StateViews => [Complex("core", "core")];

    public override Tensor Modes()
    {
        // Axis after axis from the front to the end; begun with the modes, the result has them first.
        int[] axes = [.. Enumerable.Range(_channels, _order - _channels), .. Enumerable.Range(0, _channels)];
        var t = _core.view_as_complex().permute([.. axes.Select(a => (long)a)]);
        foreach (var axis in axes) t = tensordot(t, _factors[axis], [0], [1]);
        return t;
    }
}

/// <summary>W = Σ_r w_r f₁ᵣ ⊗ f₂ᵣ ⊗ …: a sum of products of vectors, one an axis.</summary>
internal sealed class CpSpectralWeight : SpectralWeight
{
    [ComponentName(Name = "weights")]
    private readonly Parameter _weights;
    [ComponentName(Name = "factors")]
    private readonly WeightFactors _factors;
    private readonly long[] _shape;
    private readonly int _channels;

    public CpSpectralWeight(long[] shape, int channels, double rank, double std) : base(nameof(CpSpectralWeight))
    {
        (_shape, _channels) = (shape, channels);
        var terms = FactorRanks.Cp(shape, rank);
        using (no_grad())
            _weights = Parameter(stack([ones(terms), zeros(terms)], -1));
        _factors = new WeightFactors(Math.Pow(std / Math.Sqrt(terms), 1.0 / shape.Length), [.. shape.Select(s => new[] { s, terms })]);
        RegisterComponents();
    }

    public override IEnumerable<StateView> StateViews => [Complex("weights", "weights")];

    public override Tensor Modes()
    {
        var modes = Product(_channels, _shape.Length) * _weights.view_as_complex();
        return mm(modes, Product(0, _channels).t()).view([.. _shape[_channels..], .. _shape[.._channels]]);
    }

    // The products of some axes' vectors: (entries, terms).
    private Tensor Product(int first, int end) => Enumerable.Range(first, end - first).Select(i => _factors[i])
        .Aggregate((a, b) => (a.unsqueeze(1) * b.unsqueeze(0)).flatten(0, 1));
}

/// <summary>W as a chain of matrix products, one matrix for each index of each axis.</summary>
internal sealed class TtSpectralWeight : SpectralWeight
{
    [ComponentName(Name = "factors")]
    private readonly WeightFactors _factors;
    private readonly long[] _shape;
    private readonly int _channels;

    public TtSpectralWeight(long[] shape, int channels, double rank, double std) : base(nameof(TtSpectralWeight))
    {
        (_shape, _channels) = (shape, channels);
        var ranks = FactorRanks.Tt(shape, rank);
        _factors = new WeightFactors(
            Math.Pow(std / ranks.Aggregate(1.0, (a, b) => a * b), 1.0 / shape.Length),
            [.. shape.Select((s, i) => new[] { ranks[i], s, ranks[i + 1] })]);
        RegisterComponents();
    }

    public override IEnumerable<StateView> StateViews => [];

    public override Tensor Modes() => mm(Chain(_channels, _shape.Length).flatten(1).t(), Chain(0, _channels).flatten(0, -2).t())
        .view([.. _shape[_channels..], .. _shape[.._channels]]);

    // (first rank, sizes…, last rank); the whole chain's end ranks are 1.
    private Tensor Chain(int first, int end) => Enumerable.Range(first, end - first).Select(i => _factors[i])
        .Aggregate((a, b) => tensordot(a, b, [a.dim() - 1], [0]));
}

/// <summary>
/// Ranks of the factorisations from the share of the dense tensor's parameters that they may have (as TensorLy chooses them), or as given.
/// </summary>
internal static class FactorRanks
{
    /// <summary>Ranks c·s_i with c^n Πs + c Σs² = share · Πs; a fixed axis keeps its size.</summary>
    public static long[] Tucker(long[] shape, double rank, bool fixFirst)
    {
        if (IsExplicit(rank)) return [.. shape.Select(_ => (long)rank)];
        var free = fixFirst ? shape[1..] : shape;
        var entries = shape.Aggregate(1.0, (a, b) => a * b);
        var squares = free.Sum(s => (double)s * s);
        var constant = fixFirst ? (double)shape[0] * shape[0] : 0;
        // The left side grows with c, so halving the interval finds the root.
        var (low, high) = (0.0, 1.0);
        for (var i = 0; i < 100; i++)
        {
            var c = (low + high) / 2;
            if (entries * Math.Pow(c, free.Length) + squares * c + constant < rank * entries) low = c;
            else high = c;
        }
        var ranks = free.Select(s => Math.Max((long)Math.Round(s * low), 1));
        return fixFirst ? [shape[0], .. ranks] : [.. ranks];
    }

    /// <summary>Terms r with r Σs = share · Πs.</summary>
    public static long Cp(long[] shape, double rank) => IsExplicit(rank) ? (long)rank
        : Math.Max(1, (long)Math.Round(shape.Aggregate(1.0, (a, b) => a * b) * rank / shape.Sum()));

    /// <summary>Inner ranks proportional to the mean size of the axes they join, for that share of parameters.</summary>
    public static long[] Tt(long[] shape, double rank)
    {
        if (IsExplicit(rank)) return [1, .. shape[1..].Select(_ => (long)rank), 1];
        var means = shape.Zip(shape.Skip(1), (a, b) => (a + b) / 2.0).ToArray();
        var a = means.Length == 1 ? means[0] * means[0] * shape[0]
            : Enumerable.Range(1, shape.Length - 2).Sum(i => means[i - 1] * shape[i] * means[i]);
        var b = shape[0] * means[0] + shape[^1] * means[^1];
        var share = (-b + Math.Sqrt(b * b + 4 * a * rank * shape.Aggregate(1.0, (p, s) => p * s))) / (2 * a);
        return [1, .. means.Select(m => Math.Max((long)Math.Round(m * share), 1)), 1];
    }

    private static bool IsExplicit(double rank) => rank > 1 && rank == Math.Floor(rank);
}
