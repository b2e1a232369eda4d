using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchZoo.Checkpoints;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// A DeepONet whose trunk is a fixed basis, the principal modes of the training outputs, perhaps with the features of a trunk net beside
/// them. u (functions, m) → (functions, N) on the N points of the basis: branch(u)·[V | σ(trunk(y))]ᵀ + b, b only with a trunk net.
/// </summary>
/// <remarks>Source: Lu et al. 2022 (arXiv 2111.05512), section 3.1.3; the form is DeepXDE's. Its state dict has the keys of DeepXDE and
/// also <c>pod_basis</c> and <c>pod_mean</c>; a state dict without them loads into a network that was given its basis.</remarks>
[Model("deeponet-pod")]
public sealed class PodDeepONet : OperatorNet, IModule<Tensor, Tensor>, IConfigured, IHasOptionalState
{
    [ComponentName(Name = "branch")]
    private readonly Module<Tensor, Tensor> _branch;
    [ComponentName(Name = "trunk")]
    private readonly FullyConnectedNet? _trunk;
    [ComponentName(Name = "b")]
    private readonly Parameter? _bias;
    [ComponentName(Name = "pod_basis")]
    private readonly Tensor _modes;
    [ComponentName(Name = "pod_mean")]
    private readonly Tensor _mean;
    private readonly Func<Tensor, Tensor> _trunkActivation;
    private readonly bool _basisGiven;

    /// <summary>A network with fresh weights.</summary>
    /// <param name="config">Its nets.</param>
    /// <param name="basis">Its basis, which is copied, and the mean that is added to its outputs. Null: zeros of the configuration's
    /// <see cref="PodDeepONetConfig.BasisShape"/>, to be loaded with the weights.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid or doesn't fit the basis; the message says what was
    /// expected.</exception>
    public PodDeepONet(PodDeepONetConfig config, PodBasis? basis = null) : this(config, basis, null) { }

    /// <summary>A network without a mean, as the reference has it.</summary>
    /// <param name="config">Its nets.</param>
    /// <param name="basis">(points, modes).</param>
    /// <exception cref="ArgumentException">The configuration isn't valid or doesn't fit the basis.</exception>
    public PodDeepONet(PodDeepONetConfig config, Tensor basis) : this(config, Uncentred(basis), null) { }

    /// <summary>A network whose branch is a module of your own, from input functions (batch, …) to (batch, features).</summary>
    /// <param name="config">The rest; its branch option is null.</param>
    /// <param name="basis">Its basis.</param>
    /// <param name="branch">The branch net.</param>
    /// <exception cref="ArgumentException">The configuration isn't valid or doesn't fit the basis.</exception>
    public PodDeepONet(PodDeepONetConfig config, PodBasis? basis, Module<Tensor, Tensor>? branch) : base(nameof(PodDeepONet))
    {
        ArgumentNullException.ThrowIfNull(config);
        if (basis is not null) config = WithBasis(config, basis);
        config.Validate(branch is not null);
        Config = config;
        _basisGiven = basis is not null;
        var (points, modes) = (config.BasisShape![0], config.BasisShape[1]);
        _modes = Owned(basis?.Modes, points, modes);
        _mean = Owned(basis?.Mean, points);
        _trunkActivation = Activations.Named(config.Activation.Trunk, nameof(config.Activation));
        _branch = branch ?? new FullyConnectedNet(config.Branch);
        if (config.LayerSizesTrunk is not null)
        {
            _trunk = new FullyConnectedNet(config.Trunk);
            _bias = Parameter(zeros([]));
        }
        RegisterComponents();
    }

    /// <summary>What the network is made of.</summary>
    public PodDeepONetConfig Config { get; }

    object IConfigured.Config => Config;

    /// <inheritdoc/>
    IEnumerable<string> IHasOptionalState.OptionalState => _basisGiven ? ["pod_basis", "pod_mean"] : [];

    /// <summary>G(u) on the basis' points; for a network without trunk net and output transform.</summary>
    /// <param name="u">Values of the input functions at the sensors, (functions, m).</param>
    /// <exception cref="ArgumentException">Wrong shape, or the network needs the points.</exception>
    public Tensor call(Tensor u)
    {
        if (_trunk is not null || OutputTransform is not null)
            throw new ArgumentException("Trunk: this network has a trunk net or an output transform and needs the query points", nameof(u));
        using var scope = NewDisposeScope();
        return Combine(Encode(u), _modes.unsqueeze(1)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Encode(Tensor u)
    {
        if (Config.LayerSizesBranch is { } sizes && (u.dim() != 2 || u.shape[1] != sizes[0]))
            throw new ArgumentException($"Branch: expected (functions, {sizes[0]} sensors), got {Shape(u)}", nameof(u));
        using var scope = NewDisposeScope();
        var coefficients = _branch.call(u);
        if (coefficients.dim() != 2 || coefficients.shape[1] != Config.BranchWidth)
            throw new ArgumentException($"Branch: expected a net that gives (functions, {Config.BranchWidth}), got {Shape(coefficients)}", nameof(u));
        return coefficients.unsqueeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>The basis: the modes and, if there is a trunk net, its features at the points.</summary>
    /// <param name="y">The basis' points, (N, d); not used without a trunk net.</param>
    /// <exception cref="ArgumentException">Not the basis' number of points, or not what the trunk net takes.</exception>
    public override Tensor Basis(Tensor y)
    {
        if (_trunk is null) return _modes.unsqueeze(1);
        using var scope = NewDisposeScope();
        var seen = InputTransform?.Invoke(y) ?? y;
        if (seen.dim() != 2 || seen.shape[0] != Config.BasisShape![0] || seen.shape[1] != Config.LayerSizesTrunk![0])
            throw new ArgumentException(
                $"Trunk: expected ({Config.BasisShape![0]} points of the basis, {Config.LayerSizesTrunk![0]} coordinates), got {Shape(seen)}", nameof(y));
        return cat([_modes, _trunkActivation(_trunk.call(seen))], 1).unsqueeze(1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Combine(Tensor coefficients, Tensor basis)
    {
        using var scope = NewDisposeScope();
        var output = Product(coefficients, basis, 1);
        if (_bias is not null) output = output.add_(_bias);
        if (Config.DivideByModes) output = output.div_(Config.BasisShape![1]);
        return output.add_(_mean).MoveToOuterDisposeScope();
    }

    private static PodDeepONetConfig WithBasis(PodDeepONetConfig config, PodBasis basis)
    {
        if (basis.Modes.dim() != 2 || basis.Mean.dim() != 1 || basis.Mean.shape[0] != basis.Modes.shape[0])
            throw new ArgumentException(
                $"Basis: expected modes (points, modes) and a mean (points), got {Shape(basis.Modes)} and {Shape(basis.Mean)}", nameof(basis));
        if (config.BasisShape is { } shape && !shape.SequenceEqual(basis.Modes.shape))
            throw new ArgumentException($"Basis: the configuration says ({string.Join(", ", shape)}), got {Shape(basis.Modes)}", nameof(basis));
        return config with { BasisShape = basis.Modes.shape };
    }

    private static PodBasis Uncentred(Tensor modes)
    {
        ArgumentNullException.ThrowIfNull(modes, "basis");
        if (modes.dim() != 2) throw new ArgumentException($"Basis: expected (points, modes), got {Shape(modes)}", "basis");
        return new(zeros([modes.shape[0]], modes.dtype, modes.device), modes);
    }

    private static Tensor Owned(Tensor? given, params long[] shape)
    {
        using var off = no_grad();
        var dtype = get_default_dtype();
        return (given is null ? zeros(shape, dtype) : given.detach().to(dtype, copy: true)).DetachFromDisposeScope();
    }
}
