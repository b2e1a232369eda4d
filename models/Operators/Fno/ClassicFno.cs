using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Operators;

/// <summary>
/// The network of the paper itself (its scripts of 2020): a linear lift P, four layers v ← σ(bn(W v + K v)) without σ in the last, and a
/// projection Q of two layers. (batch, in, d1, …, dN) → (batch, out, d1, …, dN), for any number of axes.
/// </summary>
/// <remarks>State names: <c>fc0</c>, <c>conv0…</c>, <c>w0…</c>, <c>bn0…</c>, <c>fc1</c>, <c>fc2</c>, as in the scripts (which wrap them
/// once
/// more, in <c>conv1</c>). Source: Li et al. 2020, section 4 and figure 2. <see cref="Fno"/> is the form used since.</remarks>
[Model("fno-classic")]
public sealed class ClassicFno : Module<Tensor, Tensor>, IConfigured
{
    private readonly Linear _lift;
    private readonly ClassicSpectralConv[] _convs;
    private readonly Conv1d[] _maps;
    private readonly BatchNorm1d[] _norms;
    private readonly Linear _hidden;
    private readonly Linear _out;
    private readonly SumActivation _activation;

    /// <summary>A network with fresh weights.</summary>
    /// <exception cref="ArgumentException">The configuration isn't valid; the message says which option and what was expected.</exception>
    public ClassicFno(ClassicFnoConfig config) : base(nameof(ClassicFno))
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        Config = config;
        _activation = Activations.OfSum(config.NonLinearity, nameof(config.NonLinearity));
        var width = config.Width;
        _lift = Linear(config.InChannels + (config.Coordinates ? config.Modes.Count : 0), width);
        _convs = Each(() => new ClassicSpectralConv(width, width, config.Modes));
        _maps = Each(() => Conv1d(width, width, 1));
        _norms = config.BatchNorm ? Each(() => BatchNorm1d(width)) : [];
        _hidden = Linear(width, config.ProjectionChannels);
        _out = Linear(config.ProjectionChannels, config.OutChannels);

        register_module("fc0", _lift);
        Register("conv", _convs);
        Register("w", _maps);
        Register("bn", _norms);
        register_module("fc1", _hidden);
        register_module("fc2", _out);

        T[] Each<T>(Func<T> make) => [.. Enumerable.Range(0, config.NLayers).Select(_ => make())];

        void Register(string name, IReadOnlyList<Module> modules)
        {
            for (var i = 0; i < modules.Count; i++) register_module($"{name}{i}", modules[i]);
        }
    }

    /// <summary>What the network is made of.</summary>
    public ClassicFnoConfig Config { get; }

    object IConfigured.Config => Config;

    /// <summary>The layers' spectral convolutions.</summary>
    public IReadOnlyList<ClassicSpectralConv> Convs => _convs;

    // The fields are registered above under the scripts' names.
    /// <inheritdoc/>
    protected override void RegisterComponents() { }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">Wrong number of axes or channels, or a grid that doesn't have all modes.</exception>
    public override Tensor forward(Tensor x)
    {
        var axes = Config.Modes.Count;
        if (x.dim() != axes + 2 || x.shape[1] != Config.InChannels)
            throw new ArgumentException(
                $"Expected (batch, {Config.InChannels} channels) and {axes} axes, got [{string.Join(", ", x.shape)}]", nameof(x));
        using var scope = NewDisposeScope();
        var sizes = x.shape[2..];
        var v = Config.Coordinates ? WithCoordinates(x) : x;
        v = Pointwise.Conv(v.flatten(2), _lift.weight.unsqueeze(2), _lift.bias).unflatten(2, sizes);          // P
        if (Config.Padding > 0)
            v = functional.pad(v, [.. Enumerable.Repeat(new[] { 0, Config.Padding }, axes).SelectMany(p => p)]);

        var grid = v.shape[2..];
        for (var i = 0; i < _convs.Length; i++)                                                               // equation (2)
        {
            v = _convs[i].forward(v) + Pointwise.Conv(v.flatten(2), _maps[i].weight, _maps[i].bias).unflatten(2, grid);
            if (_norms.Length > 0) v = _norms[i].forward(v.flatten(2)).unflatten(2, grid);
            if (i < _convs.Length - 1) v = _activation(v);
        }
        for (var j = 0; j < axes; j++) v = v.narrow(j + 2, 0, sizes[j]);

        v = _activation(Pointwise.Conv(v.flatten(2), _hidden.weight.unsqueeze(2), null), _hidden.bias);       // Q
        return Pointwise.Conv(v, _out.weight.unsqueeze(2), _out.bias).unflatten(2, sizes).MoveToOuterDisposeScope();
    }

    // i/(s−1): the scripts' grids have both ends.
    private static Tensor WithCoordinates(Tensor x)
    {
        var sizes = x.shape[2..];
        var parts = new List<Tensor> { x };
        for (var j = 0; j < sizes.Length; j++)
        {
            var shape = Enumerable.Repeat(1L, sizes.Length + 2).ToArray();
            shape[j + 2] = sizes[j];
            parts.Add(linspace(0, 1, sizes[j], x.dtype, x.device).view(shape).expand([x.shape[0], 1, .. sizes]));
        }
        return cat(parts, 1);
    }
}
