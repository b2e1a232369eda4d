using System.Globalization;
using TorchSharp.Modules;
using TorchZoo.Layers;
using TorchZoo.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// What NAU and NMU have in common: plain weights within bounds, that a loss draws to whole numbers. (…, in) → (…, out), and with members
/// (members, …, in) → (members, …, out). State name: <c>W</c> (out, in).
/// </summary>
/// <remarks>Source: Madsen and Johansen 2020, section 2. 16-bit inputs are computed in float32. Losses of an ensemble are sums over its
/// members of each one's mean.</remarks>
public abstract class BoundedLayer : Module<Tensor, Tensor>
{
    private protected BoundedLayer(string name, long inFeatures, long outFeatures, (double Low, double High) bounds, OutOfBounds oob,
        long? members, Func<long[], Tensor> initial) : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inFeatures);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outFeatures);
        if (members is { } m) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(m, nameof(members));
        if (!Enum.IsDefined(oob)) throw new ArgumentOutOfRangeException(nameof(oob), oob, "is no way to keep bounds");
        (Bounds, OutOfBounds) = (bounds, oob);
        register_parameter("W", new Parameter(initial(Ensemble.Shape(members, outFeatures, inFeatures))));
    }

    /// <summary>The least and the greatest weight.</summary>
    public (double Low, double High) Bounds { get; }

    /// <summary>What keeps the weights there.</summary>
    public OutOfBounds OutOfBounds { get; }

    /// <summary>The weights as they are stored: (out, in), or (members, out, in).</summary>
    public Parameter Weight => get_parameter("W")!;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An axis doesn't fit the weights, or the type.</exception>
    public sealed override Tensor forward(Tensor x)
    {
        Ensemble.Check(x, Weight, nameof(x));
        return Ensemble.InFullPrecision(x, wide => Apply(wide, Bounded()));
    }

    /// <summary>Puts the stored weights back within their bounds: after each update, where bounds are kept by clipping. Otherwise it does
    /// nothing.</summary>
    public void ClampParameters()
    {
        if (OutOfBounds != OutOfBounds.Clip) return;
        using var off = no_grad();
        Weight.clamp_(Bounds.Low, Bounds.High);
    }

    /// <summary>How far the weights are from whole numbers, as a loss: the mean over them, 0 at whole numbers.</summary>
    /// <param name="shape">How it grows with the distance.</param>
    public Tensor SparsityLoss(RegularizerShape shape = RegularizerShape.Linear)
    {
        using var scope = NewDisposeScope();
        var weight = Autocast.ToFullPrecision(Weight);
        var size = IsSigned ? weight.abs() : weight;
        return Total(shape switch
        {
            // |1 − |W|| and not 1 − |W|: weights outside of the bounds would be rewarded.
            RegularizerShape.Linear => minimum(weight.abs(), (1 - size).abs()),
            RegularizerShape.Squared => (weight * (1 - size)).square(),
            _ => throw new ArgumentOutOfRangeException(nameof(shape), shape, "is no shape"),
        }).MoveToOuterDisposeScope();
    }

    /// <summary>How far the weights are outside of their bounds, as a loss: the mean over them.</summary>
    public Tensor OutOfBoundsLoss()
    {
        using var scope = NewDisposeScope();
        var (middle, half) = (IsSigned ? 0 : 0.5, IsSigned ? 1 : 0.5);
        return Total(functional.relu((Autocast.ToFullPrecision(Weight) - middle).abs() - half)).MoveToOuterDisposeScope();
    }

    /// <summary>The largest distance of a weight from a whole number, max min(|W|, |1 − |W||).</summary>
    public double SparsityError() => SparsityErrors().Max();

    /// <summary>The same for each member; one number without members.</summary>
    public IReadOnlyList<double> SparsityErrors()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var size = Weight.to(ScalarType.Float64).abs();
        return minimum(size, (1 - size).abs()).amax([-2, -1]).reshape(-1).cpu().data<double>().ToArray();
    }

    /// <summary>What the layer has learned, of inputs x0, x1, …: <c>x1*x3</c>; of several outputs, separated by semicolons.</summary>
    /// <param name="tolerance">Distance from a whole number that is taken for it; other weights are written out.</param>
    /// <param name="member">Which member of an ensemble.</param>
    /// <exception cref="ArgumentException">There is no such member.</exception>
    public string Formula(double tolerance = 1e-3, long member = 0) =>
        string.Join("; ", Formulas([.. Enumerable.Range(0, (int)Weight.shape[^1]).Select(i => $"x{i}")], tolerance, member));

    /// <summary>The formula of each output.</summary>
    /// <param name="names">What the inputs are called.</param>
    /// <param name="tolerance">Distance from a whole number that is taken for it.</param>
    /// <param name="member">Which member of an ensemble.</param>
    internal string[] Formulas(IReadOnlyList<string> names, double tolerance, long member)
    {
        if (member < 0 || member >= (Weight.dim() > 2 ? Weight.shape[0] : 1))
            throw new ArgumentOutOfRangeException(nameof(member), member, "there is no such member");
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var weight = Weight.detach().to(ScalarType.Float64).cpu();
        if (weight.dim() > 2) weight = weight[member];
        return [.. weight.unbind(0).Select(row => Formula(names, row.contiguous().data<double>().ToArray(), tolerance))];
    }

    private protected abstract bool IsSigned { get; }

    private protected abstract Tensor Apply(Tensor x, Tensor weight);

    private protected abstract string Formula(IReadOnlyList<string> names, double[] weights, double tolerance);

    private protected virtual bool AlwaysBounded => false;

    private protected static string Number(double value) => value.ToString("G4", CultureInfo.InvariantCulture);

    /// <summary>A factor that is a sum itself.</summary>
    private protected static string Factor(string name) => name.AsSpan().IndexOfAny("+-") < 0 ? name : $"({name})";

    private Tensor Bounded()
    {
        var weight = Autocast.ToFullPrecision(Weight);
        return AlwaysBounded || OutOfBounds == OutOfBounds.Penalty ? weight.clamp(Bounds.Low, Bounds.High) : weight;
    }

    private static Tensor Total(Tensor byWeight) => byWeight.mean([-2, -1]).sum();
}
