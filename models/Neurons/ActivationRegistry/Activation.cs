using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>
/// An activation of the registry as a layer. What is trained of it are parameters with the formula's names in the state dict (PReLU's:
/// <c>weight</c>); what follows the data are buffers; what is chosen is neither, but can be changed by <see cref="Set(string, double)"/>.
/// </summary>
/// <remarks>Source: Kunc and Kléma 2024. Results have the input's type; parameters may have another one.</remarks>
public abstract class Activation : Module<Tensor, Tensor>
{
    private readonly long[] _parameterShape;

    // Chosen numbers: of no axes and on the CPU, as such they go with tensors of any type and device. Null: it is trained, or a statistic.
    private readonly Tensor?[] _constants;

    private protected Activation(ActivationSpec spec, ActivationSetup setup) : base(spec.Name)
    {
        (Spec, _parameterShape, ChannelDim) = (spec, setup.Shape, setup.ChannelDim);
        _constants = new Tensor?[spec.Parameters.Count];
        foreach (var (i, parameter) in spec.Parameters.Index())
        {
            var value = setup.Values[i];
            Tensor Filled() => full(setup.Shape, value, setup.Type, setup.Device);
            if (parameter.Role == ActivationParameterRole.Statistic) register_buffer(parameter.StateName, Filled());
            else if (IsInState(parameter, setup.Trainable))
                register_parameter(parameter.StateName, new Parameter(Filled(), setup.Trainable ?? true));
            else _constants[i] = Constant(value);
        }
    }

    /// <summary>Its row of the table.</summary>
    public ActivationSpec Spec { get; }

    /// <summary>The axis of the input with the channels, where parameters of several numbers belong, vectors lie and pairs are put;
    /// negative: from the end. For inputs of fewer axes it is the last one.</summary>
    public int ChannelDim { get; }

    /// <summary>Whether a forward pass in training measures the statistics on its input first (<see cref="Measure"/>).</summary>
    public bool TracksStatistics { get; set; }

    /// <summary>The value of a parameter: the trained parameter itself, a statistic's buffer, or a number of no axes.</summary>
    /// <param name="name">Its name in the formula.</param>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public Tensor Value(string name) => Value(IndexOf(name, nameof(name)));

    /// <summary>Changes a parameter, wherever it comes from: all of its numbers.</summary>
    /// <param name="name">Its name in the formula.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="ArgumentException">There is none of that name, or the value breaks a constraint or isn't finite.</exception>
    public void Set(string name, double value)
    {
        var i = IndexOf(name, nameof(name));
        var values = Spec.Parameters.Index().Where(p => p.Index == i || _constants[p.Index] is not null)
            .ToDictionary(p => p.Item.Name, p => p.Index == i ? value : _constants[p.Index]!.item<double>());
        Spec.Values(values);
        if (_constants[i] is { } constant)
        {
            _constants[i] = Constant(value);
            constant.Dispose();
            return;
        }
        using var off = no_grad();
        Value(i).fill_(value);
    }

    /// <summary>Changes a parameter, each of its numbers.</summary>
    /// <param name="name">Its name in the formula.</param>
    /// <param name="values">One number, or as many as there are.</param>
    /// <exception cref="ArgumentException">There is none of that name, or the shape doesn't fit.</exception>
    public void Set(string name, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var i = IndexOf(name, nameof(name));
        if (_constants[i] is not null)
        {
            if (values.numel() != 1)
                throw new ArgumentException($"{Spec.Name}'s {name} is one number, got {values.numel()}", nameof(values));
            Set(name, values.to(ScalarType.Float64).item<double>());
            return;
        }
        var target = Value(i);
        if (values.numel() != 1 && !values.shape.SequenceEqual(target.shape))
            throw new ArgumentException($"{Spec.Name}'s {name} has the shape ({string.Join(", ", target.shape)}), "
                + $"got ({string.Join(", ", values.shape)})", nameof(values));
        using var off = no_grad();
        target.copy_(values.numel() == 1 ? values.reshape([]) : values);
    }

    /// <summary>Sets the statistics that come from the input itself (of ABReLU, AOAF, MarReLU and DReLU) to those of a batch, by channel or
    /// neuron where there are as many numbers. Others have to be <see cref="Set(string, double)"/>.</summary>
    /// <param name="x">The batch.</param>
    /// <exception cref="ArgumentException">It doesn't fit, or is empty.</exception>
    public void Measure(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (Spec.Statistic is not { } statistic) return;
        if (x.numel() == 0) throw new ArgumentException("Expected numbers to measure, got none", nameof(x));
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var size = _parameterShape.Aggregate(1L, (a, b) => a * b);
        var groups = x.detach().reshape(1, -1);
        if (size > 1)
        {
            var axis = AxisOfParameters(x);
            var axes = Enumerable.Range(0, (int)x.dim()).Select(i => (long)i).ToList();
            long[] own = [.. axes.Skip(axis).Take(_parameterShape.Length)];
            groups = x.detach().permute([.. own, .. axes.Except(own)]).reshape(size, -1);
        }
        foreach (var parameter in Spec.Parameters.Where(p => p.Role == ActivationParameterRole.Statistic))
            get_buffer(parameter.StateName)!.copy_(statistic(groups).reshape(_parameterShape));
    }

    /// <summary>Puts what is trained back within the bounds that its authors give, e.g. PELU's a and b to at least 0.1: after each
    /// update.</summary>
    public void ClampParameters()
    {
        using var off = no_grad();
        foreach (var parameter in Spec.Parameters)
            if (parameter.IsBounded && get_parameter(parameter.StateName) is { } trained)
                trained.clamp_(parameter.Minimum, parameter.Maximum);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">x isn't of floating point, or its channels don't fit the parameters.</exception>
    public override Tensor forward(Tensor x)
    {
        Check(x);
        using var scope = NewDisposeScope();
        return ActivationSpec.Finish(Evaluate(x, Arguments(x)), x).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            foreach (var constant in _constants) constant?.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>The map of an input, with the parameters' values as they go with it.</summary>
    private protected abstract Tensor Evaluate(Tensor x, Tensor[] parameters);

    /// <summary>The axis of an input where vectors lie and pairs are put.</summary>
    private protected long AxisOf(Tensor x)
    {
        if (x.dim() == 0) throw new ArgumentException($"{Spec.Name} expected at least one axis, got a number", nameof(x));
        var axis = ChannelDim < 0 ? ChannelDim + x.dim() : Math.Min(ChannelDim, x.dim() - 1);
        return axis >= 0 ? axis : throw new ArgumentException($"Expected an axis {ChannelDim}, got {x.dim()} axes", nameof(x));
    }

    private protected static void Check(Tensor x, string name = "x")
    {
        ArgumentNullException.ThrowIfNull(x, name);
        if (!x.is_floating_point()) throw new ArgumentException($"Expected numbers of floating point, got {x.dtype}", name);
    }

    /// <summary>The parameters' values, broadcastable with an input.</summary>
    private protected Tensor[] Arguments(Tensor x)
    {
        if (_constants.Length == 0) return [];
        if (TracksStatistics && training) Measure(x);
        var result = new Tensor[_constants.Length];
        for (var i = 0; i < result.Length; i++) result[i] = _constants[i] ?? Fitted(Value(i), x);
        return result;
    }

    private protected Tensor Fitted(Tensor value, Tensor x)
    {
        if (value.numel() == 1) return x.dim() == 0 ? value.reshape([]) : value.dim() <= 1 ? value : value.reshape(1);
        var behind = (int)x.dim() - AxisOfParameters(x) - _parameterShape.Length;
        return behind == 0 ? value : value.view([.. _parameterShape, .. Enumerable.Repeat(1L, behind)]);
    }

    private static Tensor Constant(double value) => tensor(value, ScalarType.Float64).DetachFromDisposeScope();

    private bool IsInState(ActivationParameter parameter, bool? trainable)
    {
        if (trainable == true && parameter.IsCount)
            throw new ArgumentException($"{Spec.Name}'s {parameter.Name} counts numbers; it can't be trained", nameof(trainable));
        // What an adaptive row keeps fixed stays so: what scales another one's speed of learning can't be trained with it.
        return Spec.Category == ActivationCategory.Fixed ? trainable == true : parameter.Role == ActivationParameterRole.Trainable;
    }

    private int AxisOfParameters(Tensor x)
    {
        var length = _parameterShape.Length;
        var axis = ChannelDim < 0 ? ChannelDim + (int)x.dim() : Math.Min(ChannelDim, (int)x.dim() - length);
        if (axis < 0 || axis + length > x.dim() || !x.shape.AsSpan(axis, length).SequenceEqual(_parameterShape))
            throw new ArgumentOutOfRangeException(nameof(x), $"({string.Join(", ", x.shape)})",
                $"{Spec.Name} has parameters of the shape ({string.Join(", ", _parameterShape)}), which x must have from axis {ChannelDim} "
                + "on");
        return axis;
    }

    private Tensor Value(int i)
    {
        var name = Spec.Parameters[i].StateName;
        return _constants[i] ?? get_parameter(name) ?? get_buffer(name)!;
    }

    private int IndexOf(string name, string argument)
    {
        for (var i = 0; i < Spec.Parameters.Count; i++)
            if (Spec.Parameters[i].Name == name) return i;
        throw new ArgumentException($"{Spec.Name} has no parameter '{name}'", argument);
    }
}
