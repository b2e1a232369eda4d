using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Numerics;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// A network that is one linear map on fixed features, B Φ(x) + b: (…, in) → (…, out). Its best weights for squared errors have a closed
/// form (<see cref="Fit"/>); it can be trained as well. State names <c>weights</c> (out, count), <c>bias</c> (out), and the buffers
/// <c>features.{i}.projection</c>.
/// </summary>
/// <remarks>Source: Sehanobish, Choromanski et al. 2023, section 3.2 and equation 12.</remarks>
public sealed class FullyBundledNetwork : Module<Tensor, Tensor>
{
    // Rows of features at once, for a closed form over many examples.
    private const long Chunk = 8192;

    [ComponentName(Name = "features")]
    private readonly ModuleList<RandomFeatures> _features;
    [ComponentName(Name = "weights")]
    private readonly Parameter _weights;
    [ComponentName(Name = "bias")]
    private readonly Parameter _bias;

    /// <summary>A network whose weights are 0.</summary>
    /// <param name="features">The feature maps, each on what the one before gives. They belong to the network from now on.</param>
    /// <param name="outFeatures">Numbers out.</param>
    /// <exception cref="ArgumentException">There is no map, one doesn't fit the one before, or the size isn't positive.</exception>
    public FullyBundledNetwork(IReadOnlyList<RandomFeatures> features, long outFeatures) : base(nameof(FullyBundledNetwork))
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outFeatures);
        if (features.Count == 0) throw new ArgumentException("Expected a feature map at least", nameof(features));
        for (var i = 1; i < features.Count; i++)
            if (features[i].InFeatures != features[i - 1].Count)
                throw new ArgumentException($"Map {i} takes {features[i].InFeatures} numbers, the one before gives {features[i - 1].Count}",
                    nameof(features));
        OutFeatures = outFeatures;
        _features = new ModuleList<RandomFeatures>([.. features]);
        _weights = new Parameter(zeros(outFeatures, features[^1].Count).DetachFromDisposeScope());
        _bias = new Parameter(zeros(outFeatures).DetachFromDisposeScope());
        RegisterComponents();
    }

    /// <summary>Numbers out.</summary>
    public long OutFeatures { get; }

    /// <summary>B, (out, count).</summary>
    public Tensor Weights => _weights;

    /// <summary>b, (out).</summary>
    public Tensor Bias => _bias;

    /// <summary>Φ(x), of all maps one after the other.</summary>
    /// <param name="x">(…, in)</param>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public Tensor Features(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var scope = NewDisposeScope();
        foreach (var map in _features) x = map.Features(x);
        return x.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The last axis isn't the number of inputs.</exception>
    public override Tensor forward(Tensor x)
    {
        using var features = Features(x);
        return functional.linear(features, _weights, _bias);
    }

    /// <summary>Sets the weights to the minimum of Σ‖B Φ(x) + b − y‖² + λ(‖B‖² + ‖b‖²), λ = ridge · n: one pass over the examples, and a
    /// Cholesky decomposition in float64.</summary>
    /// <param name="x">(n, in)</param>
    /// <param name="y">(n, out); of classes one-hot.</param>
    /// <param name="ridge">λ/n ≥ 0; 0: of all minima the smallest.</param>
    /// <returns>The network.</returns>
    /// <exception cref="ArgumentException">A shape doesn't fit, there are no examples, or the ridge is negative.</exception>
    public FullyBundledNetwork Fit(Tensor x, Tensor y, double ridge = 1e-6)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        if (x.dim() != 2 || x.shape[0] == 0 || x.shape[1] != _features[0].InFeatures)
            throw new ArgumentException($"Expected (n ≥ 1, {_features[0].InFeatures}), got ({string.Join(", ", x.shape)})", nameof(x));
        Kernels.Expect.Shape(y, nameof(y), x.shape[0], OutFeatures);
        if (ridge is not (>= 0 and < double.PositiveInfinity)) throw new ArgumentOutOfRangeException(nameof(ridge), ridge, "must be ≥ 0");
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var size = _weights.shape[1] + 1;
        Tensor gram = zeros(size, size, ScalarType.Float64, x.device), right = zeros(size, OutFeatures, ScalarType.Float64, x.device);
        for (long start = 0; start < x.shape[0]; start += Chunk)
        {
            using var inner = NewDisposeScope();
            var count = Math.Min(Chunk, x.shape[0] - start);
            var features = Features(x.narrow(0, start, count)).to(ScalarType.Float64);
            features = cat([features, ones(count, 1, ScalarType.Float64, x.device)], 1);
            gram.add_(features.t().matmul(features));
            right.add_(features.t().matmul(y.narrow(0, start, count).to(ScalarType.Float64)));
        }
        gram.diagonal().add_(ridge * x.shape[0]);
        var (lower, failed) = linalg.cholesky_ex(gram);
        // With more features than examples and hardly a ridge the matrix is singular as far as float64 can tell.
        var solution = ridge == 0 || failed.item<int>() != 0 ? LeastSquares.Solve(gram, right) : right.cholesky_solve(lower);
        _weights.copy_(solution[..(int)(size - 1)].t());
        _bias.copy_(solution[(int)(size - 1)]);
        return this;
    }
}
