using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchZoo.Optimizers;

/// <summary>What an optimizer remembers of a parameter; nothing before its first gradient.</summary>
/// <param name="parameter">The parameter.</param>
/// <param name="count">How many tensors there can be.</param>
internal sealed class ParameterState(Parameter parameter, int count) : IDisposable
{
    private readonly Tensor?[] _tensors = new Tensor?[count];

    public Parameter Parameter => parameter;

    /// <summary>Updates made.</summary>
    public long Step { get; set; }

    /// <summary>A tensor of the parameter's shape; null if it hasn't been made.</summary>
    public Tensor? this[int index] => _tensors[index];

    /// <summary>A tensor of the parameter's shape and layout; zeros when it is asked for first.</summary>
    public Tensor Get(int index) => _tensors[index] ??= zeros_like(parameter).DetachFromDisposeScope();

    /// <summary>Gives each element what is remembered of an earlier one.</summary>
    /// <param name="before">For each element the index of the earlier one, −1 for none: nothing is remembered of it.</param>
    public void Rearrange(Tensor before)
    {
        using var off = no_grad();
        for (var i = 0; i < _tensors.Length; i++)
        {
            if (_tensors[i] is not { } tensor) continue;
            _tensors[i] = Rearrangement.Of(tensor, before).DetachFromDisposeScope();
            tensor.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _tensors) tensor?.Dispose();
        Array.Clear(_tensors);
        Step = 0;
    }
}
