using TorchZoo.Checkpoints;
using TorchZoo.Kernels.Cpu;
using static TorchSharp.torch;

namespace TorchZoo.Optimizers;

/// <summary>Parameters that are updated together: of one device and type, all with a gradient.</summary>
/// <param name="Path">How.</param>
/// <param name="States">Theirs.</param>
/// <param name="Gradients">Theirs.</param>
internal sealed record UpdatePart(UpdatePath Path, ParameterState[] States, Tensor[] Gradients)
{
    public Tensor[] Parameters => Array.ConvertAll(States, s => (Tensor)s.Parameter);

    public Device Device => States[0].Parameter.device;

    public bool IsDouble => States[0].Parameter.dtype == ScalarType.Float64;

    /// <summary>One tensor of each state.</summary>
    public Tensor[] Of(int index) => Array.ConvertAll(States, s => s.Get(index));

    /// <summary>The gradients times a factor: themselves if that is 1.</summary>
    public Tensor[] Scaled(double factor) => factor == 1 ? Gradients : [.. Gradients.Select(g => g * factor)];

    /// <summary>Those of a property, each group in turn.</summary>
    public IEnumerable<UpdatePart> By<TKey>(Func<ParameterState, TKey> key) => States.Zip(Gradients).GroupBy(p => key(p.First))
        .Select(g => new UpdatePart(Path, [.. g.Select(p => p.First)], [.. g.Select(p => p.Second)]));

    /// <summary>Goes through memory in which parameters and gradients lie alike.</summary>
    /// <param name="update">What to do with some elements of a parameter: its number, the address of the first in the parameter and in the
    /// gradient, the distance of that from the tensor's first (all in bytes), how many elements.</param>
    public void ForEachPiece(Action<int, nint, nint, long, long> update)
    {
        var size = IsDouble ? sizeof(double) : sizeof(float);
        var parameters = Array.ConvertAll(States, s => TensorMemory.Address(s.Parameter));
        var plain = Array.ConvertAll(Gradients, g => g.is_contiguous() ? g : g.contiguous());
        var gradients = Array.ConvertAll(plain, TensorMemory.Address);
        var lengths = Array.ConvertAll(plain, g => g.numel());
        TensorShares.ForEach(lengths, TensorShares.Workers(lengths), (i, start, count, _) =>
            update(i, parameters[i] + (nint)(start * size), gradients[i] + (nint)(start * size), start * size, count));
        GC.KeepAlive(plain);
    }
}
